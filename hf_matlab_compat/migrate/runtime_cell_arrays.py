"""Cells in rows and columns. A plain list is one row of cells; `Cells` are laid out otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import MigrationError

Array = NDArray[Any]


class Cells(list[Any]):
    """Cells in rows and columns, as a list of the entries column by column.

    Parameters
    ----------
    entries : iterable
    rows : int or None
        None for a column of any length.
    """

    __slots__ = ("_rows",)

    def __init__(self, entries: Iterable[Any] = (), rows: int | None = None) -> None:
        super().__init__(entries)
        self._rows = rows

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is copied and pickled."""
        return Cells, (list(self), self._rows)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        if self._rows is None:
            return len(self), 1
        return (self._rows, len(self) // self._rows) if self._rows and len(self) else (self._rows, 0)

    def append(self, entry: Any) -> None:
        """``c{end+1} = entry``: of a single cell or a row, a row; of a matrix, nothing."""
        if len(self) == 1 or (self._rows is not None and not len(self)):
            self._rows = 1
        if self._rows is not None and self._rows > 1:
            raise MigrationError("cells: expected a position inside cells in rows and columns, got one beyond.")
        super().append(entry)

    def __delitem__(self, place: Any) -> None:
        """``c(place) = []`` of a row or a column."""
        if 1 not in self.shape:
            raise MigrationError("cells: expected a row or a column to delete from, got rows and columns.")
        super().__delitem__(place)


def shape_of_cells(cells: list[Any]) -> tuple[int, int]:
    """Rows and columns of cells: of an empty list none."""
    return cells.shape if isinstance(cells, Cells) else (min(len(cells), 1), len(cells))


def laid_out(entries: Iterable[Any], shape: Sequence[int]) -> list[Any]:
    """Entries, column by column, in a shape: a plain list where that is one row."""
    if len(shape) > 2:
        raise MigrationError("cells: expected cells in two dimensions, got more.")
    rows, columns = shape
    return list(entries) if rows == 1 else Cells(entries, rows if columns != 1 else None)


def in_shape_of(cells: list[Any], entries: Iterable[Any]) -> list[Any]:
    """As many entries as there are `cells`, laid out as those are."""
    return laid_out(entries, shape_of_cells(cells))


def cells(rows: int, columns: int) -> list[Any]:
    """``cell(rows, columns)``."""
    rows, columns = max(rows, 0), max(columns, 0)
    return laid_out([None] * (rows * columns), (rows, columns))


def _grid(value: Any) -> Array:
    """Cells as an array of objects; a value that is none is a single cell."""
    entries = value if isinstance(value, list) else [value]
    made = np.empty(len(entries), dtype=object)
    for place, entry in enumerate(entries):
        made[place] = entry
    return made.reshape(shape_of_cells(entries), order="F")


def _from_grid(grid: Array) -> list[Any]:
    return laid_out(grid.ravel(order="F").tolist(), grid.shape)


def _joined(axis: int, parts: Iterable[Any]) -> list[Any]:
    kept = [part for part in parts if part is not None and (isinstance(part, str) or np.size(_sized(part)))]
    if not kept:
        return []
    try:
        return _from_grid(np.concatenate([_grid(part) for part in kept], axis=axis))
    except ValueError:
        shapes = " and ".join(f"{m}×{n}" for m, n in (_grid(part).shape for part in kept))
        raise MigrationError(f"cells: expected cells that fit together, got {shapes}.") from None


def _sized(part: Any) -> Any:
    return range(len(part)) if isinstance(part, list) else part if isinstance(part, np.ndarray) else 0


def beside(*parts: Any) -> list[Any]:
    """``[a, b]`` of cells and values that become cells; empty ones do not count."""
    return _joined(1, parts)


def below(*parts: Any) -> list[Any]:
    """``[a; b]`` of cells and values that become cells; ``{a; b}`` of rows in lists."""
    return _joined(0, parts)


def transposed(value: list[Any]) -> list[Any]:
    """``c'``."""
    return _from_grid(_grid(value).T)


def _chosen(index: Any, extent: int) -> Array:
    """Positions from 0 along one dimension."""
    if isinstance(index, slice):
        return np.arange(extent)[index]
    array = np.ravel(index, order="F")
    places = np.flatnonzero(array) if array.dtype == bool else array.astype(np.int64)
    places = np.where(places < 0, places + extent, places)
    if places.size and (places.max() >= extent or places.min() < 0):
        raise MigrationError(f"cells: expected positions up to {extent}, got {int(places.max()) + 1}.")
    return places


def part(value: list[Any], *where: Any) -> list[Any]:
    """``c(where)`` by one index or two, from 0."""
    grid = _grid(value)
    if len(where) == 2:
        places = [_chosen(each, extent) for each, extent in zip(where, grid.shape, strict=True)]
        return _from_grid(grid[np.ix_(*places)])
    taken = grid.ravel(order="F")[_chosen(where[0], grid.size)]
    index: Any = where[0]
    by_matrix = not isinstance(index, slice) and np.ndim(index) > 1 and 1 not in grid.shape
    upright = index == slice(None) if isinstance(index, slice) else by_matrix
    upright = upright or (grid.shape[1] == 1 and grid.size != 1)
    return _from_grid(taken.reshape((-1, 1) if upright else (1, -1)))


def content(value: list[Any], row: int, column: int) -> Any:
    """``c{row, column}``, from 0."""
    found = part(value, row, column)
    return found[0]


def put_in_two(value: list[Any], row: int, column: int, entry: Any) -> list[Any]:
    """``c{row, column} = entry``, from 0; the cells that then are, more where the position lay beyond."""
    rows, columns = shape_of_cells(value)
    row, column = row + rows * (row < 0), column + columns * (column < 0)
    if row >= rows or column >= columns:
        grid = np.empty((max(rows, row + 1), max(columns, column + 1)), dtype=object)
        for place in np.ndindex(grid.shape):
            grid[place] = np.zeros((0, 0))
        grid[:rows, :columns] = _grid(value)
        value = _from_grid(grid)
        rows = len(grid)
    value[row + column * rows] = entry
    return value


def put_part(value: list[Any], entries: list[Any], row: Any, column: Any) -> list[Any]:
    """``c(row, column) = {…}``, from 0: one entry for each place, or one for all."""
    extents = shape_of_cells(value)
    rows, columns = (
        np.arange(extent) if isinstance(each, slice) and each == slice(None) and extent else _reaching(each, extent)
        for each, extent in zip((row, column), extents, strict=True)
    )
    places = [(i, j) for j in columns for i in rows]
    if len(entries) not in (1, len(places)):
        raise MigrationError(f"cells: expected {len(places)} cells to put in, got {len(entries)}.")
    for place, (i, j) in enumerate(places):
        value = put_in_two(value, int(i), int(j), entries[place if len(entries) > 1 else 0])
    return value


def _reaching(index: Any, extent: int) -> Array:
    """Positions that may lie beyond the end."""
    if isinstance(index, slice):
        return np.arange(max(extent, index.stop or 0))[index]
    array = np.ravel(index, order="F")
    return np.flatnonzero(array) if array.dtype == bool else array.astype(np.int64)


def cell_columns(value: list[Any]) -> list[list[Any]]:
    """What a loop over cells runs through: its columns, each in cells."""
    return [_from_grid(column.reshape(-1, 1)) for column in _grid(value).T] if len(value) else []
