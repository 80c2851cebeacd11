"""Names that stand for a value: pi, true, Inf and others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hf_matlab_compat.migrate.context import Context
from hf_matlab_compat.migrate.values import Kind, Value, integer, number


def _of_numpy(name: str) -> Callable[[Context], Value]:
    def constant(context: Context) -> Value:
        context.needs("np")
        return number(f"np.{name}")

    return constant


def _epsilon(context: Context) -> Value:
    context.needs("np")
    return number("np.finfo(float).eps")


def _argument_count(context: Context) -> Value:
    return integer("nargin")


CONSTANTS: Mapping[str, Callable[[Context], Value]] = {
    "pi": _of_numpy("pi"),
    "Inf": _of_numpy("inf"),
    "inf": _of_numpy("inf"),
    "NaN": _of_numpy("nan"),
    "nan": _of_numpy("nan"),
    "eps": _epsilon,
    "true": lambda _context: Value("True", Kind.NUM, logical=True),
    "false": lambda _context: Value("False", Kind.NUM, logical=True),
    "nargin": _argument_count,
}
