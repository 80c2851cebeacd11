"""Planting a bug or a rewrite in this package: a piece of a routine's source is replaced while a test runs."""

from __future__ import annotations

import inspect
import textwrap
from typing import Any

import pytest


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
