"""One call over all epochs ends where the resumed calls do; what a trainer keeps to itself between epochs shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hf_matlab_compat.parity.cases import builtin_case
from hf_matlab_compat.parity.engines import OctaveEngine, pack, read_tape
from hf_matlab_compat.parity.recording import Continuity
from tests.octave import live
from tests.parity.engines.test_tape import play
from tests.parity.engines.trainers import EPOCH_BEGINS, ONE_FILE, SMALL, STEP, edited

pytestmark = live
BEFORE_LOOP = "for epoch = epoch:maxepoch\n"
COUNT = (BEFORE_LOOP, f"nin = 0;\n{BEFORE_LOOP}    nin = nin + 1;\n")
PRECON = "    %precon = grad2 + lambda;\n"
KEPT: dict[str, tuple[tuple[str, str], ...]] = {
    "momentum": (
        (BEFORE_LOOP, f"pprev = 0;\n{BEFORE_LOOP}"),
        (STEP, "    paramsp = paramsp + rate*p + 0.5*pprev; pprev = rate*p;\n"),
    ),
    "count": (COUNT, (EPOCH_BEGINS, f"{EPOCH_BEGINS}    if nin > 1, lambda = lambda*1.1; end\n")),
    "running average": (
        (BEFORE_LOOP, f"average = 0;\n{BEFORE_LOOP}"),
        (PRECON, "    average = 0.9*average + grad2; grad2 = average;\n"),
    ),
    "forgotten start": (COUNT, ("    ch = decay*ch;\n", "    ch = decay*ch; if nin > 1, ch = 0*ch; end\n")),
    "persistent": ((EPOCH_BEGINS, f"{EPOCH_BEGINS}    if counted() > 1, lambda = lambda*1.1; end\n"),),
}
COUNTED = "function n = counted()\npersistent k\nif isempty(k), k = 0; end\nk = k + 1; n = k;\nend\n"


def continuity(reference: Path | None, name: str = SMALL, precision: str = "double", epochs: int = 3):
    run = OctaveEngine(reference).record(builtin_case(name), precision=precision, mode="lockstep", epochs=epochs)
    return run.continuity


PRECISIONS = ("double", "single")
RUNS = [
    pytest.param(reference, precision, name, id=f"{name}-{precision}-{of}", marks=marks)
    for number, name in enumerate([SMALL, "class_softmax", "k_logistic_rms0_gn_hy0_lam1"])
    for of, reference in (("reference_matlab", None), ("one_file", ONE_FILE))
    for place, precision in enumerate(PRECISIONS)
    for marks in [() if place == (number + (of == "one_file")) % 2 else pytest.mark.torture]
]
"""Each in one precision, in turn; in either with the tests that take minutes. So are `ALL_KEPT`."""
ALL_KEPT = [
    pytest.param(kept, precision, marks=() if place == number % 2 else pytest.mark.torture)
    for number, kept in enumerate(KEPT)
    for place, precision in enumerate(PRECISIONS)
]


@pytest.mark.parametrize(("reference", "precision", "name"), RUNS)
def test_one_call_equals_the_resumed_calls_to_the_last_bit(reference, precision, name):
    found = continuity(reference, name, precision)
    assert found == Continuity(epochs=3, theta=0.0, d=0.0, lam=(found.lam[0], found.lam[0]), first_apart=None)


@pytest.mark.parametrize(("kept", "precision"), ALL_KEPT)
def test_what_is_kept_between_epochs_shows_in_the_epoch_where_it_counts(kept, precision, tmp_path):
    folder = edited(tmp_path / "theirs", *KEPT[kept])
    (folder / "counted.m").write_text(COUNTED)
    found = continuity(folder, precision=precision)
    assert found.theta > 0
    assert found.first_apart == (1 if kept == "persistent" else 2)  # it counts calls, not epochs


def test_what_only_the_last_call_returns_otherwise_is_of_the_last_epoch(tmp_path):
    change = ("paramsp = double(paramsp);", "paramsp = double(paramsp)*(1 + 1e-15*(nin > 1));")
    found = continuity(edited(tmp_path / "theirs", COUNT, change))
    assert 0 < found.theta < 1e-14
    assert (found.d, found.first_apart) == (0.0, 3)


def test_a_call_that_ends_before_its_last_epoch_shows(tmp_path):
    folder = edited(tmp_path / "theirs", COUNT, (EPOCH_BEGINS, f"    if nin == 3, break, end\n{EPOCH_BEGINS}"))
    found = continuity(folder)
    assert (found.epochs, found.first_apart) == (2, 3)


def stopped(reference: Path) -> str:
    """Why a run of three epochs did not go on."""
    run = OctaveEngine(reference).record(builtin_case(SMALL), precision="double", mode="lockstep", epochs=3)
    assert run.stop is not None
    return run.stop.reason


def test_state_that_a_checkpoint_lacks_is_told_from_a_broken_trainer(tmp_path):
    change = (STEP, "    if epoch > 1, paramsp = paramsp + 0.5*pprev; end\n    pprev = rate*p;\n" + STEP)
    said = stopped(edited(tmp_path / "theirs", change))
    assert said.startswith("epoch 2: 'pprev' undefined")
    assert "started from a checkpoint" in said
    assert "one call over all 3 epochs ran to its end" in said
    assert "state that its checkpoint lacks" in said


def test_a_trainer_that_fails_in_one_call_alone_is_told(tmp_path):
    folder = edited(tmp_path / "theirs", COUNT, (EPOCH_BEGINS, f"{EPOCH_BEGINS}    if nin > 1, error('twice'), end\n"))
    said = stopped(folder)
    assert re.search(r"one call over 3 epochs: epoch 2: twice \(in .*\)\. Each of these epochs ran when", said)


def test_a_tape_tells_as_well(tmp_path):
    for trainer, first_apart in ((ONE_FILE, None), (edited(tmp_path / "theirs", *KEPT["momentum"]), 2)):
        tape = tmp_path / f"tape{first_apart}"
        pack(tape, [builtin_case(SMALL)], precisions=["single"], epochs=3)
        play(tape, trainer)
        (recording,) = read_tape(tape)
        assert recording.continuity.first_apart == first_apart


@pytest.mark.parametrize(("mode", "epochs"), [("lockstep", 1), ("kernels", 2), ("free", 2)])
def test_it_is_not_run_where_there_is_nothing_to_compare(mode, epochs):
    run = OctaveEngine(ONE_FILE).record(builtin_case(SMALL), precision="single", mode=mode, epochs=epochs)
    assert run.continuity is None
