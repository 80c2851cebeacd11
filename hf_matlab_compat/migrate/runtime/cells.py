"""Cell arrays: a plain list is one row of cells; `Cells` has rows and columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate.runtime.arrays import Array, isempty, shape_of_cells, size, two_dimensional

Function = Callable[..., Any]


class Cells(list[Any]):
    """Cells in rows and columns, stored as a list of the entries column by column.

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
        """Copy and pickle with the number of rows."""
        return Cells, (list(self), self._rows)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        if self._rows is None:
            return len(self), 1
        return (self._rows, len(self) // self._rows) if self._rows and len(self) else (self._rows, 0)

    def append(self, entry: Any) -> None:
        """Append as ``c{end+1} = entry`` does; a single cell becomes a row.

        Raises
        ------
        MigrationError
            The cells have several rows.
        """
        if len(self) == 1 or (self._rows is not None and not len(self)):
            self._rows = 1
        if self._rows is not None and self._rows > 1:
            raise MigrationError("cells: expected a position inside cells in rows and columns, got one beyond.")
        super().append(entry)

    def __delitem__(self, place: Any) -> None:
        """Delete as ``c(place) = []`` does, from a row or a column.

        Raises
        ------
        MigrationError
            The cells have several rows and columns.
        """
        if 1 not in self.shape:
            raise MigrationError("cells: expected a row or a column to delete from, got rows and columns.")
        super().__delitem__(place)


def laid_out(entries: Iterable[Any], shape: Sequence[int]) -> list[Any]:
    """Return entries, given column by column, in a shape; one row becomes a plain list.

    Raises
    ------
    MigrationError
        There are more than two dimensions.
    """
    if len(shape) > 2:
        raise MigrationError("cells: expected cells in two dimensions, got more.")
    rows, columns = shape
    return list(entries) if rows == 1 else Cells(entries, rows if columns != 1 else None)


def in_shape_of(cells: list[Any], entries: Iterable[Any]) -> list[Any]:
    """Return one entry per cell of `cells`, in the same shape."""
    return laid_out(entries, shape_of_cells(cells))


def cells(rows: int, columns: int) -> list[Any]:
    """Return ``cell(rows, columns)``."""
    rows, columns = max(rows, 0), max(columns, 0)
    return laid_out([None] * (rows * columns), (rows, columns))


def _grid(value: Any) -> Array:
    """Return cells as an array of objects; a value that is not a list is a single cell."""
    entries = value if isinstance(value, list) else [value]
    made = np.empty(len(entries), dtype=object)
    for place, entry in enumerate(entries):
        made[place] = entry
    return made.reshape(shape_of_cells(entries), order="F")


def _from_grid(grid: Array) -> list[Any]:
    return laid_out(grid.ravel(order="F").tolist(), grid.shape)


def _joined(axis: int, parts: Iterable[Any]) -> list[Any]:
    grids = [_grid(part) for part in parts if not _is_empty(part)]
    if not grids:
        return []
    try:
        return _from_grid(np.concatenate(grids, axis=axis))
    except ValueError:
        shapes = " and ".join(f"{m}×{n}" for m, n in (grid.shape for grid in grids))
        raise MigrationError(f"cells: expected cells that fit together, got {shapes}.") from None


def _is_empty(part: Any) -> bool:
    return part is None or (not len(part) if isinstance(part, list) else isinstance(part, np.ndarray) and not part.size)


def beside(*parts: Any) -> list[Any]:
    """Return ``[a, b]`` of cells and of values that become cells, ignoring empty parts."""
    return _joined(1, parts)


def below(*parts: Any) -> list[Any]:
    """Return ``[a; b]`` of cells and of values that become cells; ``{a; b}`` of rows in lists."""
    return _joined(0, parts)


def transposed(value: list[Any]) -> list[Any]:
    """Return ``c'``."""
    return _from_grid(_grid(value).T)


def turned(x: Any) -> Any:
    """Return ``x'`` of an array or of cells."""
    return transposed(x) if isinstance(x, list) else np.transpose(x)


def _chosen(index: Any, extent: int) -> Array:
    # positions from 0 along one dimension
    if isinstance(index, slice):
        return np.arange(extent)[index]
    places = _places(index)
    places = np.where(places < 0, places + extent, places)
    if places.size and (places.max() >= extent or places.min() < 0):
        raise MigrationError(f"cells: expected positions up to {extent}, got {int(places.max()) + 1}.")
    return places


def _places(index: Any, first: int = 0) -> Array:
    """Return positions from 0 for a mask, or for positions that count from `first`."""
    array = np.ravel(index, order="F")
    return np.flatnonzero(array) if array.dtype == bool else array.astype(np.int64) - first


def entries(cells: list[Any], where: Any) -> list[Any]:
    """Return ``cells(where)`` by positions from 0 or a mask."""
    if isinstance(cells, Cells):
        return part(cells, where)
    chosen = np.arange(len(cells))[where] if isinstance(where, slice) else where
    return [cells[place] for place in _places(chosen)]


def part(value: list[Any], *where: Any) -> list[Any]:
    """Return ``c(where)`` by one index or two, from 0."""
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
    """Return ``c{row, column}``, from 0."""
    return part(value, row, column)[0]


def pick_cells(cells: list[Any], index: Any) -> list[Any]:
    """Return ``cells{index}`` by positions from 1 or a mask."""
    return [cells[place] for place in _places(index, 1)]


def put(cells: list[Any], place: int, value: Any) -> None:
    """Assign ``cells{place} = value``; a list that has to grow is filled with ``[]``."""
    while len(cells) <= place:
        cells.append(np.zeros((0, 0)))
    cells[place] = value


def put_cells(cells: list[Any], index: Any, value: Any) -> None:
    """Assign ``cells(index) = {value}`` by positions from 1 or a mask; the list grows if needed."""
    for place in _places(index, 1):
        put(cells, place, value)


def put_cell(cells: list[Any], index: Any, value: Any) -> None:
    """Assign ``cells{index} = value``.

    Raises
    ------
    MigrationError
        There are several positions, or none.
    """
    count = _places(index, 1).size
    if count != 1:
        raise MigrationError(f"cells: expected one position to assign to, got {count}. Assign in a loop.")
    put_cells(cells, index, value)


def put_in_two(value: list[Any], row: int, column: int, entry: Any) -> list[Any]:
    """Return the cells after ``c{row, column} = entry``, from 0, larger if the position is beyond the end."""
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
    """Return the cells after ``c(row, column) = {…}``, from 0: one entry per place, or one for all.

    Raises
    ------
    MigrationError
        The numbers of entries and places differ.
    """
    rows, columns = (
        np.arange(extent) if isinstance(each, slice) and each == slice(None) and extent else _reaching(each, extent)
        for each, extent in zip((row, column), shape_of_cells(value), strict=True)
    )
    places = [(i, j) for j in columns for i in rows]
    if len(entries) not in (1, len(places)):
        raise MigrationError(f"cells: expected {len(places)} cells to put in, got {len(entries)}.")
    for place, (i, j) in enumerate(places):
        value = put_in_two(value, int(i), int(j), entries[place if len(entries) > 1 else 0])
    return value


def _reaching(index: Any, extent: int) -> Array:
    """Return positions that may be beyond the end."""
    return np.arange(max(extent, index.stop or 0))[index] if isinstance(index, slice) else _places(index)


def cell_columns(value: list[Any]) -> list[list[Any]]:
    """Return the columns over which a ``for`` loop runs, each as cells."""
    return [_from_grid(column.reshape(-1, 1)) for column in _grid(value).T] if len(value) else []


def cellfun(function: Function, *lists: list[Any]) -> Array:
    """Return ``cellfun(f, c)``: one number or truth value per cell."""
    return _uniform(cellfun_cells(function, *lists), size(lists[0]), "cellfun")


def cellfun_cells(function: Function, *lists: list[Any]) -> list[Any]:
    """Return ``cellfun(f, c, 'UniformOutput', false)``.

    Raises
    ------
    MigrationError
        The lists differ in length.
    """
    if len({len(each) for each in lists}) > 1:
        raise MigrationError(f"cellfun: expected lists of one length, got {', '.join(str(len(e)) for e in lists)}.")
    return in_shape_of(lists[0], [function(*entries) for entries in zip(*lists, strict=True)])


def arrayfun(function: Function, *arrays: Any) -> Array:
    """Return ``arrayfun(f, x)``: one number or truth value per entry, in the shape of the array."""
    return _uniform(arrayfun_cells(function, *arrays), two_dimensional(arrays[0]).shape, "arrayfun")


def arrayfun_cells(function: Function, *arrays: Any) -> list[Any]:
    """Return ``arrayfun(f, x, 'UniformOutput', false)``."""
    columns = [np.ravel(two_dimensional(each), order="F").tolist() for each in arrays]
    return laid_out(cellfun_cells(function, *columns), two_dimensional(arrays[0]).shape)


def _uniform(found: list[Any], shape: tuple[int, ...], name: str) -> Array:
    odd = next((each for each in found if isinstance(each, str | list) or np.size(each) != 1), None)
    if odd is not None:
        raise MigrationError(f"{name}: expected one number of each entry, got {odd!r}. Say 'UniformOutput', false.")
    flat = np.array([np.asarray(each).item() for each in found])
    return (flat if flat.dtype == bool else flat.astype(float)).reshape(shape, order="F")


def cell2mat(cells: list[Any]) -> Any:
    """Return ``cell2mat``: the contents of the cells as blocks of one array."""
    rows, columns = size(cells)
    blocks = [[two_dimensional(cells[i + j * rows]) for j in range(columns)] for i in range(rows)]
    return np.block(blocks) if cells else np.zeros((0, 0))


def num2cell(x: Any) -> list[Any]:
    """Return ``num2cell``: each entry in its own cell."""
    array = two_dimensional(x)
    return laid_out(np.ravel(array, order="F").tolist(), array.shape)


def iscellstr(value: Any) -> bool:
    """Return ``iscellstr(x)``: cells that hold nothing but strings."""
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def isequal(*values: Any) -> bool:
    """Return ``isequal(a, b, …)``: the same shape and the same entries."""
    return all(_same(values[0], other) for other in values[1:])


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return isinstance(one, str) and isinstance(other, str) and one == other
    if isinstance(one, list) and isinstance(other, list):
        return size(one) == size(other) and all(map(_same, one, other))
    if isinstance(one, list) or isinstance(other, list):
        return isempty(one) and isempty(other)
    return one == other if hasattr(one, "__dict__") else np.array_equal(two_dimensional(one), two_dimensional(other))
