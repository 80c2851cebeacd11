"""Memory of a block: the views, where they begin, and what the compiled loops are told of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.model.buffers import BlockBuffers, LayerArrays, new_buffers, numbers_needed
from hf_matlab_compat.model.directions import Directions
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.model.packing import layer_starts

SIZES = (5, 3, 4, 2)
BOTH = pytest.mark.parametrize("tangents", [False, True])


def start(view: Any, room: Any) -> int:
    """Where a view begins in the memory it is of."""
    return (view.__array_interface__["data"][0] - room.__array_interface__["data"][0]) // room.itemsize


@BOTH
def test_places_are_where_the_views_begin(tangents: bool) -> None:
    b = new_buffers(SIZES, 7, np, np.float64, tangents)
    assert b.places[1, :-1].tolist() == [start(y, b.room) for y in b.y[:-1]]
    assert b.places[0].tolist() == [start(rows, b.room) for rows in [*b.Ry1, b.x]]
    assert b.room.size == numbers_needed(SIZES, 7, tangents)


@BOTH
def test_views_do_not_overlap_and_ones_stand_below_the_outputs(tangents: bool) -> None:
    b = new_buffers(SIZES, 7, np, np.float64, tangents)
    for number, view in enumerate([*b.y, *(R for R in b.R[:-1] if R is not None), b.x], start=2):
        view[...] = number
    for number, view in enumerate([*b.y, *(R for R in b.R[:-1] if R is not None), b.x], start=2):
        assert (view == number).all()
    assert all((rows[-1] == 1).all() for rows in b.y1)


def test_several_sizes_cut_the_same_memory_and_write_their_ones_again() -> None:
    room = np.full(numbers_needed(SIZES, 4), np.nan)
    large, small = (BlockBuffers(SIZES, n, room, np.empty((SIZES[-1], n))) for n in (4, 3))
    for buffers in (large, small, large):
        buffers.write_ones()
        assert all((rows[-1] == 1).all() and rows.flags.c_contiguous for rows in buffers.y1)
    for y in small.y[:-1]:
        y[...] = 7
    assert not all((rows[-1] == 1).all() for rows in large.y1)


def test_an_output_that_is_dropped_is_not_held() -> None:
    b = new_buffers(SIZES, 7, np, np.float64)
    output = b.y[-1]
    assert b.drop_output() is output
    assert b.y[-1].size == 0


def test_arrays_of_layers_follow_one_another() -> None:
    arrays = LayerArrays(SIZES, 3, np, np.float64)
    assert [a.shape for a in arrays.layers] == [(s, 3) for s in SIZES]
    assert [start(a, arrays.room) for a in arrays.layers] == [0, 15, 24, 36]


def test_the_loops_are_told_where_layers_and_directions_are() -> None:
    loops = pytest.importorskip("hf_matlab_compat.backends.compiled_loops", exc_type=ImportError)
    from hf_matlab_compat.model.compiled_passes import loops_layout

    network = build_network(SIZES, ["logistic", "tanh", "linear"], "matching", "squared")
    theta = np.arange(network.num_parameters, dtype=np.float64)
    directions = Directions(network, theta, np)
    layout = loops_layout(SIZES, [loops.LOGISTIC, loops.TANH], loops)
    assert layout[loops.SIZE].tolist() == list(SIZES)
    assert layout[loops.KIND].tolist() == [0, loops.LOGISTIC, loops.TANH, 0]
    assert layout[loops.PACKED, 1:].tolist() == [start(w, theta) for w in network.with_biases(theta)]
    assert layout[loops.STACKS, 1:].tolist() == [start(stack, directions.room) for stack in directions.forward]
    assert layer_starts(SIZES) == layout[loops.PACKED, 1:].tolist()


def test_a_direction_is_pointed_to_alike_by_numpy_and_by_the_loops() -> None:
    loops = pytest.importorskip("hf_matlab_compat.backends.compiled_loops", exc_type=ImportError)
    from hf_matlab_compat.model.compiled_passes import CompiledPasses

    network = build_network(SIZES, ["logistic", "tanh", "linear"], "matching", "squared")
    theta, v = np.random.default_rng(0).random((2, network.num_parameters))
    rooms = []
    for passes in (None, CompiledPasses(network, np, loops)):
        directions = Directions(network, theta, np)
        directions.point(v) if passes is None else passes.point(directions, v)
        rooms.append(directions.room)
    np.testing.assert_array_equal(*rooms)
