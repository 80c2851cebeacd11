"""A stand-in for a GPU's array namespace: numpy inside, as unforgiving as CuPy outside, and stricter.

Arrays refuse to become numpy arrays, mix with none, cannot be looped over, and their sums stay arrays; only `float`,
`int` and `bool` bring a single number to the host, and each such visit is counted. The namespace has the functions of
`cupy_api` with the keywords listed there and no other. Products are written into whole rows only.
"""

from __future__ import annotations

import operator
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.special import ndtr

from hf_matlab_compat.backends import Backend
from tests.backends.cupy_api import FUNCTIONS, METHODS, PRODUCTS


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
            return on_device(getattr(self._inside, name), name, METHODS[name], type(self))
        raise AttributeError(f"an array of the device has no {name!r}, or the stand-in does not list it")

    def __getitem__(self, key: Any) -> StrictArray:
        return type(self)(self._inside[_opened(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._inside[_opened(key)] = _opened(value)

    def __len__(self) -> int:
        return len(self._inside)

    @property
    def T(self) -> StrictArray:
        return type(self)(self._inside.T)

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


class DeviceMemory:
    """Bytes of a pretended device.

    Attributes
    ----------
    used, most : int
        By arrays that are alive, now and at most since `most` was last set.
    """

    def __init__(self) -> None:
        self.used = self.most = 0
        self._known: set[int] = set()

    def holds(self, memory: Any) -> None:
        """Count memory until it is let go; a view of other memory, and what is known, count nothing."""
        if memory.base is not None or id(memory) in self._known:
            return
        self._known.add(id(memory))
        self.used += memory.nbytes
        self.most = max(self.most, self.used)
        weakref.finalize(memory, self._let_go, id(memory), memory.nbytes)

    def _let_go(self, which: int, nbytes: int) -> None:
        self._known.discard(which)
        self.used -= nbytes


def _opened(value: Any) -> Any:
    """What an operation may use: arrays of the device and plain numbers, never a host array."""
    if isinstance(value, StrictArray):
        return value._inside
    if isinstance(value, tuple | list):
        return type(value)(_opened(part) for part in value)
    if isinstance(value, np.ndarray):
        raise TypeError("an array of the host was mixed with one of the device")
    return value


def on_device(
    function: Callable[..., Any], name: str, keywords: set[str], kind: type[StrictArray]
) -> Callable[..., StrictArray]:
    """A numpy function as the device's: from device arrays to device arrays, 0-dimensional ones included."""

    def call(*args: Any, **kwargs: Any) -> StrictArray:
        if unknown := set(kwargs) - keywords:
            raise TypeError(f"{name} was called with {sorted(unknown)}, which CuPy does not document or is not listed")
        out = kwargs.get("out")
        if out is not None:
            if not isinstance(out, StrictArray):
                raise TypeError(f"{name}: out is no array of the device")
            if name in PRODUCTS:
                _check_product(name, args, out)
        result = function(*_opened(args), **{key: _opened(value) for key, value in kwargs.items()})
        return kind(result) if out is None else out

    return call


def _check_product(name: str, operands: tuple[Any, ...], out: StrictArray) -> None:
    a, b = (_opened(operand) for operand in operands)
    inside = out._inside
    if not inside.flags.c_contiguous:
        raise ValueError(f"{name}: Output array must be C-contiguous")
    if inside.dtype != np.result_type(a, b) or inside.shape != (*a.shape[:-1], *b.shape[1:]):
        raise ValueError(f"{name}: Not supported dtype combination, or another shape")
    if np.may_share_memory(inside, a) or np.may_share_memory(inside, b):
        raise ValueError(f"{name}: out overlaps an operand, which costs a copy")
    for operand in (a, b):
        if not (operand.flags.c_contiguous or operand.flags.f_contiguous):
            raise ValueError(f"{name}: an operand that is not contiguous costs a copy")


def _operator(name: str, function: Callable[..., Any], *, reflected: bool = True) -> None:
    def call(self: StrictArray, other: Any) -> StrictArray:
        return type(self)(function(self._inside, _opened(other)))

    def reflect(self: StrictArray, other: Any) -> StrictArray:
        return type(self)(function(_opened(other), self._inside))

    setattr(StrictArray, f"__{name}__", call)
    if reflected:
        setattr(StrictArray, f"__r{name}__", reflect)


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
StrictArray.__neg__ = lambda self: type(self)(-self._inside)
StrictArray.__abs__ = lambda self: type(self)(abs(self._inside))


class StrictNamespace:
    """The functions of `cupy_api`, on arrays of one kind; `asarray` and `array` are the ways in.

    Attributes
    ----------
    ndarray : type
    uploads : list of int
        Numbers in every host array that came in this way.
    """

    def __init__(self, kind: type[StrictArray] = StrictArray) -> None:
        self.ndarray = kind
        self.uploads: list[int] = []

    def asarray(self, values: Any, dtype: Any = None, order: str | None = None) -> StrictArray:
        if isinstance(values, StrictArray):
            inside = values._inside
        else:
            inside = np.array(values)  # what is on the device is no memory of the host
            self.uploads.append(inside.size)
        return self.ndarray(np.asarray(inside, dtype=dtype, order=order))

    def array(self, values: Any, dtype: Any = None, order: str | None = None) -> StrictArray:
        return self.ndarray(np.array(self.asarray(values)._inside, dtype=dtype, order=order or "K"))

    def __getattr__(self, name: str) -> Callable[..., StrictArray]:
        if name not in FUNCTIONS:
            raise AttributeError(f"the device's namespace has no {name!r}, or the stand-in does not list it")
        return on_device(getattr(np, name), name, FUNCTIONS[name], self.ndarray)


def to_host(array: StrictArray) -> Any:
    """The one way out."""
    return array._inside.copy()


def special_functions(kind: type[StrictArray] = StrictArray) -> SimpleNamespace:
    """What the package uses of `cupyx.scipy.special`."""
    return SimpleNamespace(ndtr=on_device(ndtr, "ndtr", set(), kind))


def strict_backend(precision: str) -> Backend:
    """A backend whose arrays are `StrictArray`."""
    dtype = np.dtype({"single": np.float32, "double": np.float64}[precision])
    return Backend("strict", StrictNamespace(), dtype, to_host, lambda: None)
