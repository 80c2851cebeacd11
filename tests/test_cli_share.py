"""`hf-compat share`: a keeper and workers on shards of a case; what they print and write, and what they refuse."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.cli import main
from hf_matlab_compat.demo.digits import shuffled_digits
from hf_matlab_compat.distributed import FolderState
from hf_matlab_compat.legacy.case_file import write_case
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from hf_matlab_compat.plots.trained_network import load_network

FIT, OTHERS = shuffled_digits(160, 120)
CASE: dict[str, Any] = {
    **{"indata": FIT.images, "outdata": FIT.one_hot(), "intest": OTHERS.images, "outtest": OTHERS.one_hot()},
    **{"layersizes": [6], "layertypes": ["logistic", "softmax"], "errtype": "class", "maxepoch": 3},
}
STATE = ("--state", "shared", "--no-durable", "--display", "none", "--out", "own")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with case.mat, as the working directory."""
    write_case(tmp_path / "case.mat", CASE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def keeping(*words: str) -> Iterator[list[int]]:
    """Run a keeper in a thread until its last version; the list gets its exit code."""
    codes: list[int] = []
    call = ["share", "keep", "shared", "--no-durable", "--idle", "20", *words]
    thread = threading.Thread(target=lambda: codes.append(main(call)))
    thread.start()
    while not Path("shared/setup").exists():
        thread.join(0.01)
    yield codes
    thread.join(30)
    assert not thread.is_alive()


def test_workers_train_their_shards_and_the_keeper_writes_log_and_checkpoints(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with keeping("--versions", "6", "--merge", "delta", "--portion", "0.5", "--out", "kept") as codes:
        for shard in ("1/2", "2/2"):
            assert main(["share", "work", "case.mat", "--shard", shard, "--seed", "4", *STATE]) == 0
    assert codes == [0]
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Keeping shared from version 0 on."
    assert {said[1], said[-1]} <= {
        "Version 6.",
        *(f"Shared parameters: own/case_shard{k}of2_paramsp.mat" for k in (1, 2)),
    }

    kept, own = read_checkpoint("kept/shared_nnet_running.mat"), read_checkpoint("own/case_shard2of2_nnet_running.mat")
    assert (kept.epoch, own.epoch) == (6, 3)
    assert np.array_equal(kept.theta, own.theta)
    assert np.array_equal(load_mat(Path("own/case_shard2of2_paramsp.mat"))["paramsp"].ravel(), kept.theta)
    assert np.array_equal(kept.records.log_likelihood[3:, 0], own.records.log_likelihood[:, 0])
    assert np.array_equal(kept.records.lam[3:], own.records.lam)
    log = Path("kept/shared.txt").read_text()
    assert "method: shared parameters, hessian_free" in log
    assert re.findall(r"epoch: (\d)", log) == list("123456")
    totals = [int(total) for total in re.findall(r"total is: (\d+)", log)]
    assert totals == sorted(totals)
    assert totals[-1] == kept.memory["total_cg_steps"]

    assert main(["share", "status", "shared"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "keeper   none: start one with hf-compat share keep" in lines
    assert "merge    delta, portion 0.5" in lines
    assert "vector   460 numbers of float32" in lines
    assert main(["share", "replay", "shared"]) == 0
    assert capsys.readouterr().out.startswith("Versions 0 to 6: equal bit for bit.\nSHA-256 of the parameters: ")
    assert main(["checkpoint", "kept/shared_nnet_running.mat"]) == 0
    assert "64 6 10 (logistic, softmax)" in capsys.readouterr().out


def test_a_keeper_goes_on_and_scores_the_shared_parameters_on_all_cases(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with keeping("--versions", "2", "--out", "kept", "--merge", "delta", "--portion", "0.5"):
        assert main(["share", "work", "case.mat", "--maxepoch", "2", "--seed", "4", *STATE]) == 0
    with keeping("--versions", "3", "--out", "kept", "--case", "case.mat") as codes:  # the rule and the log go on
        assert main(["share", "work", "case.mat", "--maxepoch", "1", *STATE]) == 0
    assert codes == [0]
    kept = read_checkpoint("kept/shared_nnet_running.mat")
    assert kept.epoch == 3
    assert np.isnan(kept.records.error[:2, 1]).all()
    made = load_network("kept/shared_nnet_running.mat")
    for cases, column in ((FIT, 0), (OTHERS, 1)):
        wrong = made.predict(cases.images).argmax(axis=0) != cases.labels
        assert kept.records.error[2, column] == pytest.approx(wrong.mean())
        # the shared parameters after the merge, not the worker's before it
        true = made.predict(cases.images)[cases.labels, np.arange(len(cases.labels))]
        decay = 0.5 * 2e-5 * float(kept.theta.astype(float) @ kept.theta)
        assert kept.records.log_likelihood[2, column] == pytest.approx(np.log(true).mean() - decay, rel=1e-6)
    assert "kept/shared_nnet_running.mat" in Path("kept/shared.txt").read_text()
    capsys.readouterr()
    write_case(Path("other.mat"), {**CASE, "layersizes": [5]})
    assert main(["share", "keep", "shared", "--case", "other.mat", "--out", "other"]) == 2
    assert capsys.readouterr().err == "case: expected a network of 460 parameters, got other with 385.\n"
    assert not Path("other").exists()


def test_one_worker_that_overwrites_is_an_ordinary_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with keeping("--versions", "3", "--merge", "average", "--portion", "1"):
        assert main(["share", "work", "case.mat", "--seed", "4", *STATE]) == 0
    assert main(["train", "case.mat", "--seed", "4", "--display", "none", "--out", "alone"]) == 0
    alone = load_mat(Path("alone/case_paramsp.mat"))["paramsp"]
    assert np.array_equal(load_mat(Path("own/case_shard1of1_paramsp.mat"))["paramsp"], alone)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["work", "case.mat", "--state", "none"], "none: expected a folder of shared parameters, got no such folder."),
        (["work", "case.mat", "--state", "redis://h"], "state: expected redis://host:port/run, with the name of the"),
        (["work", "case.mat", "--state", ".", "--shard", "3/2"], "shard: expected K/N, the K-th of N shares of the"),
        (
            ["work", "case.mat", "--state", ".", "--shard", "1/161"],
            "case: expected at least 161 cases, one for each shard",
        ),
        (["work", "case.mat", "--state", "x", "--set", "blankout=2"], "x: expected a folder of shared parameters"),
        (
            ["work", "case.mat", "--state", "s", "--set", "blankout=2"],
            "--set blankout: expected a number of at least 0",
        ),
        (["status", "none"], "none: expected a folder of shared parameters, got no such folder."),
        (["status", "s"], "s: expected a run that a keeper has begun, got none. Start one: hf-compat share keep."),
        (["replay", "s"], "s: expected a run that a keeper has begun, got none. Start one: hf-compat share keep."),
        (["keep", "s", "--tolerance", "-1"], "tolerance: expected a finite number of at least 0, got -1.0."),
        (["keep", "s", "--merge", "delta", "--tolerance", "1"], "tolerance: expected nothing beside merge='delta'"),
        (["keep", "s", "--record", "-2"], "record: expected a whole number of at least 0, got -2."),
        (["keep", "s", "--case", "none.mat"], "case: expected a .mat file, got none.mat, which cannot be read"),
        (["keep", "case.mat"], "case.mat: expected a folder that can be read and written, got 'Not a directory'."),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    FolderState("s")
    before = sorted(path.as_posix() for path in folder.rglob("*"))
    assert main(["share", *words]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.strip().splitlines()) == 1
    assert sorted(path.as_posix() for path in folder.rglob("*")) == before


def test_without_the_package_redis_one_sentence_says_what_to_install(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    assert main(["share", "status", "redis://h/run"]) == 2
    expected = "state: expected the package redis, got no such package. Run pip install 'hf_matlab_compat[share]', or"
    assert capsys.readouterr().err.startswith(expected)


def test_a_shared_run_that_nobody_keeps_ends_a_worker_before_it_writes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    FolderState("shared")
    assert main(["share", "work", "case.mat", "--patience", "0", *STATE]) == 2
    assert "expected a run that a keeper has begun" in capsys.readouterr().err
    assert not Path("own").exists()
