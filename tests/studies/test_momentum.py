"""The study of momentum: its runs, what it judges, and that a killed one goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import train
from hf_matlab_compat.cli import main
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.studies import momentum
from hf_matlab_compat.studies.data import curves
from hf_matlab_compat.studies.errors_by_epoch import Errors
from hf_matlab_compat.studies.momentum import Setting, study

LAST = {0.0: 2.0, 0.9: 1.0, 0.99: 0.5, 0.995: 0.6, 0.999: 0.7}
FLAT = 3.58157


def _fakes(monkeypatch: pytest.MonkeyPatch, last: dict[float, float], die_after: int = 10**9) -> list[Any]:
    """Replace the runs by ones with these errors; each falls by a tenth when the momentum is lowered."""
    done: list[Any] = []

    def run(asked: Any, tell: Any) -> Errors:
        if len(done) == die_after:
            raise KeyboardInterrupt
        done.append((asked["method"], asked["momentum"], asked["rate"], asked["seed"]))
        error = FLAT if asked["method"] == "dense" else last[asked["momentum"]] / asked["rate"]
        return Errors([1.1 * error] * 18 + [error] * 2, [], 1.0)

    monkeypatch.setattr(momentum, "_run", run)
    return done


def test_a_killed_study_goes_on_and_reruns_only_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting, journal = Setting(200, (1.0, 0.5)), tmp_path / "journal"
    first = _fakes(monkeypatch, LAST, die_after=7)
    with pytest.raises(KeyboardInterrupt):
        study(setting, [0, 1], journal)
    rest = _fakes(monkeypatch, LAST)
    found = study(setting, [0, 1], journal)
    assert len(first) == 7
    assert len(rest) == 9 * 2 * 2 + 2 - 7
    assert not set(first) & set(rest)
    assert found.cells["nag", 0.99].rate == 1.0  # the better one
    assert found.is_met
    assert found.mean_picture == pytest.approx(FLAT, rel=1e-5)


@pytest.mark.parametrize(
    ("last", "held"),
    [
        (LAST, [True, True, True, True]),
        ({**LAST, 0.9: 1.4}, [False, True, True, True]),
        ({**LAST, 0.99: 0.7, 0.995: 0.7}, [True, False, True, True]),
        ({**LAST, 0.99: 0.7}, [True, True, True, True]),
        ({**LAST, 0.999: 0.0}, [True, True, False, True]),
    ],
)
def test_criteria_are_judged_by_the_errors(
    last: dict[float, float], held: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    _fakes(monkeypatch, last)
    found = study(Setting(200, (1.0,)), [0])
    assert [met for _, met in found.criteria()] == held
    assert found.is_met == all(held)
    assert "CURVES" in found.table()
    assert "1.1 → 1 (1)" in found.table() or last is not LAST


def test_a_run_that_diverged_is_told_and_never_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    _fakes(monkeypatch, {**LAST, 0.999: np.inf})
    found = study(Setting(200, (1.0,)), [0])
    assert "diverged (1)" in found.table()
    assert "Infinity" not in json.dumps(found.figures())


def test_the_last_tenth_of_a_run_has_the_lower_momentum() -> None:
    asked = {"updates": 200, "method": "nag", "momentum": 0.99, "rate": 0.05, "seed": 3}
    errors = momentum._run(asked, lambda line: None)
    pictures = curves(2000, 1).pooled().train.astype(np.float32)
    given = {
        **{"inputs": pictures, "targets": pictures, "hidden_sizes": [60, 30, 15, 6, 15, 30, 60], "num_threads": 1},
        "unit_types": ["logistic"] * 3 + ["linear"] + ["logistic"] * 4,
        **{"method": "nag", "learning_rate": 0.05, "momentum_period": 1, "num_chunks": 10, "seed": 3},
    }
    one = train(**given, momentum=0.99, max_epochs=18)
    two = train(**given, momentum=0.9, max_epochs=20, resume_from=one)
    assert errors.train == two.records.error[:, 0].tolist()
    assert errors.seconds > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seeds", "0"], "seeds: expected a whole number of at least 1, got 0"),
        (["--updates", "300"], "updates: expected a multiple of 200, got 300"),
        (["--json", "absent/x.json"], "json: expected a file in a folder that exists"),
        (["--picture", "x.bmp"], "picture: expected a file name that ends in"),
    ],
)
def test_the_command_refuses_before_any_run(words: list[str], message: str, capsys: Any, monkeypatch: Any) -> None:
    done = _fakes(monkeypatch, LAST)
    assert main(["study", "momentum", *words]) == 2
    assert message in capsys.readouterr().err
    assert done == []


def test_the_command_prints_writes_and_judges(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    _fakes(monkeypatch, {**LAST, 0.9: 1.4})
    words = ["--json", str(tmp_path / "m.json"), "--picture", str(tmp_path / "m.svg"), "--rates", "1", "0.5"]
    assert main(["study", "momentum", "--updates", "200", *words]) == 1
    shown = capsys.readouterr()
    assert "NOT MET  NAG 0.9 is at most 2/3 of no momentum: 1.4, 2" in shown.out
    assert "NAG 0.99, rate 1, seed 0: error 0.5" in shown.err
    assert len(json.loads((tmp_path / "m.json").read_text())["cells"]) == 10
    assert "largest momentum" in (tmp_path / "m.svg").read_text() or (tmp_path / "m.svg").stat().st_size > 5000
    with pytest.raises(OptionError, match="rates: expected at least one learning rate, got none"):
        study(Setting(200, ()), [0])
