"""What a default run is made of sees classes of bugs that fewer cases or epochs would miss."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hf_matlab_compat.model import losses
from hf_matlab_compat.objective.cases import Block, ChunkedCases
from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from hf_matlab_compat.parity.cases import MADE_CASES, builtin_case, find_cases
from hf_matlab_compat.parity.coverage import not_exercised
from hf_matlab_compat.parity.engines import OctaveEngine
from hf_matlab_compat.parity.engines.reference import OURS
from hf_matlab_compat.parity.recording import Recording
from hf_matlab_compat.parity.runs import DEFAULT_CASES, DEFAULT_EPOCHS, KERNEL_CASES, LONGER
from hf_matlab_compat.solvers.rules import Step
from tests.octave import live
from tests.parity.engines.trainers import ONE_FILE, edited
from tests.parity.judge.golden_recordings import judged
from tests.parity.judge.planting import Plant, changed, instead, loop, rule
from tests.parity.judge.test_planted_bugs import halved

pytestmark = live


class Bug(NamedTuple):
    """What is planted, and on which default case it must be seen, at which stage and in which epoch."""

    planted: Plant
    on: str
    stage: str
    epoch: int


class TakesRejected:
    """A line search whose rejected steps are taken all the same."""

    def __init__(self, published: Any) -> None:
        self._published = published

    def search(self, *given: Any) -> Step:
        step = self._published.search(*given)
        return step if step.rate else replace(step, rate=self._published.factor**self._published.max_reductions)


whole_curvature = FeedforwardProblem.curvature


def on_the_chunk(problem: FeedforwardProblem, *given: Any) -> Any:
    return whole_curvature(replace(problem, curvature_cases="target_chunk"), *given)


def last_cases_lost(blocks: Any) -> list[Block]:
    """Each block but the last without its last case."""
    *others, last = blocks
    return [*(Block(block.inputs[:, :-1], block.targets[:, :-1]) for block in others), last]


HALF_THE_GRADIENT = changed(losses.SquaredError, "gradient", halved)

BUGS = {
    "chunks that do not wrap around": Bug(
        loop(lambda m, p, theta, memory, n, watch: m.epoch(p, theta, memory, min(n, p.num_chunks), watch)),
        "class_softmax",
        "grad",
        5,
    ),
    "rejected step taken": Bug(
        rule("line_search", TakesRejected),
        "s_hess_negative_curvature",
        "rate",
        7,
    ),
    "hybridmode=0 ignored": Bug(
        instead(FeedforwardProblem, "curvature", on_the_chunk),
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
    changed(ChunkedCases, "chunk", lambda blocks, *given: last_cases_lost(blocks))(monkeypatch)
    first = judged(default_recording(name)).first_divergence
    assert first is not None
    assert (first.stage, first.detail) == ("forward", "layer 1: 1399 cases, the reference has 1401")


@pytest.mark.parametrize(("blocks", "stage"), [(3, "forward"), (2, "Bv")])
def test_a_case_lost_in_passing_or_in_kept_blocks_alone_is_flagged(
    blocks: int, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_so_many(found: Any, *given: Any) -> Any:
        found = list(found)
        return last_cases_lost(found) if len(found) == blocks else found

    changed(ChunkedCases, "chunk", of_so_many)(monkeypatch)
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
