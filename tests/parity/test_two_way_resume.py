"""A run that changes sides: begun in Octave and ended in Python, and the reverse, in single precision.

Each is compared with an uninterrupted run on either side. The first epoch after the change starts from the same bits
as the uninterrupted run of the side it comes from, so rounding is all that may part them: PARITY's drift of one epoch.
The epochs after it run freely: equal decisions about lambda, and PARITY's drift of epoch 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import nnet_train_2
from hf_matlab_compat.legacy import nnet_train
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from hf_matlab_compat.matlab.logs.audit import audit
from hf_matlab_compat.matlab.logs.parser import LoggedRun, read_log
from hf_matlab_compat.matlab.octave.session import run_octave
from hf_matlab_compat.state import State
from tests.cases import arguments
from tests.octave import live

pytestmark = live

REFERENCE = Path(__file__).parents[2] / "reference_matlab"
CASES = ("ae_logistic", "class_softmax")
CHANGE, LAST = 3, 6
"""The epoch after which a run changes sides, and its last one."""

ONE_EPOCH = 10 * 5e-7
"""Ten times the drift of the log-likelihood that rounding causes in one epoch in single precision."""

FREE = 10 * 7e-5
"""Ten times that of four epochs, the largest of the first sixteen."""

NAMES = (
    "paramsp", "Win", "bin", "resumeFile", "maxepoch", "indata", "outdata", "numchunks", "intest", "outtest",
    "numchunks_test", "layersizes", "layertypes", "mattype", "rms", "errtype", "hybridmode", "weightcost", "decay",
)  # fmt: skip


_FILES: list[TemporaryDirectory[str]] = []


@pytest.fixture(scope="module", autouse=True)
def _clean_up() -> Iterator[None]:
    yield
    for folder in _FILES:
        folder.cleanup()


def new_folder() -> Path:
    _FILES.append(TemporaryDirectory(prefix="two_way_"))
    return Path(_FILES[-1].name)


def call(name: str, run: str, resume: str, last: int) -> list[Any]:
    recorded = arguments(name)
    given = {key: recorded[key] for key in NAMES if key in recorded}
    types = [str(unit[0]) for unit in recorded["layertypes"].ravel()]
    words = {key: str(recorded[key].item()) for key in ("mattype", "errtype")}
    given |= {"Win": None, "bin": None, "layertypes": types, "maxepoch": last, "resumeFile": resume or None, **words}
    return [run, "two ways", *(given[key] for key in NAMES), 0]


@cache
def in_octave(name: str, resume: str = "", last: int = LAST) -> Path:
    """The stem of the files of a run of the reference."""
    folder = new_folder()
    overrides = {"checkpoint_period": 1.0}
    args = [*call(name, str(folder / "octave"), resume, last), overrides]
    run_octave("nnet_train_2", args, path=[REFERENCE], workdir=folder, timeout=120)
    return folder / "octave"


@cache
def in_python(name: str, resume: str = "", last: int = LAST) -> Path:
    """The stem of the files of a run of this package."""
    stem = new_folder() / "python"
    if last == CHANGE:  # by the legacy call itself
        nnet_train_2(*call(name, str(stem), resume, last))
        return stem
    keys = ("runName", "runDesc", *NAMES, "jacket")
    given = dict(zip(keys, call(name, str(stem), resume, last), strict=True))
    nnet_train(**given, checkpoint_every=1, display="none")
    return stem


def change(stem: Path) -> str:
    return f"{stem}_nnet_epoch{CHANGE}.mat"


def end(stem: Path) -> State:
    return read_checkpoint(f"{stem}_nnet_running.mat")


def log(stem: Path) -> LoggedRun:
    (run,) = read_log(f"{stem}.txt")
    return run


SIDES = {
    "octave then python": (in_octave, in_python),
    "python then octave": (in_python, in_octave),
}


@pytest.fixture(params=[(name, side) for name in CASES for side in SIDES], ids=lambda pair: " ".join(pair))
def changed(request: pytest.FixtureRequest) -> tuple[Path, Path, Path]:
    """A run that changes sides, the uninterrupted run it comes from, and that of the other side."""
    name, side = request.param
    first, second = SIDES[side]
    return second(name, change(first(name))), first(name), second(name)


def test_the_records_of_the_other_side_are_kept_to_the_bit(changed: tuple[Path, Path, Path]) -> None:
    both, source = end(changed[0]).records, end(changed[1]).records
    for figure in ("log_likelihood", "error", "lam", "seconds"):
        np.testing.assert_array_equal(getattr(both, figure)[:CHANGE], getattr(source, figure)[:CHANGE])
        assert len(getattr(both, figure)) == LAST


def test_the_first_epoch_on_the_other_side_is_the_uninterrupted_one_up_to_rounding(
    changed: tuple[Path, Path, Path],
) -> None:
    resumed, whole = log(changed[0]).epochs[0], log(changed[1]).epochs[CHANGE]
    for figure in ("epoch", "cg_steps", "total_cg_steps", "lam", "reductions", "rate"):
        assert resumed[figure] == whole[figure]
    drift = end(changed[0]).records.log_likelihood[CHANGE] / end(changed[1]).records.log_likelihood[CHANGE] - 1
    assert np.abs(drift).max() <= ONE_EPOCH


@pytest.mark.parametrize("against", [1, 2], ids=["the side it comes from", "the other side"])
def test_the_run_ends_where_uninterrupted_ones_do(changed: tuple[Path, Path, Path], against: int) -> None:
    both, whole = end(changed[0]), end(changed[against])
    assert (both.epoch, both.lam) == (LAST, whole.lam)
    np.testing.assert_array_equal(both.records.lam, whole.records.lam)
    drift = both.records.log_likelihood / whole.records.log_likelihood - 1
    assert np.abs(drift).max() <= FREE


def test_the_log_says_where_it_came_from_and_obeys_every_law(changed: tuple[Path, Path, Path]) -> None:
    run = log(changed[0])
    assert run.resume_from == change(changed[1])
    assert list(run.epochs["epoch"]) == list(range(CHANGE + 1, LAST + 1))
    assert audit(run) == []


def test_octave_resumes_its_own_run_to_the_bit_and_so_does_python() -> None:
    for side in (in_octave, in_python):
        whole = side(CASES[1])
        resumed = side(CASES[1], change(whole))
        np.testing.assert_array_equal(end(resumed).theta, end(whole).theta)
        np.testing.assert_array_equal(end(resumed).records.log_likelihood, end(whole).records.log_likelihood)


def test_the_legacy_call_s_checkpoint_goes_on_in_octave() -> None:
    name = CASES[1]
    short = in_python(name, last=CHANGE)
    resumed = end(in_octave(name, f"{short}_nnet_running.mat"))
    drift = resumed.records.log_likelihood / end(in_python(name)).records.log_likelihood - 1
    assert np.abs(drift).max() <= FREE


def test_octave_goes_on_from_the_best_and_the_average_parameters() -> None:
    """Early stopping keeps ordinary checkpoints: the reference's next epoch is ours up to rounding."""
    name, stem = "class_softmax", new_folder() / "stopped"
    keys = ("runName", "runDesc", *NAMES, "jacket")
    given = dict(zip(keys, call(name, str(stem), "", LAST), strict=True))
    nnet_train(**given, patience=LAST, averagedecay=0.5, display="none")
    for kept in ("best", "average"):
        path = f"{stem}_nnet_{kept}.mat"
        epoch = read_checkpoint(path).epoch
        theirs, ours = (end(side(name, path, epoch + 1)).records for side in (in_octave, in_python))
        assert len(theirs.seconds) == len(ours.seconds) == epoch + 1
        np.testing.assert_allclose(theirs.log_likelihood[-1], ours.log_likelihood[-1], rtol=ONE_EPOCH)
