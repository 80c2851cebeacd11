"""Recorded recurrent nets as this package sees them: our net, data and parameters, and conversions of two programs'."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from hf_matlab_compat.backends import Backend, get_backend
from hf_matlab_compat.rnn.network import RecurrentNetwork, build_recurrent
from hf_matlab_compat.rnn.sequences import SequenceData
from hf_matlab_compat.rnn.workspace import Workspace

GOLDENS = Path(__file__).parents[1] / "goldens" / "rnn"
ORACLES = tuple(sorted(path.stem for path in GOLDENS.glob("own_rnn_*.mat")))
DPFAU = tuple(sorted(path.stem for path in GOLDENS.glob("dpfau_products_*.mat")))
RELEASE_A = tuple(sorted(path.stem for path in GOLDENS.glob("releaseA_rnn_*.mat")))
STARTS = {"h0": "learned", "bias": "bias", "zero": "zero"}


def load(name: str) -> dict[str, Any]:
    return loadmat(GOLDENS / f"{name}.mat", mat_dtype=True)


def apart(ours: Any, theirs: Any) -> float:
    """The largest difference, in units of the largest recorded number."""
    ours, theirs = np.ravel(ours), np.ravel(theirs)
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


@dataclass
class Kernels:
    """Sums over sequences at θ, and products with v: what a model offers of one block, in plain arrays."""

    net: RecurrentNetwork
    data: SequenceData
    theta: NDArray[Any]
    backend: Backend = field(default_factory=lambda: get_backend("numpy", "double"))

    def __post_init__(self) -> None:
        (block,) = self.data.blocks(0, 1)
        self.at = self.net.at(self.backend.asarray(self.theta), block, Workspace(self.backend))
        self.workspace = Workspace(self.backend)

    @property
    def loss(self) -> float:
        return -self.at.log_likelihood

    def grad(self) -> NDArray[Any]:
        out = self._zero()
        self.at.add_gradient(out, self.workspace)
        return -self.backend.to_host(out)

    def squares(self) -> NDArray[Any]:
        out, squares = self._zero(), self._zero()
        self.at.add_gradient_and_squares(out, squares, self.workspace)
        assert (-self.backend.to_host(out) == self.grad()).all()
        return self.backend.to_host(squares)

    def product(self, v: NDArray[Any], structural: float = 0.0) -> NDArray[Any]:
        out = self._zero()
        self.at.add_product(self.backend.asarray(v), out, structural, self.workspace)
        return self.backend.to_host(out)

    def _zero(self) -> Any:
        return self.backend.xp.zeros(self.net.num_parameters, dtype=self.backend.dtype)


def oracle(name: str, garbage: float = 0.0, **settings: Any) -> tuple[Kernels, dict[str, NDArray[Any]], NDArray[Any]]:
    """Our kernels on the dense oracle's case, its numbers at the parameters that the case has, and the probe v."""
    m = load(name)
    active = m["active"].ravel() > 0
    units = [str(m["hidden"][0]), str(m["output"][0])]
    start = STARTS[str(m["initial_state"][0])]
    net = build_recurrent([3, 5, 3], units, "matching", "squared", initial_state=start, **settings)
    lengths = m["lengths"].ravel().astype(int)
    X = np.where(m["exists_mask"][None] > 0, m["X"], garbage)
    Y = np.where(m["exists_mask"][None] > 0, m["Y"], garbage)
    kernels = Kernels(net, SequenceData(X, Y, lengths, m["loss_mask"]), m["theta"].ravel()[active])
    numbers = {key: m[key].ravel()[active] for key in ("grad", "Gv", "Hv", "Sv", "Sv_squared", "grad2")}
    numbers |= {key: m[key][np.ix_(active, active)] for key in ("G", "S")}
    return kernels, {**numbers, "loss": m["loss"]}, m["v"].ravel()[active]


def from_dpfau(packed: NDArray[Any], D: int, H: int, K: int) -> NDArray[Any]:
    """[h_0; W_hh; W_hx; W_yh; b_h; b_y] in our order: [W_hx; W_hh; b_h; h_0; W_oh; b_o]."""
    h_0, W_hh, W_hx, W_oh, b_h, b_o = np.split(packed.ravel(), np.cumsum([H, H * H, H * D, K * H, H]))
    return np.concatenate([W_hx, W_hh, b_h, h_0, W_oh, b_o])


def from_release_a(packed: NDArray[Any], D: int, H: int, K: int) -> NDArray[Any]:
    """[h_init; W_hh; W_vh; W_ho], raveled by rows for vectors on the left, in our order without biases."""
    h_0, W_hh, W_hx, W_oh = np.split(packed.ravel(), np.cumsum([H, H * H, D * H]))
    assert W_oh.size == H * K
    return np.concatenate([W_hx, W_hh, h_0, W_oh])
