"""Names of methods and rules: what they make, what is refused, and objects in place of names."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import pytest

from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.hessian_free import HessianFree
from hf_matlab_compat.options import Options
from hf_matlab_compat.registry import METHODS, RULES, method_of
from hf_matlab_compat.solvers.conjgrad import ConjugateGradients
from hf_matlab_compat.solvers.damping import LevenbergMarquardt
from tests.cases import hessian_free, run_epochs
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
        with pytest.raises(OptionError, match=rf"^{kind}: expected an object with "):
            method_of(Options(**{kind: wrong}), get_backend())


def test_an_object_in_place_of_a_name_does_its_part() -> None:
    toy, options = ToyProblem(), Options(max_epochs=2, num_chunks=3, precision="double")
    own = replace(options, damping=LevenbergMarquardt(drop=0.5))
    named = replace(options, lam_drop=0.5, lam_boost=1.5)
    runs = [run_epochs(toy, each, toy.start()) for each in (own, named, options)]
    lams = [[report.lam for report in reports] for reports, _ in runs]
    assert lams[0] == lams[1] != lams[2]
    method = hessian_free(options)
    assert method_of(Options(method=method), get_backend()) is method


WRONG: dict[str, tuple[str, Any, str]] = {
    "solver": ("solve", [1, 2], "a Path with iterates from Wrong.solve, got list"),
    "selection": ("choose", None, "a Chosen from Wrong.choose, got None"),
    "judge": ("judge", 0.5, "a Judgement from Wrong.judge, got 0.5"),
    "line_search": ("search", (1.0, 0), "a Step from Wrong.search, got tuple"),
    "damping": ("operator", 3, "something to call with a vector from Wrong.operator, got 3"),
    "preconditioner": ("__call__", 1.0, "a vector, or None, from Wrong.__call__, got 1.0"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_rule_that_answers_wrongly_is_named_with_what_it_answered(kind: str) -> None:
    name, answer, sentence = WRONG[kind]
    members = {"initial_lam": 1.0, "adapt": lambda self, lam, rho, p: lam, name: lambda self, *given: answer}
    toy, options = ToyProblem(), Options(max_epochs=1, num_chunks=3, precision="double")
    with pytest.raises(OptionError, match=rf"^{kind}: expected {re.escape(sentence)}\.$"):
        run_epochs(toy, replace(options, **{kind: type("Wrong", (), members)()}), toy.start())


@pytest.mark.parametrize("lam", ["more", math.nan, None])
def test_a_damping_must_go_on_with_a_number(lam: Any) -> None:
    members = {"initial_lam": 1.0, "operator": lambda self, G, lam: G, "adapt": lambda self, *given: lam}
    toy, options = ToyProblem(), Options(max_epochs=1, num_chunks=3, precision="double")
    with pytest.raises(OptionError, match=r"^damping: expected a number from Wrong\.adapt, got "):
        run_epochs(toy, replace(options, damping=type("Wrong", (), members)()), toy.start())
