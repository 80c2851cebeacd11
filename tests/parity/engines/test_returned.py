"""Malformed things that a trainer returns or saves: one sentence, never a traceback, and never an agreement."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity.cases import builtin_case
from hf_matlab_compat.parity.certificate import Verdict
from hf_matlab_compat.parity.engines.job import Job, make_job, run_octave_driver, write_job
from hf_matlab_compat.parity.engines.reference import OURS, open_reference
from hf_matlab_compat.parity.engines.results import read_continuity, read_until_stop
from hf_matlab_compat.parity.judge import judge
from hf_matlab_compat.parity.recording import Recording
from hf_matlab_compat.parity.run_parity import exit_code, run_parity
from tests.octave import live
from tests.parity.engines.trainers import SMALL, edited

pytestmark = live
LAST = "paramsp = double(paramsp);\n"
RECORDED = "    llrecord(epoch, 2) = ll_test;\n"
LAST_XS = "xs{end+1} = x; is(end+1) = i;\nend"
LIVE: dict[str, Any] = {
    "paramsp empty": ((LAST, "paramsp = [];\n"), "nnet_train_2.m", "paramsp, as nnet_train_2 returns it"),
    "paramsp a cell": ((LAST, "paramsp = {paramsp};\n"), "nnet_train_2.m", "epoch 1: "),
    "llrecord a row": ((RECORDED, f"{RECORDED}    llrecord = llrecord(1, 1);\n"), "nnet_train_2.m", "llrecord in its"),
    "errrecord of one column": (
        ("    errrecord(epoch, 2) = err_test;\n", "    errrecord = errrecord(:, 1);\n"),
        "nnet_train_2.m",
        "errrecord in its checkpoint: expected 1 rows or more of 2, got the number",
    ),
    "is too short": (("if i ~= ceil(inext)\n", "is(1) = []; if false\n"), "conjgrad_1.m", "xs, as conjgrad_1"),
    "complex iterates": ((LAST_XS, LAST_XS.replace("= x", "= x*1i")), "conjgrad_1.m", "xs, as"),
    "steps as text": (("if i ~= ceil(inext)\n", "is = 'steps'; if false\n"), "conjgrad_1.m", "epoch 1: "),
    "no errrecord": (("'errrecord', 'lambdarecord')", "'lambdarecord')"), "nnet_train_2.m", "errrecord in its check"),
}  # fmt: skip


@pytest.mark.parametrize("name", LIVE)
def test_what_a_trainer_returns_malformed_is_one_sentence_and_exit_code_2(name: str, tmp_path: Path) -> None:
    change, file, said = LIVE[name]
    folder = edited(tmp_path / "theirs", change, file=file)
    with pytest.raises(ParityError) as caught:
        run_parity(reference=folder, cases=[SMALL], precisions=["double"], epochs=1, envelope=False)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["times", "totalpasses", "lambda"])
def test_a_checkpoint_without_one_of_its_variables_differs_in_that(name: str, tmp_path: Path) -> None:
    saved = "save(running, 'paramsp', 'ch', 'epoch', 'lambda', 'totalpasses', 'llrecord', 'times',"
    folder = edited(tmp_path / "theirs", (saved, saved.replace(f" '{name}',", "")), of=OURS)
    run = run_parity(reference=folder, cases=[SMALL], precisions=["double"], epochs=2, envelope=False)
    differing = {(line.stage, line.detail) for line in run.certificate.lines if line.verdict is Verdict.DIFFERS}
    assert differing == {("checkpoint", name)}
    assert exit_code(run.certificate) == 1


def test_what_is_malformed_later_leaves_what_was_well_formed(tmp_path: Path) -> None:
    change = (LAST, f"{LAST}if maxepoch == 2, paramsp = 'none'; end\n")
    folder = edited(tmp_path / "theirs", change)
    run = run_parity(reference=folder, cases=[SMALL], precisions=["double"], epochs=3, envelope=False)
    assert exit_code(run.certificate) == 2
    beside = [line for line in run.certificate.lines if line.stage != "entry"]
    assert {line.epoch for line in beside if line.verdict is Verdict.AGREES} == {1}


@pytest.mark.parametrize("old", ["        fprintf(fid, '%s\\r\\n', text);\n", "['rho = ' num2str(rho)]"])
def test_what_a_trainer_does_not_log_differs(old: str, tmp_path: Path) -> None:
    folder = edited(tmp_path / "theirs", (old, "" if old.endswith("\n") else "'no rho'"))
    run = run_parity(reference=folder, cases=[SMALL], precisions=["double"], epochs=1, envelope=False)
    assert exit_code(run.certificate) == 1
    lacking = {line.stage for line in run.certificate.lines if "the reference lacks" in line.bound_source}
    assert lacking >= ({"log", "rho", "reductions", "rate", "cg_steps"} if old.endswith("\n") else {"rho"})


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, Path]:
    """A job of two epochs, done."""
    place = tmp_path_factory.mktemp("played")
    reference = open_reference()
    job = make_job(reference, builtin_case(SMALL), precision="double", mode="lockstep", epochs=2)
    write_job(job, place / "job")
    reference.copy_to(place / "reference")
    run_octave_driver(place / "job", place / "reference", timeout=60)
    return job, place / "job" / "results"


MALFORMED: list[Any] = [
    np.zeros((0, 0)),
    np.zeros((1, 0)),
    np.zeros((2, 3)),
    np.zeros((3, 1, 2)),
    np.array([[1 + 2j]]),
    np.array([[np.nan]]),
    np.array([[np.inf]]),
    np.array([[-1.0]]),
    np.array([[2.5]]),
    np.array([[True]]),
    np.int8([[7]]),
    "text",
    "",
    {"field": 1.0},
    np.array([[1.0, "a"]], object),
    np.empty((0, 0), object),
    None,
]


@pytest.mark.parametrize("file", ["epoch_0001.mat", "epoch_0002.mat", "whole.mat"])
def test_no_value_in_a_file_of_the_driver_leads_to_a_traceback(
    file: str, played: tuple[Job, Path], tmp_path: Path
) -> None:
    job, results = played
    content = {name: value for name, value in loadmat(results / file).items() if not name.startswith("__")}
    assert len(content) > 8
    for at, name in enumerate(content):
        for k, value in enumerate([*MALFORMED, content[name].T, content[name].ravel()[:1]]):
            place = tmp_path / f"{at}_{k}"
            shutil.copytree(results, place)
            other = {**content, name: value}
            savemat(place / file, {key: part for key, part in other.items() if part is not None})
            require_sentence_or_recording(job, place)
            shutil.rmtree(place)


def require_sentence_or_recording(job: Job, place: Path) -> None:
    try:
        records, stop = read_until_stop(job, place)
        continuity = read_continuity(job, records, place)
    except ParityError:
        return
    recording = Recording(
        case=job.case, precision="double", mode="lockstep", epochs=records, envelope={}, checkpoint=None,
        provenance={}, continuity=continuity, stop=stop,
    )  # fmt: skip
    if np.random.default_rng(len(str(place))).random() < 0.02:
        judge([recording], stages=["grad", "rho"])
