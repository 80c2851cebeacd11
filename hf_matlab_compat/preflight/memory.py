"""Checks that a run fits the free memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.model.packing import num_parameters
from hf_matlab_compat.objective.addition_order import PARTIAL_SUMS
from hf_matlab_compat.objective.cases import CASES_PER_BLOCK, CASES_PER_DEVICE_BLOCK
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.arrays import processes_sharing

_VECTORS = 16
"""Vectors of length P in an epoch, without the recorded iterates: θ, d, gradients, CG's vectors, temporaries."""

_KEPT = {"gauss_newton": 3, "hessian": 5, "empirical_fisher": 3}
"""Numbers kept for each unit and case for curvature products: y, f', R; for the Hessian also e and the bend.

This is an upper bound: compiled passes form f' of hidden units as they go.
"""


class Need(NamedTuple):
    """Estimate of the bytes that a run needs, without the user's data.

    Attributes
    ----------
    cases : float
        Copies of the cases on a device, test cases included.
    activations : float
        Forward passes kept for curvature products, and the current block.
    vectors : float
        Vectors as long as the parameters.
    """

    cases: float
    activations: float
    vectors: float


def memory_needed(
    sizes: Sequence[int],
    num_cases: int,
    options: Options,
    backend: Backend,
    num_test_cases: int = 0,
    with_x: Sequence[int] = (),
) -> Need:
    """Estimate the memory that a run needs, without the user's data.

    Cases are copied to a device, but not on the host; test cases are only evaluated; hidden layers in `with_x` keep
    their input beside their output.
    """
    masks = sum(sizes[1:-1]) if np.any(options.hidden_blankout) else 0
    units, more = sum(sizes), sum(sizes[i] for i in with_x) + masks
    chunk = num_cases // options.num_chunks
    test_chunk = num_test_cases // options.num_test_chunks
    on_host = backend.on_host
    block = min(max(chunk, test_chunk), CASES_PER_BLOCK if on_host else CASES_PER_DEVICE_BLOCK)
    kept_cases = chunk if options.curvature_cases == "target_chunk" else num_cases
    kept_cases = math.ceil(kept_cases / min(processes_sharing(), options.sum_lanes))
    kept_per_case = units * _KEPT[options.curvature] + more
    iterates = 2 + math.log(max(options.max_cg_steps / options.iterate_grid_start, 1), options.iterate_grid_base)
    passing = (backend.workers.count if on_host else 1) * block * (units + more + 4 * max(sizes))
    copied = 0 if on_host else num_cases + num_test_cases
    itemsize = backend.dtype.itemsize
    return Need(
        cases=itemsize * (sizes[0] + sizes[-1]) * copied,
        activations=itemsize * (kept_cases * kept_per_case + passing),
        vectors=itemsize * (_VECTORS + PARTIAL_SUMS + iterates) * num_parameters(sizes),
    )


def check_memory(
    sizes: Sequence[int],
    num_cases: int,
    options: Options,
    backend: Backend,
    num_test_cases: int = 0,
    with_x: Sequence[int] = (),
) -> None:
    """Refuse a run that needs more memory than is free, and name the largest part.

    Raises
    ------
    OptionError
        It does not fit.
    """
    free = backend.free_memory()
    need = memory_needed(sizes, num_cases, options, backend, num_test_cases, with_x)
    if free is None or sum(need) <= free:
        return
    argument, what, advice = _blame(need, sizes, num_cases + num_test_cases, options)
    raise OptionError(
        argument,
        expected=f"a run that fits the {free / 1e9:.3g} GB of free memory",
        got=f"one that needs about {sum(need) / 1e9:.3g} GB, of which {max(need) / 1e9:.3g} GB for {what}",
        advice=advice,
    )


def _blame(need: Need, sizes: Sequence[int], num_cases: int, options: Options) -> tuple[str, str, str]:
    """Return the argument that causes the largest part, what that part is, and how to make it smaller."""
    if need.vectors == max(need):
        what = f"vectors as long as the {num_parameters(sizes)} parameters"
        return "hidden_sizes", what, "Smaller {hidden_sizes} need less, and so does a smaller {max_cg_steps}."
    if need.cases == max(need):
        return "inputs", f"copies of the {num_cases} cases", "Fewer cases need less."
    if options.curvature_cases == "all":
        advice = "{curvature_cases='target_chunk'} needs less, and so do smaller {hidden_sizes}."
        return "curvature_cases", "the activations of all cases", advice
    advice = "A larger {num_chunks} needs less, and so do smaller {hidden_sizes}."
    return "num_chunks", "the activations of one chunk", advice
