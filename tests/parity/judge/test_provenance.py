"""What a certificate says of when, with which build and on which data it was made."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.parity.cases import builtin_case
from hf_matlab_compat.parity.engines import provenance
from hf_matlab_compat.parity.engines.provenance import data_hash, our_provenance
from tests.parity.judge.certificates import agreeing


class Installed:
    """A distribution as an installer leaves it."""

    def __init__(self, **files: str) -> None:
        self.files = files

    def read_text(self, name: str) -> str | None:
        return self.files.get(name.partition(".")[0])


def test_a_certificate_has_date_build_data_and_ensemble() -> None:
    told = agreeing().provenance
    said = datetime.strptime(told["date"], "%Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - said).total_seconds()) < 3600
    assert told["data of ae_logistic"] == data_hash(builtin_case("ae_logistic"))
    assert "ensemble" in told


def test_a_clone_names_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"rev-parse": "0123456789abcdef", "status": " M a.py"}
    monkeypatch.setattr(provenance, "_git", lambda clone, command, *more: answers[command])
    monkeypatch.setattr(Path, "exists", lambda path: True)
    assert our_provenance("numpy")["hf_matlab_compat"].endswith(", commit 0123456789ab with changes")
    answers["status"] = ""
    assert our_provenance("numpy")["hf_matlab_compat"].endswith(", commit 0123456789ab")


def test_an_installed_wheel_names_its_hash_or_that_of_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "_git", lambda *command: "")

    def build(**files: str) -> str:
        monkeypatch.setattr(provenance, "distribution", lambda name: Installed(**files))
        return our_provenance("numpy")["hf_matlab_compat"]

    known = '{"archive_info": {"hashes": {"sha256": "ab12"}}}'
    assert build(direct_url=known).endswith(", wheel sha256 ab12")
    files = "hf_matlab_compat/a.py,sha256=x,1\nhf_matlab_compat/b.py,sha256=y,2\n"
    plain = build(RECORD=files)
    assert re.search(r", installed files sha256 [0-9a-f]{64}$", plain)
    beside = "hf_matlab_compat/__pycache__/a.pyc,,\nhf_matlab_compat-1.dist-info/INSTALLER,sha256=z,4\n"
    assert build(RECORD=beside + files, direct_url="no json") == plain
    assert build(RECORD=files.replace("=y", "=z")) != plain


def test_the_hash_is_of_the_numbers_and_not_of_their_class() -> None:
    case = builtin_case("ae_logistic")

    def changed(name: str, value: Any) -> str:
        return data_hash(replace(case, arguments={**case.arguments, name: value}))

    data = case.arguments["indata"]
    assert changed("indata", np.asfortranarray(data.astype(np.float64))) == changed("indata", data.astype(np.float64))
    other = np.array(data, np.float64)
    other[3, 5] += 1e-12
    assert changed("indata", other) != changed("indata", np.array(data, np.float64))
    assert changed("runName", "another") == data_hash(case)
