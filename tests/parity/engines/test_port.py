"""The run of this package as a recording like any other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity.cases import builtin_case
from hf_matlab_compat.parity.certificate import Verdict
from hf_matlab_compat.parity.engines import Engine, PortEngine
from hf_matlab_compat.parity.judge import judge
from hf_matlab_compat.parity.recording import Recording

CASE = "k_softmax_rms0_gn_hy1_lam1"


@pytest.fixture(scope="module")
def own() -> Recording:
    engine: Engine = PortEngine()
    case = builtin_case(CASE)
    return engine.with_envelope(engine.record(case, precision="double", mode="lockstep", epochs=2))


def test_judged_by_itself_every_quantity_that_it_shows_is_equal(own: Recording) -> None:
    lines = judge([own]).lines
    compared = [line for line in lines if line.verdict is not Verdict.NOT_RUN]
    assert {line.verdict for line in compared} == {Verdict.AGREES}
    assert {line.distance for line in compared if line.stage != "entry"} == {0.0}
    stages = {line.stage for line in compared}
    assert {"forward", "grad", "Bv", "precon", "cg_iterates", "cg_steps", "rho", "lambda", "params", "log"} <= stages


def test_a_changed_iterate_differs_from_there_on(own: Recording) -> None:
    first = own.epochs[0]
    wrong = replace(first, iterates=[first.iterates[0] * (1 + 1e-9), *first.iterates[1:]])
    found = judge([replace(own, epochs=[wrong, *own.epochs[1:]])]).first_divergence
    assert found is not None
    assert (found.stage, found.detail.partition(";")[0]) == ("cg_iterates", f"step {first.steps[0]}")


def test_it_runs_in_lockstep_alone() -> None:
    with pytest.raises(ParityError, match="mode: expected 'lockstep'"):
        PortEngine().record(builtin_case(CASE), precision="double", mode="free")
