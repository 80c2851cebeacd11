"""Tables of studies: a row for each setting, and in each cell a figure over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def text_table(
    title: str, columns: Sequence[str], rows: Mapping[str, Sequence[str]], widths: Sequence[int] = ()
) -> str:
    """Return a table as lines of text.

    Parameters
    ----------
    title : str
        The heading of the column of names.
    columns : sequence of str
        The other headings.
    rows : mapping of str to sequence of str
        Name to cells.
    widths : sequence of int
        Of the column of names, which is aligned to the left, and of the others; by default 36 and 20 each.
    """
    first, *others = widths or (36, *(20 for _ in columns))
    lines = {title: columns, **rows}
    return "\n".join(
        f"{name:{first}}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, others, strict=True))
        for name, cells in lines.items()
    )


def mean_and_deviation(figures: Sequence[float]) -> str:
    """Return mean ± standard deviation; 0 for a single figure."""
    given = np.array(figures, dtype=float)
    spread = given.std(ddof=1) if given.size > 1 else 0.0
    return f"{given.mean():.4g} ± {spread:.2g}"


def median_and_range(figures: Sequence[float], form: str = ".4g") -> str:
    """Return the median, and the least and largest figure in brackets; a dash if there is none."""
    if not len(figures):
        return "-"
    given = np.array(figures, dtype=float)
    return f"{np.median(given):{form}} [{given.min():{form}}, {given.max():{form}}]"
