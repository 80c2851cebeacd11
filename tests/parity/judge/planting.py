"""Planting a bug or a rewrite in this package, for the length of a test.

In the method a rule of the registry is wrapped; what is computed below it is changed as it comes out of the routine
that promises it, however it is computed there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from typing import Any

import pytest

from hf_matlab_compat import running
from hf_matlab_compat.hessian_free import HessianFree
from hf_matlab_compat.method import Epoch, epochs
from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from hf_matlab_compat.registry import METHODS, RULES
from hf_matlab_compat.state import Report, State

Plant = Callable[[pytest.MonkeyPatch], None]


def rule(kind: str, change: Callable[[Any], Any]) -> Plant:
    """The published rule of this kind changed, wherever the options ask for it."""
    name, make = next(iter(RULES[kind].items()))
    return lambda monkeypatch: monkeypatch.setitem(RULES[kind], name, lambda o, b: change(make(o, b)))


def settings(kind: str, **changes: Any) -> Plant:
    """The published rule with other settings, also such as it refuses."""

    def changed_rule(made: Any) -> Any:
        other = copy(made)
        for name, value in changes.items():
            object.__setattr__(other, name, value)
        return other

    return rule(kind, changed_rule)


def method(change: Callable[[HessianFree], HessianFree]) -> Plant:
    """The published method changed."""
    make = METHODS["hessian_free"]
    return lambda monkeypatch: monkeypatch.setitem(METHODS, "hessian_free", lambda o, b: change(make(o, b)))


def loop(around: Callable[..., Epoch]) -> Plant:
    """An epoch done otherwise: `around` gets the method, and then what its `epoch` is given."""

    class Wrong(HessianFree):
        def epoch(self, *given: Any) -> Epoch:
            return around(HessianFree(**vars(self)), *given)

    return method(lambda published: Wrong(**vars(published)))


def between_epochs(
    before: Callable[[State], State] = lambda state: state, after: Callable[[Report], Report] = lambda report: report
) -> Plant:
    """States and reports changed from one epoch of a whole run to the next, which no single epoch shows."""

    def wrong(problem: Any, method: Any, state: State, most: int, *more: Any) -> Iterator[tuple[Report, State]]:
        while state.epoch < most:
            report, state = next(epochs(problem, method, before(state), state.epoch + 1, *more))
            yield after(report), state

    return instead(running, "epochs", wrong)


def instead(owner: Any, name: str, routine: Callable[..., Any]) -> Plant:
    """Another routine or method in the place of `owner.name`."""
    return lambda monkeypatch: monkeypatch.setattr(owner, name, routine)


def changed(owner: Any, name: str, change: Callable[..., Any]) -> Plant:
    """What `owner.name` returns, changed: `change` gets that, and then what the routine was called with."""
    original = getattr(owner, name)
    return instead(owner, name, lambda *given, **named: change(original(*given, **named), *given, **named))


def product(change: Callable[..., Any]) -> Plant:
    """The product v → Bv of the problem changed: `change` gets Bv, v, the problem and the gradient at θ."""

    def around(B: Any, problem: Any, theta: Any, on: Any, gradient: Any) -> Any:
        return ChangedProduct(B, lambda v: change(B(v), v, problem, gradient))

    return changed(FeedforwardProblem, "curvature", around)


class ChangedProduct:
    """A curvature with another product and its own diagonal."""

    def __init__(self, curvature: Any, product: Callable[[Any], Any]) -> None:
        self.diagonal, self._product = curvature.diagonal, product

    def __call__(self, v: Any) -> Any:
        return self._product(v)


def gradient(change: Callable[..., dict[str, Any]]) -> Plant:
    """Parts of the problem's gradient replaced: `change` gets the gradient, the problem and θ."""
    return changed(FeedforwardProblem, "gradient", lambda g, self, theta, _: replace(g, **change(g, self, theta)))


def score(change: Callable[..., dict[str, Any]]) -> Plant:
    """Parts of the problem's likelihood replaced: `change` gets the score, the problem, θ and the chunk."""

    def around(score: Any, problem: Any, theta: Any, on: Any) -> Any:
        return replace(score, **change(score, problem, theta, on.chunk))

    return changed(FeedforwardProblem, "score", around)


def into(value: Any, out: Any) -> Any:
    """The value, where its caller wants it."""
    if out is None:
        return value
    out[...] = value
    return out
