"""Cases of a model that is differentiated automatically: nested arrays, cut along one axis into chunks and blocks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.autodiff.nested import Nested, hosted, hosted_like, leaves, mapped
from hf_matlab_compat.errors import DataError, OptionError
from hf_matlab_compat.objective.cases import CASES_PER_BLOCK, WORTH_SHARING


@dataclass(frozen=True, eq=False)
class NestedCases:
    """All cases.

    Attributes
    ----------
    given : tuple of nests
        What the functions of the model are called with: inputs and targets, or one of them, or nothing.
    num_cases : int
        N; 1 where there are no inputs.
    num_chunks : int
        Must divide N.
    axis : int
        The axis of every array that counts the cases, 0 or -1.
    convert : callable
        Makes the engine's arrays of those of a block.
    """

    given: tuple[Nested, Nested]
    num_cases: int
    num_chunks: int = 1
    axis: int = -1
    convert: Callable[[Any], Any] = np.asarray

    def __len__(self) -> int:
        return self.num_cases

    def like(self, inputs: Nested, targets: Nested, num_chunks: int) -> NestedCases:
        """Return other cases, which must be nested like these.

        Raises
        ------
        DataError
            They are not, or do not fit each other.
        """
        given = (hosted_like(self.given[0], inputs, "inputs"), hosted_like(self.given[1], targets, "targets"))
        return cases_of(*given, self.axis, num_chunks)

    def part(self, cases: NDArray[np.int64] | slice) -> NestedCases:
        """Return these cases as one chunk."""
        count = len(range(self.num_cases)[cases]) if isinstance(cases, slice) else len(cases)
        return replace(self, given=self.cut(cases), num_cases=count, num_chunks=1)

    def cut(self, cases: Any) -> tuple[Nested, Nested]:
        """Return inputs and targets of some cases."""
        if self.given[0] is None:  # one case, without inputs
            return self.given
        where = (cases, ...) if self.axis == 0 else (..., cases)
        return mapped(lambda array: array[where], self.given)

    def chunks(self, only: int | None = None) -> range:
        """Return the numbers of all chunks, or of one."""
        return range(self.num_chunks) if only is None else range(only, only + 1)

    def blocks(self, chunk: int, count: int) -> tuple[tuple[Nested, Nested], ...]:
        """Return inputs and targets of a chunk, counted from 0, in `count` blocks; sizes differ by at most one case."""
        n = self.num_cases // self.num_chunks
        edges = [chunk * n + n * k // count for k in range(count + 1)]
        cut = (self.cut(slice(start, stop)) for start, stop in itertools.pairwise(edges))
        return tuple(mapped(self.convert, block) for block in cut)

    def num_blocks(self, num_parameters: int, on_host: bool, shared_blocks: int) -> int:
        """Return the number of blocks of a chunk; a multiple of `shared_blocks` if processes gain from sharing it."""
        n = self.num_cases // self.num_chunks
        count = math.ceil(n / CASES_PER_BLOCK)
        if n * num_parameters >= WORTH_SHARING:
            count = min(shared_blocks * math.ceil(count / shared_blocks), n)
        return count

    def worth_sharing(self, num_parameters: int) -> bool:
        """Return False: an engine records one pass at a time, so that threads cannot share a sum."""
        return False

    def total_weight(self, only: int | None, per: str) -> float:
        """Return the number of cases of all chunks or of one."""
        return float(self.total_count(only, per))

    def total_count(self, only: int | None, per: str) -> int:
        """Return the number of cases of all chunks or of one."""
        return self.num_cases if only is None else self.num_cases // self.num_chunks


def cases_of(inputs: Nested, targets: Nested, axis: int, num_chunks: int = 1) -> NestedCases:
    """Check arrays of cases.

    Raises
    ------
    DataError
        An array is no array of finite numbers, or has another number of cases than the others.
    OptionError
        The chunks do not divide the cases.
    """
    given = (hosted(inputs, "inputs"), hosted(targets, "targets"))
    if inputs is None:
        return NestedCases(given, num_cases=1, axis=axis)
    arrays = [
        found for nested, name in zip(given, ("inputs", "targets"), strict=True) for found in leaves(nested, name)
    ]
    counts = {name: array.shape[axis] if array.ndim else 0 for name, array in arrays}
    if not counts:
        raise DataError("inputs", expected="at least one array", got="none")
    first, num_cases = next(iter(counts.items()))
    which = "last" if axis == -1 else "first"
    for name, count in counts.items():
        if not count or count != num_cases:
            expected = f"cases along its {which} axis" + (f", as many as {first}, {num_cases}" if name != first else "")
            raise DataError(name, expected=expected, got=f"{count} of them")
    if num_cases % num_chunks:
        raise OptionError("num_chunks", expected=f"a divisor of the number of cases, {num_cases}", got=num_chunks)
    return NestedCases(given, num_cases, num_chunks, axis)
