"""A stand-in for a GPU's array namespace: numpy inside, as unforgiving as CuPy outside, and stricter.

Arrays refuse to become numpy arrays, mix with none, cannot be looped over, and their sums stay arrays; only `float`,
`int` and `bool` bring a single number to the host, and each such visit is counted. The namespace has the functions
listed and no other; CuPy has all of them under the same names and with the same arguments.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from hf_matlab_compat.backends import Backend

ELEMENTWISE = ("exp", "log", "log1p", "sqrt", "tanh", "abs", "maximum", "minimum", "where", "isfinite")
ARITHMETIC = ("add", "subtract", "multiply", "divide", "negative", "matmul", "dot")
FUNCTIONS = (
    *ELEMENTWISE,
    *ARITHMETIC,
    "concatenate",
    "zeros",
    "zeros_like",
    "ones",
    "ones_like",
    "empty_like",
    "full",
    "empty",
)
METHODS = ("sum", "max", "min", "copy", "reshape", "ravel", "any", "all", "astype", "dot")
"""Names that CuPy shares with numpy and that arrays or the namespace may be asked for."""


class StrictArray:
    """An array on a pretended device."""

    __array_ufunc__ = None  # numpy's scalars step back and let the operators below do the work
    __hash__ = None  # type: ignore[assignment]
    visits = 0
    """Single numbers that went to the host, of all arrays."""

    def __init__(self, inside: Any) -> None:
        self._inside = np.asarray(inside)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("an array of the device was turned into a numpy array behind its back")

    def __iter__(self) -> Any:
        raise TypeError("an array of the device was looped over: one transfer an element")

    def __getattr__(self, name: str) -> Any:
        if name in METHODS:
            return lambda *args, **kwargs: on_device(getattr(self._inside, name))(*args, **kwargs)
        raise AttributeError(f"an array of the device has no {name!r}, or the stand-in does not list it")

    def __getitem__(self, key: Any) -> StrictArray:
        return StrictArray(self._inside[_opened(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._inside[_opened(key)] = _opened(value)

    def __len__(self) -> int:
        return len(self._inside)

    @property
    def T(self) -> StrictArray:
        return StrictArray(self._inside.T)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._inside.shape

    @property
    def ndim(self) -> int:
        return self._inside.ndim

    @property
    def size(self) -> int:
        return self._inside.size

    @property
    def dtype(self) -> Any:
        return self._inside.dtype

    def __float__(self) -> float:
        return float(self._visit())

    def __int__(self) -> int:
        return int(self._visit())

    def __bool__(self) -> bool:
        return bool(self._visit())

    def _visit(self) -> Any:
        StrictArray.visits += 1
        return self._inside.item()  # refuses more than one number


def _opened(value: Any) -> Any:
    """What an operation may use: arrays of the device and plain numbers, never a host array."""
    if isinstance(value, StrictArray):
        return value._inside
    if isinstance(value, tuple | list):
        return type(value)(_opened(part) for part in value)
    if isinstance(value, np.ndarray):
        raise TypeError("an array of the host was mixed with one of the device")
    return value


def on_device(function: Callable[..., Any]) -> Callable[..., StrictArray]:
    """A numpy function as the device's: from device arrays to device arrays, 0-dimensional ones included."""

    def call(*args: Any, **kwargs: Any) -> StrictArray:
        return StrictArray(function(*_opened(args), **{key: _opened(value) for key, value in kwargs.items()}))

    return call


def _operator(name: str, function: Callable[..., Any], *, reflected: bool = True) -> None:
    setattr(StrictArray, f"__{name}__", on_device(function))
    if reflected:
        setattr(StrictArray, f"__r{name}__", lambda self, other: on_device(function)(other, self))


def _in_place(name: str, function: Callable[..., Any]) -> None:
    def call(self: StrictArray, other: Any) -> StrictArray:
        function(self._inside, _opened(other))
        return self

    setattr(StrictArray, f"__i{name}__", call)


for _name in ("add", "sub", "mul", "truediv", "pow", "matmul"):
    _operator(_name, getattr(operator, f"__{_name}__"))
for _name, _ufunc in (("add", np.add), ("sub", np.subtract), ("mul", np.multiply), ("truediv", np.divide)):
    _in_place(_name, lambda a, b, ufunc=_ufunc: ufunc(a, b, out=a, casting="same_kind"))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    _operator(_name, getattr(operator, _name), reflected=False)
StrictArray.__neg__ = on_device(operator.neg)
StrictArray.__abs__ = on_device(operator.abs)


class StrictNamespace:
    """The functions listed, on `StrictArray`; `asarray` is the one way in."""

    def asarray(self, values: Any, dtype: Any = None, order: str | None = None) -> StrictArray:
        inside = values._inside if isinstance(values, StrictArray) else values
        return StrictArray(np.asarray(inside, dtype=dtype, order=order))

    def __getattr__(self, name: str) -> Callable[..., StrictArray]:
        if name not in FUNCTIONS:
            raise AttributeError(f"the device's namespace has no {name!r}, or the stand-in does not list it")
        return on_device(getattr(np, name))


def to_host(array: StrictArray) -> Any:
    """The one way out."""
    return array._inside.copy()


def strict_backend(precision: str) -> Backend:
    """A backend whose arrays are `StrictArray`."""
    dtype = np.dtype({"single": np.float32, "double": np.float64}[precision])
    return Backend("strict", StrictNamespace(), dtype, to_host, lambda: None)
