"""A problem with its cases, or its units as well, in another order, and its results put back in the old one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.model.packing import Layer, pack, unpack
from hf_matlab_compat.parity.recording import EpochRecord

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Order:
    """A problem's new order: the entry at place k was at place ``index[k]``.

    Attributes
    ----------
    units : list of index arrays
        One a layer, input included.
    train, test : index arrays
        Cases.
    parameters : index array
        θ′ = θ[parameters].
    chunks : int
        Of the training cases.
    """

    units: Sequence[Indices]
    train: Indices
    test: Indices
    parameters: Indices
    chunks: int

    def apply(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the 22 arguments in this order."""
        rows_and_columns = {
            "indata": (self.units[0], self.train),
            "outdata": (self.units[-1], self.train),
            "intest": (self.units[0], self.test),
            "outtest": (self.units[-1], self.test),
        }
        moved = {name: arguments[name][np.ix_(*at)] for name, at in rows_and_columns.items()}
        return {**arguments, **moved, "paramsp": arguments["paramsp"][self.parameters]}

    def undo(self, record: EpochRecord) -> EpochRecord:
        """Return an epoch of this order with its vectors put back in the old one."""
        back = np.argsort(self.parameters)
        size = back.size
        kernels = {name: _back(value, back, size) for name, value in record.kernels.items() if name != "forward"}
        if "forward" in record.kernels:
            kernels["forward"] = self._old_columns(record)
        return replace(
            record,
            theta=record.theta[back],
            start=record.start[back],
            kernels=kernels,
            iterates=[iterate[back] for iterate in record.iterates],
            theta_after=_back(record.theta_after, back, size),
            d_after=_back(record.d_after, back, size),
        )

    def _old_columns(self, record: EpochRecord) -> list[NDArray[Any]]:
        chunk = (record.epoch - 1) % self.chunks
        cases = np.argsort(np.split(self.train, self.chunks)[chunk])
        layers = zip(record.kernels["forward"], self.units[1:], strict=True)
        return [y[np.ix_(np.argsort(units), cases)] for y, units in layers]


def identity(arguments: Mapping[str, Any]) -> Order:
    """Return the order as it is."""
    units = [np.arange(size) for size in _sizes(arguments)]
    train, test = (np.arange(arguments[name].shape[1]) for name in ("indata", "intest"))
    return _order(arguments, units, train, test)


def permuted_cases(arguments: Mapping[str, Any], seed: int) -> Order:
    """Return another order of the cases of every chunk."""
    random = np.random.default_rng(seed)
    train = _within_chunks(random, arguments["indata"].shape[1], int(arguments["numchunks"]))
    test = _within_chunks(random, arguments["intest"].shape[1], int(arguments["numchunks_test"]))
    return _order(arguments, [np.arange(size) for size in _sizes(arguments)], train, test)


def renumbered_units(arguments: Mapping[str, Any], seed: int) -> Order:
    """Return another order of the cases of every chunk and of the units of every layer."""
    cases = permuted_cases(arguments, seed)
    random = np.random.default_rng([seed, 1])
    units = [random.permutation(size) for size in _sizes(arguments)]
    return _order(arguments, units, cases.train, cases.test)


def _order(arguments: Mapping[str, Any], units: Sequence[Indices], train: Indices, test: Indices) -> Order:
    sizes = _sizes(arguments)
    numbers = np.arange(sum(above * (below + 1) for below, above in pairwise(sizes)))
    layers = unpack(numbers, sizes)
    moved = [Layer(layer.W[np.ix_(units[i + 1], units[i])], layer.b[units[i + 1]]) for i, layer in enumerate(layers)]
    return Order(units, train, test, pack(np, moved), int(arguments["numchunks"]))


def _sizes(arguments: Mapping[str, Any]) -> list[int]:
    return [len(arguments["indata"]), *arguments["layersizes"], len(arguments["outdata"])]


def _within_chunks(random: np.random.Generator, cases: int, chunks: int) -> Indices:
    return np.concatenate([random.permutation(chunk) for chunk in np.split(np.arange(cases), chunks)])


def _back(value: Any, back: Indices, size: int) -> Any:
    """Return a vector (P,) or the columns of (P, k) in the old order, and other values as they are."""
    if value is None or np.ndim(value) == 0 or np.shape(value)[0] != size:
        return value
    return value[back]
