"""The study of pre-training: both starts are run and compared, and finished runs are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hf_matlab_compat.cli import main
from hf_matlab_compat.studies import pretraining
from hf_matlab_compat.studies.errors_by_epoch import Errors
from hf_matlab_compat.studies.pretraining import PretrainingStudy, Setting

QUICK = ["--epochs", "10", "--machine-epochs", "10"]


def test_the_command_trains_from_both_starts_and_goes_on_after_a_kill(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    journal, files = (
        str(tmp_path / "journal"),
        ["--json", str(tmp_path / "p.json"), "--picture", str(tmp_path / "p.png")],
    )
    real, runs = pretraining._run, []

    def killed_in_the_second_run(*given: Any) -> Any:
        if len(runs) == 1:
            raise KeyboardInterrupt
        runs.append(given[1])
        return real(*given)

    monkeypatch.setattr(pretraining, "_run", killed_in_the_second_run)
    assert main(["study", "pretraining", *QUICK, "--journal", journal]) == 130
    monkeypatch.setattr(pretraining, "_run", lambda *given: runs.append(given[1]) or real(*given))
    assert main(["study", "pretraining", *QUICK, "--journal", journal, *files]) == 0
    assert runs == ["sparse", "pretrained"]
    shown = capsys.readouterr()
    assert "ahead" not in shown.out
    assert "The pre-trained network has the smaller training error after epoch 10: 1 of 1 seeds." in shown.out
    assert "not pre-trained, sparse start, seed 0: error" in shown.err
    assert "from the journal" in shown.err
    found = json.loads((tmp_path / "p.json").read_text())
    assert len(found["runs"]["pretrained"][0]["train"]) == 10
    assert found["runs"]["pretrained"][0]["train"][0] < 0.5 * found["runs"]["sparse"][0]["train"][0]
    assert (tmp_path / "p.png").stat().st_size > 5000


def test_pretraining_has_to_be_ahead_for_every_seed() -> None:
    def study(*last: float) -> PretrainingStudy:
        runs = {
            "sparse": [Errors([3.0] * 9 + [2.0]) for _ in last],
            "pretrained": [Errors([1.0] * 9 + [error]) for error in last],
        }
        return PretrainingStudy(Setting(epochs=10), range(len(last)), runs, [1.0] * len(last))

    assert study(1.0, 1.9).is_met
    assert not study(1.0, 2.1).is_met
    assert study(1.0, 2.1).verdict().endswith("1 of 2 seeds.")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seeds", "0"], "seeds: expected a whole number of at least 1, got 0"),
        (["--epochs", "9"], "epochs: expected at least 10, after which the runs are judged, got 9"),
        (["--method", "cooking"], "method: expected"),
    ],
)
def test_what_does_not_fit_is_refused(words: list[str], message: str, capsys: Any) -> None:
    assert main(["study", "pretraining", *words]) == 2
    assert message in capsys.readouterr().err
