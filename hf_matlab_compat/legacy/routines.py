"""The routines inside `nnet_train_2`, under their MATLAB names.

MATLAB's are nested functions that see the trainer's variables; here those are keywords, the fields of
`setting.Setting`. Shapes are MATLAB's: parameters and products (P, 1), cases in columns, chunks counted from 1.
Log-likelihoods are to be maximised, so curvature products are negative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.backend import get_backend
from hf_matlab_compat.errors import DataError, OptionError, quoted, speaking
from hf_matlab_compat.legacy.arguments import SPOKEN, is_empty, rounded_up, scalar
from hf_matlab_compat.legacy.packing import full_sizes
from hf_matlab_compat.legacy.setting import NAMES, checked, problem_of, require_psize, setting_of
from hf_matlab_compat.matlab.vocabulary import TO_FIELD_TERMS
from hf_matlab_compat.model.activations import activations
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.arrays import real_array, real_matrix
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.registry import conjugate_gradients
from hf_matlab_compat.solvers.conjgrad import conjgrad

Column = NDArray[Any]
"""A (P, 1) array in working precision."""


class GradientPass(NamedTuple):
    """The result of `computeGradient`: (P, 1) arrays and a scalar."""

    grad: Column
    grad2: Column
    gradchunk: Column
    grad2chunk: Column
    ll: float


def computeLL(params: Any, in_: Any, out: Any, nchunks: int, tchunk: int | None = None, **setting: Any) -> Any:
    """Compute mean log-likelihood, minus the weight cost, and mean error.

    Parameters
    ----------
    params : (P, 1) array
        Packed parameters.
    in_ : (s_0, N) array
        Inputs.
    out : (s_L, N) array
        Targets.
    nchunks : int
        Number of chunks.
    tchunk : int, optional
        One chunk, counted from 1; both figures are then means over its cases. None or ``[]``: all cases.
    **setting
        Fields of `Setting`: at least ``layersizes`` and ``layertypes``.

    Returns
    -------
    ll, err : float

    Raises
    ------
    OptionError, DataError
        An argument does not fit.
    """
    with speaking(NAMES):
        problem, theta = problem_of(params, in_, out, nchunks, setting)
        chunk = None if is_empty(tchunk) else _target("tchunk", tchunk, nchunks)
        score = problem.score(theta, Cases(chunk))
    return score.log_likelihood, score.error


def computePred(params: Any, in_: Any, **setting: Any) -> NDArray[Any]:
    """Compute the outputs of the network, (s_L, N); the arguments are those of `computeLL`."""
    with speaking(NAMES):
        known = setting_of({**setting, "rms": 1})  # no loss is computed, so every output unit is allowed
        inputs = real_matrix("inputs", in_, known.precision)
        theta = real_array("initial_theta", params, known.precision).ravel()
        options, hidden, units = checked(known, 1)
        sizes = full_sizes(hidden, units, inputs.shape[0], psize=theta.size, turned=inputs.shape[1])
        backend = get_backend("numpy", known.precision)
        network = build_network(sizes, units, options.loss, options.error_measure)
        require_psize(theta, sizes)
        with backend.quiet():
            return activations(network, network.layers(backend.asarray(theta)), backend.asarray(inputs), np).y[-1]


def computeGradient(
    params: Any, in_: Any, out: Any, nchunks: int, targetchunk: int = 1, **setting: Any
) -> GradientPass:
    """Run the gradient pass over all chunks; the arguments are those of `computeLL`.

    Returns
    -------
    GradientPass
        grad, gradchunk with weight cost; grad2, grad2chunk without; ll over all cases.
    """
    with speaking(NAMES):
        problem, theta = problem_of(params, in_, out, nchunks, setting)
        g = problem.gradient(theta, Cases(_target("targetchunk", targetchunk, nchunks)))
    columns = (_column(part) for part in (g.full, g.full_squared, g.chunk, g.chunk_squared))
    grad, grad2, gradchunk, grad2chunk = columns
    return GradientPass(grad, grad2, gradchunk, grad2chunk, float(g.log_likelihood))


def computeGV(V: Any, params: Any, in_: Any, out: Any, nchunks: int, targetchunk: int = 1, **setting: Any) -> Column:
    """Compute a Gauss-Newton product, weight cost included, negative; ``lambda_`` adds damping.

    Parameters
    ----------
    V : (P, 1) array
        The direction.
    params, in_, out, nchunks
        As for `computeLL`.
    targetchunk : int
        The chunk of the product if hybridmode = 1, counted from 1.
    **setting
        Fields of `Setting`, and ``lambda_`` (default 0).

    Returns
    -------
    (P, 1) array
    """
    return _product(V, params, (in_, out, nchunks, targetchunk), setting, "gn")


def computeHV(V: Any, params: Any, in_: Any, out: Any, nchunks: int, targetchunk: int = 1, **setting: Any) -> Column:
    """Compute a Hessian product; as `computeGV`."""
    return _product(V, params, (in_, out, nchunks, targetchunk), setting, "hess")


def computeFV(V: Any, params: Any, in_: Any, out: Any, nchunks: int, targetchunk: int = 1, **setting: Any) -> Column:
    """Compute an empirical Fisher product; as `computeGV`."""
    return _product(V, params, (in_, out, nchunks, targetchunk), setting, "empfish")


def conjgrad_1(
    Afunc: Callable[[Column], Column], b: Any, x0: Any, maxiters: float, miniters: float, Mdiag: Any, **options: Any
) -> tuple[list[Column], list[int]]:
    """Run preconditioned conjugate gradients that record iterates on a grid of steps.

    Parameters
    ----------
    Afunc : callable
        v → A v, both (P, 1); symmetric positive definite.
    b : (P, 1) array
        Right-hand side.
    x0 : (P, 1) array
        Start.
    maxiters : float
        Largest number of steps, rounded up.
    miniters : float
        First step at which convergence is tested, rounded up.
    Mdiag : (P, 1) array
        Diagonal of the preconditioner; [] for none.
    **options
        Of `nnet_train`: tolerance, gapratio, mingap, inext, imult, faithful.

    Returns
    -------
    xs : list of (P, 1) arrays
        Recorded iterates.
    is : list of int
        Their steps.

    Raises
    ------
    OptionError, DataError
        An argument does not fit.
    """
    limits = {"maxiters": rounded_up(maxiters), "miniters": rounded_up(miniters)}
    given = {TO_FIELD_TERMS.get(name, name): value for name, value in {**limits, **options}.items()}
    with speaking(SPOKEN):
        settings = conjugate_gradients(Options.from_keywords(**given), get_backend())
        right = _vector("b", b)
        start = _vector("x0", x0, right.size)
        M = None if is_empty(Mdiag) else _vector("Mdiag", Mdiag, right.size)
        path = conjgrad(lambda v: _vector("Afunc", Afunc(v.reshape(-1, 1)), right.size), right, start, M, settings)
    return [_column(x) for x in path.iterates], path.steps


def _vector(name: str, values: Any, size: int | None = None) -> NDArray[Any]:
    # return numbers as a vector of floats; a product may be NaN or infinite, which CG itself detects
    array = np.asarray(values) if name == "Afunc" else real_array(name, values)
    if size is not None and array.size != size:
        raise DataError(name, expected=f"{size} numbers, as b has", got=array.size)
    return array.ravel() if array.dtype.kind == "f" else array.ravel().astype(float)


def _product(V: Any, params: Any, data: tuple[Any, Any, int, int], setting: dict[str, Any], mattype: str) -> Column:
    in_, out, nchunks, targetchunk = data
    lam = setting.pop("lambda_", 0.0)
    with speaking(NAMES):
        lam = Options(initial_lam=scalar(lam), damping=False).initial_lam
        problem, theta = problem_of(params, in_, out, nchunks, {**setting, "mattype": mattype}, of_product=True)
        v = problem.backend.asarray(real_array("V", V).ravel())
        if v.size != theta.size:
            raise DataError("V", expected=f"{theta.size} numbers, as {{initial_theta}} has", got=v.size)
        on = Cases(_target("targetchunk", targetchunk, nchunks))
        gradient = problem.gradient(theta, on) if mattype == "empfish" else None
        product = problem.curvature(theta, on, gradient)(v)
    return _column(-(product + lam * v))


def _target(name: str, chunk: Any, nchunks: Any) -> int:
    given, most = scalar(chunk), int(scalar(nchunks))
    if isinstance(given, bool) or not isinstance(given, int | float) or given not in range(1, most + 1):
        raise OptionError(name, expected=f"a chunk from 1 to {most}", got=quoted(given))
    return int(given) - 1


def _column(vector: Any) -> Column:
    return np.asarray(vector).reshape(-1, 1)
