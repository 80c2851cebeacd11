"""Planting a bug or a rewrite in this package, for the length of a test.

In the loop and the solvers a piece of a routine's source is replaced; what is computed below them is changed as it
comes out of the routine that promises it, however it is computed there.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hf_matlab_compat import hessian_free, training
from hf_matlab_compat.objective.problem import FeedforwardProblem
from hf_matlab_compat.parity import port_epoch

Plant = Callable[[pytest.MonkeyPatch], None]

BOUND_BY_NAME = {
    "martens_diagonal": hessian_free,
    "conjgrad": hessian_free,
    "line_search": hessian_free,
    "adapt": hessian_free,
    "epoch_lines": port_epoch,
    "epochs": training,
}
"""Where else a routine is known by its name, once it has been imported."""


def edit(owner: Any, name: str, old: str, new: str) -> Plant:
    """A piece of source replaced, wherever the routine is known by its name."""

    def planted(monkeypatch: pytest.MonkeyPatch) -> None:
        plant(monkeypatch, owner, name, old, new)
        if name in BOUND_BY_NAME:
            monkeypatch.setattr(BOUND_BY_NAME[name], name, getattr(owner, name))

    return planted


def instead(owner: Any, name: str, routine: Callable[..., Any]) -> Plant:
    """Another routine or method in the place of `owner.name`."""
    return lambda monkeypatch: monkeypatch.setattr(owner, name, routine)


def changed(owner: Any, name: str, change: Callable[..., Any]) -> Plant:
    """What `owner.name` returns, changed: `change` gets that, and then what the routine was called with."""
    original = getattr(owner, name)
    return instead(owner, name, lambda *given, **named: change(original(*given, **named), *given, **named))


def product(change: Callable[..., Any]) -> Plant:
    """The product v → Bv of the problem changed: `change` gets Bv, v, the problem and the gradient at θ."""

    def around(B: Any, problem: Any, theta: Any, chunk: int, gradient: Any) -> Any:
        return lambda v: change(B(v), v, problem, gradient)

    return changed(FeedforwardProblem, "curvature_at", around)


def gradient(change: Callable[..., dict[str, Any]]) -> Plant:
    """Parts of the problem's gradient replaced: `change` gets the gradient, the problem and θ."""
    return changed(FeedforwardProblem, "gradient", lambda g, self, theta, _: replace(g, **change(g, self, theta)))


def score(change: Callable[..., dict[str, Any]]) -> Plant:
    """Parts of the problem's likelihood replaced: `change` gets the score, the problem, θ and the chunk."""

    def around(score: Any, problem: Any, theta: Any, chunk: int | None = None) -> Any:
        return replace(score, **change(score, problem, theta, chunk))

    return changed(FeedforwardProblem, "likelihood", around)


def into(value: Any, out: Any) -> Any:
    """The value, where its caller wants it."""
    if out is None:
        return value
    out[...] = value
    return out


def plant(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, old: str, new: str) -> None:
    """Replace `old`, which must be there, by `new` in the routine or method `owner.name`."""
    routine = getattr(owner, name)
    source = textwrap.dedent(inspect.getsource(routine))
    assert source.count(old) == 1, f"{name} has {source.count(old)} times {old!r}"
    module = inspect.getmodule(routine)
    names = dict(vars(module))
    exec(compile("from __future__ import annotations\n" + source.replace(old, new), f"<planted {name}>", "exec"), names)
    monkeypatch.setattr(owner, name, _with_globals(names[name], vars(module)))


def _with_globals(function: Any, names: dict[str, Any]) -> Any:
    """The function, to which the module's names mean what they mean there, now and later."""
    return type(function)(function.__code__, names, function.__name__, function.__defaults__, function.__closure__)
