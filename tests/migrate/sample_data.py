"""Small data that the sample scripts load, made on the spot."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from scipy.io import savemat


def make_data(folder: Path) -> None:
    """Write every data file that the scripts name."""
    rng = np.random.default_rng(0)
    curves = rng.random((60, 16))
    savemat(folder / "curves.mat", {"bdata": curves, "bdatatest": rng.random((12, 16))})
    digits = {f"train{k}": rng.integers(0, 256, (20 + k, 9), dtype=np.uint8) for k in range(3)}
    savemat(folder / "digits.mat", digits)
    savemat(folder / "series.mat", {"signal": np.cumsum(rng.standard_normal((57, 1)), axis=0), "rate": 10.0})
    faces = rng.integers(0, 256, (6, 5, 21), dtype=np.uint8)
    savemat(folder / "faces.mat", {"faces": faces, "person": np.repeat(np.arange(1.0, 4.0), 7).reshape(1, -1)})
    _stack(folder, rng)
    _idx(folder, rng)


def _stack(folder: Path, rng: np.random.Generator) -> None:
    sizes = [16, 7, 4, 2]
    cells = {name: np.empty((1, 3), dtype=object) for name in ("enc", "encbias", "decbias")}
    for k, (below, above) in enumerate(itertools.pairwise(sizes)):
        cells["enc"][0, k] = rng.standard_normal((above, below))
        cells["encbias"][0, k] = rng.standard_normal((above, 1))
        cells["decbias"][0, k] = rng.standard_normal((below, 1))
    savemat(folder / "pretrained.mat", cells)


def _idx(folder: Path, rng: np.random.Generator) -> None:
    pictures = rng.integers(0, 256, (16, 4, 3), dtype=np.uint8)
    header = np.array([2051, 16, 4, 3], ">i4").tobytes()
    (folder / "images.idx3-ubyte").write_bytes(header + pictures.tobytes())
    labels = rng.integers(0, 10, 16, dtype=np.uint8)
    (folder / "labels.idx1-ubyte").write_bytes(np.array([2049, 16], ">i4").tobytes() + labels.tobytes())
