"""Recordings, distances, and the file of a recording."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity.recording import distance, read_recording_file


def test_the_distance_is_relative_and_unequal_shapes_are_infinitely_apart() -> None:
    assert distance([3.0, 4.0], [3.0, 5.0]) == pytest.approx(1 / math.sqrt(34))
    assert distance([1.0], [1.0, 2.0]) == math.inf


def test_equal_infinities_are_no_distance_apart_and_what_has_no_ratio_is_infinitely_far() -> None:
    assert distance(-math.inf, -math.inf) == 0
    assert distance(math.nan, math.nan) == 0
    assert distance(1.0, 0.0) == math.inf
    assert distance(math.nan, 1.0) == math.inf


def save(path: Path, tree: object) -> Path:
    np.savez_compressed(path, tree=np.frombuffer(json.dumps(tree).encode(), np.uint8))
    return path


@pytest.mark.parametrize("tree", [[], "text", {"version": 1}, {"version": 1, "case": {"map": {}}, "epochs": 3}])
def test_another_tree_is_refused(tmp_path: Path, tree: object) -> None:
    with pytest.raises(ParityError, match=r"a\.npz: expected the file of a recording, got another"):
        read_recording_file(save(tmp_path / "a.npz", tree))


def test_another_version_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParityError, match="expected version 1, got 0"):
        read_recording_file(save(tmp_path / "a.npz", {"version": 0}))


@pytest.mark.parametrize("damage", ["cut", "flip", "text", "missing"])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: str) -> None:
    content = bytearray(save(tmp_path / "a.npz", {"version": 1, "about": list(range(500))}).read_bytes())
    content[len(content) // 3] ^= 255
    damaged = {"cut": content[:60], "flip": content, "text": b"text", "missing": b""}[damage]
    (tmp_path / "a.npz").write_bytes(damaged)
    with pytest.raises(ParityError, match="expected the file of a recording"):
        read_recording_file(tmp_path / ("none" if damage == "missing" else "a.npz"))
