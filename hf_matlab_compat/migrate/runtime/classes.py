"""Arrays and strings from files that compute as their class does in MATLAB, and questions about classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from hf_matlab_compat.errors import MigrationError

_COMPARISONS = (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.isfinite, np.isnan)
_EXTREMES = (np.maximum, np.minimum, np.fmax, np.fmin)
_LOGIC = (
    np.logical_and,
    np.logical_or,
    np.logical_not,
    np.logical_xor,
    np.bitwise_and,
    np.bitwise_or,
    np.invert,
    *_COMPARISONS[:6],
)


class Stack(np.ndarray[Any, Any]):
    """An array that may have three dimensions: of fewer indices, the last one counts through the rest."""

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, tuple) and 1 < len(index) < self.ndim:
            kept = self.shape[: len(index) - 1]
            return self.reshape((*kept, -1), order="F")[index]
        return super().__getitem__(index)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        found = getattr(ufunc, method)(*map(_plain, side_by_side(inputs, method)), **_plain_out(kwargs))
        return found.view(Stack) if isinstance(found, np.ndarray) and found.ndim > 2 else found


def side_by_side(inputs: tuple[Any, ...], method: str) -> tuple[Any, ...]:
    """Return the inputs of an elementwise ufunc, with trailing dimensions added as MATLAB does."""
    count = max(map(np.ndim, inputs))
    if method != "__call__" or count < 3:
        return inputs
    return tuple(x.reshape(x.shape + (1,) * (count - x.ndim)) if np.ndim(x) > 1 else x for x in inputs)


class Text(str):
    """A string from a file; a script may index it like an array before it is known to be a string."""

    @property
    def shape(self) -> tuple[int, int]:
        """1×n."""
        return 1, len(self)

    @property
    def size(self) -> int:
        """Number of characters."""
        return len(self)

    def ravel(self, _order: str = "C") -> str:
        """Return the characters in order."""
        return str(self)


class _Typed(Stack):
    """An array of a class other than double."""

    def astype(self, *args: Any, **kwargs: Any) -> Any:
        """Return a plain array of another class."""
        return self.view(np.ndarray).astype(*args, **kwargs)


class LogicalArray(_Typed):
    """An array of class logical from a file: a mask as an index, doubles in arithmetic."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return found if np.ndim(found) else 1.0 if found else LogicalZero()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(each, IntegerArray | SingleArray) for each in inputs):
            return NotImplemented
        given = map(_plain if ufunc in _LOGIC else _as_double, side_by_side(inputs, method))
        return getattr(ufunc, method)(*given, **_plain_out(kwargs))


class LogicalZero(float):
    """The number 0 of a logical array; as an index it selects nothing, while any other 0 is refused."""

    def __int__(self) -> int:
        """Refuse to be a position.

        Raises
        ------
        MigrationError
            Always: MATLAB selects nothing by a logical 0.
        """
        raise MigrationError("index: expected a position from 1, got a single logical 0, which chooses nothing.")


class IntegerArray(_Typed):
    """An array of one of MATLAB's integer classes from a file.

    Results and assigned values are rounded to its class and saturated. Operations on which MATLAB and Octave disagree
    (sums) or that they forbid (mixed classes) are refused.
    """

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return found if np.ndim(found) else IntegerNumber(found)

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(index, _saturated(np.asarray(value), self.dtype))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return _of_integers(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func is np.concatenate and len({(type(part), np.asarray(part).dtype) for part in args[0]}) > 1:
            raise _refusal("brackets", self.dtype)
        return super().__array_function__(func, types, args, kwargs)


class IntegerNumber(int):
    """A number of one of MATLAB's integer classes."""

    dtype: np.dtype[Any]

    def __new__(cls, value: Any) -> IntegerNumber:
        """Create a number with the class of numpy's `value`."""
        made = super().__new__(cls, value)
        made.dtype = value.dtype
        return made

    def __deepcopy__(self, _memo: Any) -> IntegerNumber:
        """Return itself, as it cannot change."""
        return self

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Compute as an array of its class does."""
        return _of_integers(ufunc, method, inputs, kwargs)


def _computed(ufunc: np.ufunc, *, swapped: bool = False) -> Any:
    def compute(self: Any, *other: Any) -> Any:
        return ufunc(*other, self) if swapped else ufunc(self, *other)

    return compute


_OPERATORS = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "mod": np.remainder}
for _name, _ufunc in {**_OPERATORS, "floordiv": np.floor_divide, "pow": np.power}.items():
    setattr(IntegerNumber, f"__{_name}__", _computed(_ufunc))
    setattr(IntegerNumber, f"__r{_name}__", _computed(_ufunc, swapped=True))
for _name, _ufunc in {"neg": np.negative, "abs": np.absolute}.items():
    setattr(IntegerNumber, f"__{_name}__", _computed(_ufunc))
_ROUNDED = (*_OPERATORS.values(), *_EXTREMES, np.negative, np.absolute)


def _of_integers(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    # integer classes compute in doubles, and the result is rounded to the class
    classes = {each.dtype for each in inputs if isinstance(each, IntegerArray | IntegerNumber)}
    kind, inputs = next(iter(classes)), side_by_side(inputs, method)
    if ufunc in _COMPARISONS or kwargs.get("dtype") in (float, "f8"):
        return getattr(ufunc, method)(*map(_exact, inputs), **kwargs)
    is_reduced = method == "reduce" and ufunc in _EXTREMES
    if len(classes) > 1 or kind.itemsize > 4 or not (is_reduced or (method == "__call__" and ufunc in _ROUNDED)):
        raise _refusal(ufunc.__name__, kind)
    found = _saturated(getattr(ufunc, method)(*(np.asarray(_exact(each), float) for each in inputs), **kwargs), kind)
    return found.view(IntegerArray) if np.ndim(found) else IntegerNumber(found[()])


def _exact(x: Any) -> Any:
    return int(x) if isinstance(x, IntegerNumber) else _plain(x)


def _saturated(numbers: Any, kind: np.dtype[Any]) -> Any:
    """Return numbers rounded, halves away from zero, and limited to the range of their class; NaN becomes 0."""
    if np.asarray(numbers).dtype == kind:
        return np.asarray(numbers)
    bounds = np.iinfo(kind)
    held = np.clip(np.nan_to_num(np.asarray(numbers, float), posinf=np.inf, neginf=-np.inf), bounds.min, bounds.max)
    return np.asarray(np.trunc(held + np.copysign(0.5, held))).clip(bounds.min, bounds.max).astype(kind)


def _refusal(operation: str, kind: np.dtype[Any]) -> MigrationError:
    return MigrationError(
        f"{operation}: expected doubles, got numbers of class {kind}, for which MATLAB's rule is not implemented. "
        "Convert them with double first."
    )


class SingleArray(_Typed):
    """An array of class single; combined with doubles it gives singles, as in MATLAB (numpy gives doubles)."""

    def __getitem__(self, index: Any) -> Any:
        return _single(super().__getitem__(index))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(each, IntegerArray) for each in inputs):
            return NotImplemented
        given = map(_narrowed, side_by_side(inputs, method))
        return _single(getattr(ufunc, method)(*given, **_plain_out(kwargs)))

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _single(super().__array_function__(func, types, args, kwargs))


def single(x: Any) -> SingleArray:
    """Return ``single(x)``; a number becomes 1×1."""
    return np.array(np.atleast_2d(x) if np.ndim(x) == 0 else x, dtype=np.float32).view(SingleArray)


class ComplexArray(np.ndarray[Any, Any]):
    """An array of complex numbers, which refuses a transpose: ``x'`` conjugates, numpy's ``.T`` does not."""

    @property
    def T(self) -> Any:
        """Transpose of real numbers.

        Raises
        ------
        MigrationError
            The numbers are complex.
        """
        if self.dtype.kind == "c":
            raise MigrationError(
                "transpose: expected real numbers, got complex ones, which MATLAB's ' conjugates. Write it in Python."
            )
        return self.transpose()


def of_its_class(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array from a file as the class that computes as MATLAB does."""
    if array.dtype.kind == "c":
        return array.view(ComplexArray)
    if array.dtype.kind in "iu":
        return array.view(IntegerArray)
    if array.dtype == bool:
        return array.view(LogicalArray)
    if array.dtype == np.float32:
        return array.view(SingleArray)
    return array.view(Stack) if array.ndim > 2 else array


def _plain_out(kwargs: dict[str, Any]) -> dict[str, Any]:
    return kwargs | {"out": tuple(map(_plain, kwargs["out"]))} if "out" in kwargs else kwargs


def _plain(x: Any) -> Any:
    return x.view(np.ndarray) if isinstance(x, np.ndarray) else x


def _as_double(x: Any) -> Any:
    return _plain(x).astype(float) if isinstance(x, np.ndarray) and x.dtype == bool else _plain(x)


def _narrowed(x: Any) -> Any:
    """Return the other operand of a single: numpy's numbers as single, Python's unchanged."""
    is_numeric = isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "iuf"
    return np.asarray(x, dtype=np.float32) if is_numeric else _plain(x)


def _single(x: Any) -> Any:
    is_real = isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f"
    return np.asarray(x, dtype=np.float32).view(SingleArray) if is_real else x


def class_of(value: Any) -> str:
    """Return ``class(x)``."""
    if callable(value) and not isinstance(value, np.ndarray):
        return "function_handle"
    kinds: list[tuple[Any, str]] = [(str, "char"), (list, "cell"), (bool, "logical"), (int | float, "double")]
    for kind, name in kinds:
        if isinstance(value, kind):
            return name
    if hasattr(value, "__dict__") and not isinstance(value, np.ndarray):
        return "struct"
    dtype = np.asarray(value).dtype
    return {"bool": "logical", "float32": "single", "float64": "double", "int64": "double"}.get(dtype.name, dtype.name)


def isa(value: Any, name: str) -> bool:
    """Return ``isa(x, name)``, also for groups of classes."""
    own = class_of(value)
    groups = {"float": ("single", "double"), "numeric": ("single", "double")}
    whole = own.startswith(("int", "uint"))
    return own == name or own in groups.get(name, ()) or (whole and name in ("integer", "numeric"))


def isnumeric(value: Any) -> bool:
    """Return ``isnumeric(x)``."""
    return isa(value, "numeric")


def isreal(value: Any) -> bool:
    """Return ``isreal(x)``: true of strings, false of cells and structs, as in MATLAB."""
    return class_of(value) not in ("cell", "struct", "function_handle", "complex128", "complex64")


def isstruct(value: Any) -> bool:
    """Return ``isstruct(x)``."""
    return class_of(value) == "struct"


def islogical(value: Any) -> bool:
    """Return ``islogical(x)``."""
    return class_of(value) == "logical"
