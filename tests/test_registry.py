"""Names of methods and rules: what they make, what is refused, and objects in place of names."""

from __future__ import annotations

from typing import Any

import pytest

from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.hessian_free import HessianFree
from hf_matlab_compat.options import Options
from hf_matlab_compat.registry import METHODS, RULES, method_of
from hf_matlab_compat.solvers.conjgrad import ConjugateGradients
from hf_matlab_compat.solvers.damping import LevenbergMarquardt
from tests.cases import run_epochs
from tests.toy_problem import ToyProblem


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in RULES.items() for name in names])
def test_every_name_makes_a_rule_that_trains(kind: str, name: str) -> None:
    toy, options = ToyProblem(), Options(max_epochs=2, num_chunks=3, precision="double", **{kind: name})
    reports, _ = run_epochs(toy, options, toy.start())
    assert reports[-1].train.log_likelihood > reports[0].old_log_likelihood


def test_without_settings_the_method_is_the_published_one() -> None:
    backend = get_backend()
    made = method_of(Options(), backend)
    assert isinstance(made, HessianFree)
    assert made.damping == LevenbergMarquardt()
    assert made.solver == ConjugateGradients(vectors=backend.cg_vectors)
    assert HessianFree(solver=made.solver) == made


@pytest.mark.parametrize("kind", [*RULES, "method"])
def test_an_unknown_name_is_refused_with_the_names_that_are_known(kind: str) -> None:
    known = RULES.get(kind, METHODS)
    nearest = next(iter(known))
    with pytest.raises(OptionError, match=rf"^{kind}: expected one of '{nearest}'.* Did you mean '{nearest}'\?$"):
        method_of(Options(**{kind: nearest[:-1]}), get_backend())


@pytest.mark.parametrize("kind", [*RULES, "method"])
def test_an_object_that_cannot_do_it_is_refused_and_so_is_a_class(kind: str) -> None:
    for wrong in (object(), LevenbergMarquardt, ConjugateGradients, HessianFree):
        with pytest.raises(OptionError, match=rf"^{kind}: expected an object with the method "):
            method_of(Options(**{kind: wrong}), get_backend())


def test_an_object_in_place_of_a_name_is_taken_as_it_is() -> None:
    own: Any = LevenbergMarquardt(drop=0.5)
    made: Any = method_of(Options(damping=own, method="hessian_free"), get_backend())
    assert made.damping is own
    assert method_of(Options(method=made), get_backend()) is made
