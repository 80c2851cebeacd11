"""Kinds of values, and every class with settings: what is no value of a setting is refused in a sentence."""

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import kinds
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.methods.averaged_hf import AveragedHF
from hf_matlab_compat.methods.lissa import LiSSA
from hf_matlab_compat.methods.minibatch import Adam, Momentum
from hf_matlab_compat.methods.quasi_newton import LBFGS
from hf_matlab_compat.methods.rprop import Rprop
from hf_matlab_compat.solvers.backtracking import Backtracking
from hf_matlab_compat.solvers.line_search import Armijo
from hf_matlab_compat.solvers.reduction_ratio import ReductionRatio

FOLDERS = ("solvers", "methods", "hypergradients", "variational", "pretraining", "distributed")
NUMBERS = {"int", "float", "int | None", "float | None"}
BY_OTHERS = {"Draws", "Training", "VariationalProblem", "LogDensity", "ProblemDensity", "Posterior"}
"""Made by the package alone, of settings that are checked."""


def classes() -> Iterator[Any]:
    for folder in FOLDERS:
        package = importlib.import_module(f"hf_matlab_compat.{folder}")
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if kind.__module__ == module.name and dataclasses.is_dataclass(kind) and kind.__name__ not in BY_OTHERS:
                    yield kind


def settings(kind: Any) -> Iterator[tuple[Any, str, str]]:
    """Yield the numbers of a class that a caller can make from its settings alone."""
    fields = dataclasses.fields(kind)
    needed = [f for f in fields if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING]
    for field in fields if len(needed) <= 1 and all(f.type in NUMBERS for f in needed) else ():
        if field.init and field.type in NUMBERS:
            yield kind, field.name, field.type


FOUND = sorted((pair for kind in classes() for pair in settings(kind)), key=lambda pair: (pair[0].__name__, pair[1]))


def test_the_classes_with_settings_are_found():
    names = {kind.__name__ for kind, _, _ in FOUND}
    assert names >= {"LiSSA", "Neumann", "Adam", "Armijo", "ConjugateGradients", "Checkpoints", "Delta", "Roulette"}
    assert len(FOUND) > 70


@pytest.mark.parametrize(("kind", "name", "takes"), FOUND, ids=lambda x: getattr(x, "__name__", x))
def test_a_setting_refuses_what_is_no_number_of_its_kind(kind, name, takes):
    needed = {f.name: 0.5 for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING and f.name != name}
    for wrong in ("2", float("nan"), [3], True, *((2.5, -1) if takes.startswith("int") else ())):
        with pytest.raises(OptionError, match=f"^{name}: expected "):
            kind(**needed, **{name: wrong})


@pytest.mark.parametrize(
    ("kind", "given", "sentence"),
    [
        (Backtracking, {"cases": "al"}, "cases: expected one of 'all', 'target_chunk', 'none', got 'al'."),
        (ReductionRatio, {"gradient": "none"}, "gradient: expected one of 'all', 'target_chunk', got 'none'."),
        (Armijo, {"rescore_rejected": "no"}, "rescore_rejected: expected True or False, got 'no'."),
        (Momentum, {"nesterov": 1}, "nesterov: expected True or False, got 1."),
        (AveragedHF, {"dynamic": None}, "dynamic: expected True or False, got None."),
        (AveragedHF, {"slices": 0}, "slices: expected a whole number of at least 1, got 0."),
        (Rprop, {"smallest": 1.0, "largest": 0.5}, "smallest: expected at most largest = 0.5, got 1.0."),
        (Adam, {"decay": 1.0}, "decay: expected a number of at least 0 and below 1, got 1.0."),
        (LBFGS, {"pairs": 0}, "pairs: expected a whole number of at least 1, got 0."),
    ],
)
def test_words_flags_and_ranges_are_refused_in_a_sentence(kind, given, sentence):
    with pytest.raises(OptionError) as refused:
        kind(**given)
    assert str(refused.value) == sentence


def test_numbers_become_pythons_own():
    made = LiSSA(depth=np.float32(20), chains=3.0, scale=np.float64(0.26))
    assert [type(x) for x in (made.depth, made.chains, made.scale)] == [int, int, float]
    assert (made.depth, made.chains, made.scale) == (20, 3, 0.26)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (kinds.whole(1, 5), (1, 5, np.int64(3)), (0, 6, 1.5, np.nan, np.inf, True, np.True_, "3", None, [3])),
        (kinds.POSITIVE, (1e-300, 3), (0, -1, np.inf, np.nan, "1", False, np.False_, None, 1j)),
        (kinds.or_none(kinds.SHARE), (None, 0, 0.99), (1, -0.1, np.nan)),
        (kinds.word("a", "b"), ("a",), ("c", 1, None)),
        (kinds.FLAG, (True, np.False_), (0, 1, "no", None)),
    ],
)
def test_a_kind_takes_its_values_alone(kind, good, bad):
    for value in good:
        kinds.check(kind, x=value)
    for value in bad:
        with pytest.raises(OptionError, match=r"^x: expected "):
            kinds.check(kind, x=value)
