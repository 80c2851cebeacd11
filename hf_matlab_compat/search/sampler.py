"""Proposals by CatCMA with margin (Hamano et al. 2025), generation by generation, for Optuna's study.

A proposal is a function of the seed, the space and the finished generations before it: the optimiser is rebuilt from
the stored trials whenever a study is opened, so an interrupted search goes on with the same proposals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.search.space import Choice, Dimension, Integer, Log


class Proposals:
    """Asks the optimiser for whole generations, and tells it how their trials ranked.

    Parameters
    ----------
    dimensions : mapping of str to Dimension
        What is searched.
    seed : int
        Of the optimiser.

    Attributes
    ----------
    population : int
        Trials of a generation.
    """

    def __init__(self, dimensions: Mapping[str, Dimension], seed: int) -> None:
        self._dimensions = dimensions
        self._of = {kind: [n for n, d in dimensions.items() if _kind(d) == kind] for kind in ("x", "z", "c")}
        spaces = {
            "x_space": [[0.0, 1.0] for _ in self._of["x"]],
            "z_space": [list(range(int(dimensions[n].low), int(dimensions[n].high) + 1)) for n in self._of["z"]],  # type: ignore[union-attr]
            "c_space": [len(dimensions[n].values) for n in self._of["c"]],  # type: ignore[union-attr]
        }
        self._optimiser = _cat_cma()(**{name: space or None for name, space in spaces.items()}, seed=seed)
        self.population: int = self._optimiser.population_size
        self._asked: list[list[Any]] = []

    def generation(self, g: int) -> list[dict[str, Any]]:
        """Return the proposals of generation `g`, counted from 0; all before it must have been told."""
        if len(self._asked) == g:
            self._asked.append([self._optimiser.ask() for _ in range(self.population)])
        return [self._values(solution) for solution in self._asked[g]]

    def tell(self, g: int, ranks: Sequence[float]) -> None:
        """Tell the optimiser the rank of every trial of generation `g`, in the order of the trials; 0 is the best."""
        self.generation(g)
        self._optimiser.tell(list(zip(self._asked[g], ranks, strict=True)))

    def _values(self, solution: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for kind, raw in (("x", solution.x), ("z", solution.z), ("c", solution.c)):
            for name, value in zip(self._of[kind], () if raw is None else raw, strict=True):
                found[name] = _decoded(self._dimensions[name], value)
        return {name: found[name] for name in self._dimensions}


def _kind(dimension: Dimension) -> str:
    if isinstance(dimension, Choice):
        return "c"
    return "z" if isinstance(dimension, Integer) else "x"


def _decoded(dimension: Dimension, value: Any) -> Any:
    if isinstance(dimension, Choice):
        return dimension.values[int(np.argmax(value))]
    if isinstance(dimension, Integer):
        return int(value)
    low, high = dimension.low, dimension.high
    if isinstance(dimension, Log):
        return min(max(low * (high / low) ** float(value), low), high)
    return low + (high - low) * float(value)


def _cat_cma() -> Any:
    try:
        from cmaes import CatCMAwM
    except ImportError as error:
        raise OptionError(
            "search",
            expected="the packages optuna and cmaes",
            got="no such packages",
            advice="Run pip install 'hf_matlab_compat[search]'.",
        ) from error
    return CatCMAwM
