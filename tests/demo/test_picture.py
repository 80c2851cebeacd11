"""The picture of reconstructions."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from hf_matlab_compat.demo.picture import picture_impossible, write_picture


def test_a_picture_is_a_png_wider_than_high(tmp_path) -> None:
    pytest.importorskip("matplotlib")
    write_picture(tmp_path / "p.png", dict.fromkeys(["above", "below"], np.zeros((64, 20))))
    head = (tmp_path / "p.png").read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", head[16:24])
    assert width > 3 * height


def test_rows_are_drawn_black_on_white_and_upright(tmp_path) -> None:
    image = pytest.importorskip("matplotlib.image")
    digit = np.zeros((8, 8))
    digit[:2] = 1  # black at the top
    write_picture(tmp_path / "p.png", {"": np.tile(digit.reshape(-1, 1), (1, 10))})
    pixels = image.imread(tmp_path / "p.png")[..., 0]
    black_rows = np.flatnonzero((pixels < 0.1).mean(axis=1) > 0.5)
    assert black_rows.size
    assert black_rows.mean() < pixels.shape[0] / 2
    assert pixels.mean() > 0.5


def test_without_matplotlib_it_is_said_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setattr("hf_matlab_compat.demo.picture.find_spec", lambda name: None)
    reason = picture_impossible()
    assert reason is not None
    assert "hf_matlab_compat[plot]" in reason
