"""E: how far rounding alone moves the reference, by running it on the same mathematics in another order.

A member has its units renumbered in every layer (inputs and outputs included) and the cases of each chunk
permuted, so that every sum is added in another order; some have another `exp` as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.model.packing import Layer, num_parameters, pack, unpack
from hf_matlab_compat.parity.bounds import distance
from hf_matlab_compat.parity.epoch import DECISIONS, FIGURES, VECTORS, Epoch
from hf_matlab_compat.parity.reference import reference_epochs
from hf_matlab_compat.state import State

_OTHER_EXP = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4"}


def measure_spread(
    arguments: Mapping[str, Any], reference: Sequence[Epoch], members: int = 16, with_other_exp: int = 4
) -> Iterator[dict[str, list[float]]]:
    """E of every figure, epoch by epoch, after 1, 2, … members; the last is the one to keep.

    Parameters
    ----------
    arguments : mapping
        The 22 arguments under MATLAB's names.
    reference : sequence of Epoch
        The plain run; every member redoes each of its epochs from the same state.
    members : int
    with_other_exp : int
        How many of them run on another `exp` (where the C library is glibc).
    """
    spread = {name: [0.0] * len(reference) for name in (*VECTORS, *DECISIONS, *FIGURES)}
    for seed in range(members):
        problem, order = reordered(arguments, seed)
        with _environment(_OTHER_EXP if seed < with_other_exp else {}):
            for k, plain in enumerate(reference):
                member = _back(reference_epochs(problem, _ordered(plain.start, order), 1)[0], plain.start, order)
                for name, apart in _distances(member, plain).items():
                    spread[name][k] = max(spread[name][k], apart)
        yield spread


def reordered(arguments: Mapping[str, Any], seed: int) -> tuple[dict[str, Any], NDArray[np.int64]]:
    """The same problem with units and cases in another order, and the order of its parameters: θ′ = θ[order]."""
    random = np.random.default_rng(seed)
    sizes = [len(arguments["indata"]), *arguments["layersizes"], len(arguments["outdata"])]
    units = [random.permutation(size) for size in sizes]
    layers = unpack(np.arange(num_parameters(sizes)), sizes)
    order = pack(np, [_renumbered(layer, *pair) for layer, pair in zip(layers, pairwise(units), strict=True)])
    train = _within_chunks(random, arguments["indata"].shape[1], int(arguments["numchunks"]))
    test = _within_chunks(random, arguments["intest"].shape[1], int(arguments["numchunks_test"]))
    places = {
        "indata": (units[0], train),
        "outdata": (units[-1], train),
        "intest": (units[0], test),
        "outtest": (units[-1], test),
    }
    return {**arguments, **{name: arguments[name][np.ix_(*at)] for name, at in places.items()}}, order


def _renumbered(layer: Layer, below: NDArray[np.int64], above: NDArray[np.int64]) -> Layer:
    return Layer(layer.W[np.ix_(above, below)], layer.b[above])


def _within_chunks(random: np.random.Generator, cases: int, chunks: int) -> NDArray[np.int64]:
    return np.concatenate([random.permutation(chunk) for chunk in np.split(np.arange(cases), chunks)])


def _ordered(state: State, order: NDArray[np.int64]) -> State:
    return replace(state, theta=state.theta[order], d=state.d[order])


def _back(epoch: Epoch, start: State, order: NDArray[np.int64]) -> Epoch:
    """A member's epoch, its parameters in their old order."""
    back = np.argsort(order)
    vectors = {name: getattr(epoch, name)[back] for name in ("gradient", "theta", "d")}
    return replace(epoch, start=start, **vectors)


def _distances(member: Epoch, plain: Epoch) -> dict[str, float]:
    """Of what can be compared: after a tie, only what does not depend on the iterate chosen."""
    apart = {name: distance(getattr(member, name), getattr(plain, name)) for name in ("gradient", "d")}
    apart["cg_steps"] = distance(member.figures["cg_steps"], plain.figures["cg_steps"])
    if member.figures["chosen_step"] == plain.figures["chosen_step"]:
        apart["step"] = distance(member.step, plain.step)
        apart |= {name: distance(member.figures[name], plain.figures[name]) for name in (*DECISIONS, *FIGURES)}
    return apart


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Octave started in this block sees these variables."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
