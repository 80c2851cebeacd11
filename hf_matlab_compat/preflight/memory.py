"""Whether a run fits the memory that is free."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.model.packing import num_parameters
from hf_matlab_compat.objective.cases import CASES_PER_BLOCK
from hf_matlab_compat.options import Options

_VECTORS = 16
"""Vectors of P numbers that an epoch holds beside the recorded iterates: θ, d, gradients, CG's own, temporaries."""


def bytes_needed(sizes: Sequence[int], num_cases: int, options: Options, itemsize: int) -> int:
    """An estimate of the memory that a run takes beside the caller's data.

    Parameters
    ----------
    sizes : sequence of int
        s_0 … s_L.
    num_cases : int
        N.
    options : Options
    itemsize : int
        Bytes of a number.
    """
    units = sum(sizes)
    chunk = num_cases // options.num_chunks
    block = min(chunk, CASES_PER_BLOCK)
    kept_cases = chunk if options.curvature_cases == "target_chunk" else num_cases
    kept_per_case = units * (2 if options.curvature == "hessian" else 1)
    iterates = 2 + math.log(max(options.max_cg_steps / options.iterate_grid_start, 1), options.iterate_grid_base)
    vectors = (_VECTORS + iterates) * num_parameters(sizes)
    data = (sizes[0] + sizes[-1]) * num_cases
    return int((data + kept_cases * kept_per_case + 6 * block * units + vectors) * itemsize)


def check_memory(sizes: Sequence[int], num_cases: int, options: Options, backend: Backend) -> None:
    """Refuse a run that needs more memory than is free.

    Raises
    ------
    OptionError
    """
    free = backend.free_memory()
    need = bytes_needed(sizes, num_cases, options, backend.dtype.itemsize)
    if free is not None and need > free:
        raise OptionError(
            "num_chunks",
            expected=f"a run that fits the {free / 1e9:.3g} GB of memory that are free",
            got=f"one that needs about {need / 1e9:.3g} GB",
            advice="More {num_chunks} take less, as do smaller {hidden_sizes} and fewer {max_cg_steps}.",
        )
