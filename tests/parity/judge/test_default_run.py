"""What a default run is made of sees classes of bugs that fewer cases or epochs would miss."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from hf_matlab_compat import hessian_free
from hf_matlab_compat.model import losses
from hf_matlab_compat.objective.cases import Cases
from hf_matlab_compat.objective.problem import FeedforwardProblem
from hf_matlab_compat.parity.cases import builtin_case
from hf_matlab_compat.parity.coverage import not_exercised
from hf_matlab_compat.parity.engines import OctaveEngine
from hf_matlab_compat.parity.engines.reference import OURS
from hf_matlab_compat.parity.made_cases import MADE_CASES
from hf_matlab_compat.parity.reference_run import Recording
from hf_matlab_compat.parity.run_parity import DEFAULT_CASES, DEFAULT_EPOCHS, KERNEL_CASES, LONGER, find_cases
from hf_matlab_compat.solvers import line_search
from tests.parity.engines.trainers import ONE_FILE, edited, live
from tests.parity.judge.golden_recordings import judged
from tests.parity.judge.planting import Plant, changed, edit
from tests.parity.judge.test_planted_bugs import halved

pytestmark = live


class Bug(NamedTuple):
    """What is planted, and on which default case it must be seen, at which stage and in which epoch."""

    planted: Plant
    on: str
    stage: str
    epoch: int


HALF_THE_GRADIENT = changed(losses.SquaredError, "gradient", halved)

BUGS = {
    "chunks that do not wrap around": Bug(
        edit(hessian_free, "epoch", "state.epoch % problem.num_chunks", "min(state.epoch, problem.num_chunks - 1)"),
        "class_softmax",
        "grad",
        5,
    ),
    "rejected step taken": Bug(
        edit(line_search, "line_search", "Step(0.0, math.inf", "Step(rate, math.inf"),
        "s_hess_negative_curvature",
        "rate",
        7,
    ),
    "hybridmode=0 ignored": Bug(
        edit(FeedforwardProblem, "curvature_at", 'self.curvature_cases == "target_chunk"', "True"),
        "k_logistic_rms0_gn_hy0_lam1",
        "Bv",
        1,
    ),
    "factor 2 dropped for rms=1 with logistic output": Bug(
        HALF_THE_GRADIENT, "k_logistic_rms1_hess_hy1_lam1", "grad", 1
    ),
    "factor 2 dropped for rms=1 with tanh output": Bug(HALF_THE_GRADIENT, "k_tanh_rms1_gn_hy1_lam1", "grad", 1),
}


@cache
def default_recording(name: str) -> Recording:
    assert name in (*DEFAULT_CASES, *MADE_CASES)
    epochs = LONGER.get(name, DEFAULT_EPOCHS)
    return OctaveEngine().record(find_cases([name])[0], precision="double", mode="lockstep", epochs=epochs)


@pytest.mark.parametrize("name", BUGS)
def test_a_default_run_flags(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bug = BUGS[name]
    recording = default_recording(bug.on)
    assert judged(recording).first_divergence is None
    bug.planted(monkeypatch)
    first = judged(recording).first_divergence
    assert first is not None
    assert (first.stage, first.epoch) == (bug.stage, bug.epoch)


@pytest.mark.parametrize("name", MADE_CASES)
def test_a_case_lost_at_the_edge_of_a_block_is_flagged_and_counted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(Cases, "chunk", "slice(start, stop)", "slice(start, stop - (stop < first + n))")(monkeypatch)
    first = judged(default_recording(name)).first_divergence
    assert first is not None
    assert (first.stage, first.detail) == ("forward", "layer 1: 1399 cases, the reference has 1401")


@pytest.mark.parametrize(("blocks", "stage"), [(3, "forward"), (2, "Bv")])
def test_a_case_lost_in_passing_or_in_kept_blocks_alone_is_flagged(
    blocks: int, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = f"slice(start, stop - (stop < first + n and count == {blocks}))"
    edit(Cases, "chunk", "slice(start, stop)", lost)(monkeypatch)
    first = judged(default_recording("made_gn_blocks")).first_divergence
    assert first is not None
    assert first.stage == stage


def test_a_default_run_goes_through_all_that_is_looked_for() -> None:
    engine = OctaveEngine()
    kernels = [engine.record(builtin_case(name), precision="double", mode="kernels", epochs=1) for name in KERNEL_CASES]
    whole = [default_recording(name) for name in (*DEFAULT_CASES, *MADE_CASES)]
    assert not_exercised([*whole, *kernels]) == []
    assert "more than one block of cases in a chunk" in not_exercised(whole[:9])
    assert judged(*kernels).first_divergence is None


OTHER_CHUNK = {
    "one file": (
        ONE_FILE,
        ("targetchunk = mod(epoch-1, numchunks) + 1;", "targetchunk = 2;"),
        ("grad", "target chunk"),
    ),
    "ours": (OURS, ("tchunk = mod(epoch-1, numchunks) + 1;", "tchunk = 2;"), ("forward", "layer 1")),
}


@pytest.mark.parametrize("trainer", OTHER_CHUNK)
def test_a_reference_that_takes_another_chunk_is_told_so(trainer: str, tmp_path: Path) -> None:
    published, change, (stage, detail) = OTHER_CHUNK[trainer]
    engine = OctaveEngine(edited(tmp_path / "theirs", change, of=published))
    recording = engine.record(builtin_case("class_softmax"), precision="double", mode="kernels", epochs=1)
    first = judged(recording).first_divergence
    assert first is not None
    assert first.stage == stage
    assert first.detail == f"{detail}: equals ours on chunk 2: the target chunk differs"
