"""Checkpoints to test with: states, and files in the formats of MATLAB and Octave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from hf_matlab_compat.matlab.files.checkpoint_variables import to_variables
from hf_matlab_compat.state import Records, State, hessian_free_state


def make_state(epochs: int = 3, size: int = 7, kind: Any = np.float32, seed: int = 0) -> State:
    draw = np.random.default_rng([seed, epochs])
    return hessian_free_state(
        theta=draw.standard_normal(size).astype(kind),
        d=draw.standard_normal(size).astype(kind),
        lam=45 * (2 / 3) ** epochs,
        epoch=epochs,
        total_cg_steps=13 * epochs,
        records=Records(
            log_likelihood=draw.standard_normal((epochs, 2)),
            error=draw.standard_normal((epochs, 2)),
            lam=draw.random(epochs),
            seconds=draw.random(epochs),
        ),
    )


def assert_same(found: State, expected: State) -> None:
    for name in ("theta", "d"):
        vector, wanted = getattr(found, name), getattr(expected, name)
        np.testing.assert_array_equal(vector, wanted, strict=True)
    assert (found.lam, found.epoch, found.total_cg_steps) == (expected.lam, expected.epoch, expected.total_cg_steps)
    for name in ("log_likelihood", "error", "lam", "seconds"):
        np.testing.assert_array_equal(getattr(found.records, name), getattr(expected.records, name), strict=True)


def save_mat(path: Path, state: State, *, without: str = "", **changes: Any) -> Path:
    """A .mat file of the state, some variables of which are other ones."""
    variables: dict[str, Any] = {**to_variables(state), **changes}
    variables.pop(without, None)
    scipy.io.savemat(path, variables, oned_as="column")
    return path


def save_mat73(path: Path, state: State, **changes: Any) -> Path:
    """The same as MATLAB's -v7.3 writes it: HDF5 behind 512 bytes of its own, dimensions turned round."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in {**to_variables(state), **changes}.items():
            stored = np.array(value.shape, dtype=np.uint64) if value.size == 0 else value.T
            node = file.create_dataset(name, data=stored)
            node.attrs["MATLAB_class"] = np.bytes_("single" if value.dtype == np.float32 else "double")
            if value.size == 0:
                node.attrs["MATLAB_empty"] = np.uint8(1)
    content = bytearray(path.read_bytes())
    content[:128] = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    path.write_bytes(content)
    return path


def rounded(state):
    """The state with vectors in single precision."""
    return state.mapped(lambda vector: vector.astype(np.float32))


def widened(state):
    """The state with vectors in double precision."""
    return state.mapped(lambda vector: vector.astype(np.float64))
