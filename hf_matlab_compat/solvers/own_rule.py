"""A rule of the user's own: each answer is checked as soon as the rule returns it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from hf_matlab_compat.answers import Refuse, checked_number, checked_score, checked_vector, shown
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.problem import Product
from hf_matlab_compat.solvers.rules import Chosen, Judgement, Path, Preconditioning, Step


class OwnRule:
    """A user's rule in place of a named one, with its answers checked.

    Vectors that it returns are converted to the precision of the run, numbers to Python's own.

    Parameters
    ----------
    kind : str
        The option that the rule was given as.
    rule : object

    Raises
    ------
    OptionError
        Raised by every method if the answer is not what the protocol in `solvers.rules` says.
    """

    def __init__(self, kind: str, rule: Any) -> None:
        self._kind, self._rule = kind, rule

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python looks these up when it copies an object
            raise AttributeError(name)
        found = getattr(self._rule, name)
        if callable(found) and name != "initial_lam":

            def _answering(*given: Any) -> Any:
                return self._checked(name, given, found(*given))

            return _answering
        return self._checked(name, (), found)

    def __call__(self, *given: Any) -> Any:
        """Call the rule and check its answer; for a preconditioner, which is itself a function."""
        return self._checked("__call__", given, self._rule(*given))

    def _checked(self, name: str, given: tuple[Any, ...], answer: Any) -> Any:
        def refuse(expected: str, got: str) -> OptionError:
            return OptionError(self._kind, expected=f"{expected} from {type(self._rule).__name__}.{name}", got=got)

        check = _CHECKS.get((self._kind, name))
        return check(answer, given, refuse) if check else answer


def _path(answer: Any, given: Any, refuse: Refuse) -> Path:
    if not isinstance(answer, Path) or not len(answer.steps) == len(answer.iterates) > 0:
        raise refuse("a Path with iterates", shown(answer))
    iterates = [checked_vector(each, given[1], "an iterate", refuse) for each in answer.iterates]
    return replace(answer, iterates=iterates)


def _preconditioner(answer: Any, given: Any, refuse: Refuse) -> Preconditioning:
    if answer is None:
        return None
    if callable(answer):
        return lambda r: checked_vector(answer(r), r, "a product with the inverse", refuse)
    M = checked_vector(answer, given[1].full, "None, or a diagonal", refuse)
    if not bool((M > 0).all()):
        raise refuse("a diagonal of positive numbers", "a diagonal with others")
    return M


def _product(answer: Any, given: Any, refuse: Refuse) -> Product:
    if not callable(answer):
        raise refuse("something to call with a vector", shown(answer))
    return lambda v: checked_vector(answer(v), v, "a product", refuse)


def _strength(answer: Any, given: Any, refuse: Refuse) -> float:
    strength = checked_number(answer, "a number of at least 0", refuse)
    if not strength >= 0:
        raise refuse("a number of at least 0", repr(strength))
    return strength


def _chosen(answer: Any, given: Any, refuse: Refuse) -> Chosen:
    if not isinstance(answer, Chosen):
        raise refuse("a Chosen", shown(answer))
    p = checked_vector(answer.p, given[0].iterates[-1], "a p", refuse)
    return replace(answer, p=p, score=checked_score(answer.score, refuse))


def _judgement(answer: Any, given: Any, refuse: Refuse) -> Judgement:
    if not isinstance(answer, Judgement):
        raise refuse("a Judgement", shown(answer))
    return Judgement(**{name: _part(answer, name, refuse) for name in ("before", "after", "predicted", "rho")})


def _step(answer: Any, given: Any, refuse: Refuse) -> Step:
    if not isinstance(answer, Step):
        raise refuse("a Step", shown(answer))
    rate = _part(answer, "rate", refuse)
    if not math.isfinite(rate):
        raise refuse("a Step whose rate is finite", repr(rate))
    return Step(rate, _part(answer, "reductions", refuse), checked_score(answer.score, refuse))


def _part(answer: Any, name: str, refuse: Refuse) -> float:
    return checked_number(getattr(answer, name), f"a {type(answer).__name__} whose {name} is a number", refuse)


def _of_epoch(answer: Any, given: Any, refuse: Refuse) -> OwnRule:
    if not callable(answer):
        raise refuse("something to call with a curvature, a gradient and λ", shown(answer))
    return OwnRule("preconditioner", answer)


_CHECKS: Mapping[tuple[str, str], Callable[[Any, Any, Refuse], Any]] = {
    ("solver", "solve"): _path,
    ("preconditioner", "__call__"): _preconditioner,
    ("preconditioner", "of_epoch"): _of_epoch,
    ("damping", "initial_lam"): _strength,
    ("damping", "operator"): _product,
    ("damping", "adapt"): _strength,
    ("selection", "choose"): _chosen,
    ("judge", "judge"): _judgement,
    ("line_search", "search"): _step,
}
"""Check of each method of a rule: (answer, arguments of the method, refuse) → answer."""
