"""The routines inside `nnet_train_2`, under the names their users know.

MATLAB's are nested functions that see the trainer's variables; here those are keywords, `Setting`'s fields. Shapes
are MATLAB's: parameters and products (P, 1), cases in columns, chunks counted from 1. Log-likelihoods ascend and
curvature products come out negative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.backend import Backend, get_backend
from hf_matlab_compat.errors import DataError, OptionError, speaking
from hf_matlab_compat.legacy.arguments import SPOKEN, to_field_terms
from hf_matlab_compat.legacy.packing import full_sizes
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.model.packing import num_parameters
from hf_matlab_compat.model.passes import forward
from hf_matlab_compat.objective.cases import Cases
from hf_matlab_compat.objective.problem import FeedforwardProblem, Gradient
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.arrays import real_array, real_matrix
from hf_matlab_compat.preflight.layout import check_layout
from hf_matlab_compat.solvers.conjgrad import conjgrad

Column = NDArray[Any]
"""A (P, 1) array in working precision."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What MATLAB's nested routines see of the trainer: pass these as keywords to the routines below.

    Attributes
    ----------
    layersizes : sequence of int
        Hidden layers only, as for `nnet_train_2`; all layers, input and output included, are understood too.
    layertypes : list of str
    mattype, rms, errtype, hybridmode, weightcost
        As for `nnet_train_2`.
    maskp : (P, 1) array or None
        1 where the weight cost applies; None for everywhere.
    precision : {'single', 'double'}
    faithful : bool
        As for `nnet_train`.
    """

    layersizes: Any
    layertypes: Any
    mattype: str = "gn"
    rms: int = 0
    errtype: str = "L2"
    hybridmode: int = 1
    weightcost: float = 0.0
    maskp: Any = None
    precision: str = "single"
    faithful: bool = True


class GradientPass(NamedTuple):
    """What `computeGradient` returns; (P, 1) arrays and a scalar."""

    grad: Column
    grad2: Column
    gradchunk: Column
    grad2chunk: Column
    ll: float


def computeLL(params: Any, in_: Any, out: Any, nchunks: int, tchunk: int | None = None, **setting: Any) -> Any:
    """Log-likelihood and error, weight cost included.

    Parameters
    ----------
    params : (P, 1) array
    in_, out : (s_0, N), (s_L, N) arrays
    nchunks : int
    tchunk : int, optional
        One chunk, counted from 1; both figures are then means over its cases.
    **setting
        Fields of `Setting`: at least ``layersizes`` and ``layertypes``.

    Returns
    -------
    ll, err : float

    Raises
    ------
    OptionError, DataError
    """
    with speaking(_NAMES):
        problem, theta = _problem(params, in_, out, nchunks, setting)
        score = problem.likelihood(theta, _chunk(tchunk, nchunks))
    return score.log_likelihood, score.error


def computePred(params: Any, in_: Any, **setting: Any) -> NDArray[Any]:
    """Outputs of the network, (s_L, N); arguments as `computeLL`."""
    with speaking(_NAMES):
        known = _setting(setting)
        inputs = real_matrix("inputs", in_)
        theta = real_array("initial_theta", params).ravel()
        sizes = full_sizes(known.layersizes, known.layertypes, inputs.shape[0], psize=theta.size)
        options, units = _checked(known, 1)
        backend = get_backend("numpy", known.precision)
        network = build_network(sizes, units, options.loss, options.error_measure)
        _require_psize(theta, sizes)
        with backend.quiet():
            return forward(network, network.layers(backend.asarray(theta)), backend.asarray(inputs), np).y[-1]


def computeGradient(
    params: Any, in_: Any, out: Any, nchunks: int, targetchunk: int = 1, **setting: Any
) -> GradientPass:
    """Gradient pass over all chunks; arguments as `computeLL`.

    Returns
    -------
    GradientPass
        grad, gradchunk with weight cost; grad2, grad2chunk without; ll over all cases.
    """
    with speaking(_NAMES):
        problem, theta = _problem(params, in_, out, nchunks, setting)
        g = problem.gradient(theta, _target(targetchunk, nchunks))
    columns = (_column(part) for part in (g.full, g.full_squared, g.chunk, g.chunk_squared))
    grad, grad2, gradchunk, grad2chunk = columns
    return GradientPass(grad, grad2, gradchunk, grad2chunk, float(g.log_likelihood))


def computeGV(V: Any, params: Any, in_: Any, out: Any, nchunks: int, targetchunk: int = 1, **setting: Any) -> Column:
    """Gauss-Newton product, weight cost included, negative; ``lambda_`` adds damping.

    Parameters
    ----------
    V : (P, 1) array
    params, in_, out, nchunks
        As `computeLL`.
    targetchunk : int
        The chunk on which products are formed with hybridmode = 1, counted from 1.
    **setting
        Fields of `Setting`, and ``lambda_`` (default 0).

    Returns
    -------
    (P, 1) array
    """
    return _product(V, params, (in_, out, nchunks, targetchunk), setting, "gn")


def computeHV(V: Any, params: Any, in_: Any, out: Any, nchunks: int, targetchunk: int = 1, **setting: Any) -> Column:
    """Hessian product; as `computeGV`."""
    return _product(V, params, (in_, out, nchunks, targetchunk), setting, "hess")


def computeFV(V: Any, params: Any, in_: Any, out: Any, nchunks: int, targetchunk: int = 1, **setting: Any) -> Column:
    """Empirical Fisher product; as `computeGV`."""
    return _product(V, params, (in_, out, nchunks, targetchunk), setting, "empfish")


def conjgrad_1(
    Afunc: Callable[[Column], Column], b: Any, x0: Any, maxiters: float, miniters: float, Mdiag: Any, **options: Any
) -> tuple[list[Column], list[int]]:
    """Preconditioned conjugate gradients that record iterates on the way.

    Parameters
    ----------
    Afunc : callable
        v → A v, both (P, 1); symmetric positive definite.
    b, x0, Mdiag : (P, 1) arrays
        Right-hand side, start, diagonal of the preconditioner ([] for none).
    maxiters, miniters : float
        Bounds on steps, rounded up.
    **options
        `Options` fields on conjugate gradients.

    Returns
    -------
    xs : list of (P, 1) arrays
        Recorded iterates.
    is : list of int
        Their steps.
    """
    limits = {"max_cg_steps": int(np.ceil(maxiters)), "min_cg_steps": int(np.ceil(miniters))}
    start = np.asarray(x0)
    M = None if Mdiag is None or np.size(Mdiag) == 0 else np.asarray(Mdiag).ravel()
    path = conjgrad(
        lambda v: np.asarray(Afunc(v.reshape(-1, 1))).ravel(),
        np.asarray(b).ravel(),
        start.ravel(),
        M,
        Options.from_keywords(**limits, **options),
    )
    return [_column(x) for x in path.iterates], path.steps


_NAMES = {
    **SPOKEN,
    "initial_theta": "params",
    "inputs": "in_",
    "targets": "out",
    "num_chunks": "nchunks",
}


def _product(V: Any, params: Any, data: tuple[Any, Any, int, int], setting: dict[str, Any], mattype: str) -> Column:
    in_, out, nchunks, targetchunk = data
    lam = float(setting.pop("lambda_", 0.0))
    with speaking(_NAMES):
        problem, theta = _problem(params, in_, out, nchunks, {**setting, "mattype": mattype})
        v = problem.backend.asarray(real_array("V", V).ravel())
        if v.size != theta.size:
            raise DataError("V", expected=f"{theta.size} numbers, as {{initial_theta}} has", got=v.size)
        chunk = _target(targetchunk, nchunks)
        needs_gradient = mattype == "empfish"
        gradient = problem.gradient(theta, chunk) if needs_gradient else _NO_GRADIENT
        product = problem.curvature_at(theta, chunk, gradient)(v)
    return _column(-(product + lam * v))


_NO_GRADIENT = Gradient(None, None, None, None, None)


def _problem(params: Any, in_: Any, out: Any, nchunks: int, setting: dict[str, Any]) -> tuple[FeedforwardProblem, Any]:
    known = _setting(setting)
    options, units = _checked(known, nchunks)
    inputs, targets = real_matrix("inputs", in_), real_matrix("targets", out)
    if inputs.shape[1] != targets.shape[1] or inputs.shape[1] % options.num_chunks:
        raise DataError(
            "targets",
            expected=f"as many cases (columns) as {{inputs}}, a multiple of {{num_chunks}} = {options.num_chunks}",
            got=f"{targets.shape[1]} beside {inputs.shape[1]}",
        )
    sizes = full_sizes(known.layersizes, known.layertypes, inputs.shape[0], outputs=targets.shape[0])
    theta = real_array("initial_theta", params).ravel()
    _require_psize(theta, sizes)
    backend = get_backend("numpy", known.precision)
    problem = FeedforwardProblem(
        network=build_network(sizes, units, options.loss, options.error_measure),
        cases=Cases(backend.asarray(inputs, order="F"), backend.asarray(targets, order="F"), options.num_chunks),
        backend=backend,
        weight_decay=options.weight_decay,
        mask=_mask(known.maskp, theta.size, backend),
        curvature=options.curvature,
        curvature_cases=options.curvature_cases,
        faithful=options.faithful,
    )
    return problem, backend.asarray(theta)


def _setting(given: dict[str, Any]) -> Setting:
    try:
        return Setting(**given)
    except TypeError as error:
        known = ", ".join(Setting.__dataclass_fields__)
        raise OptionError("setting", expected=f"keywords among {known}", got=str(error).split(") ", 1)[-1]) from None


def _checked(setting: Setting, nchunks: int) -> tuple[Options, list[str]]:
    words = ("mattype", "rms", "errtype", "hybridmode", "weightcost", "precision", "faithful")
    terms = to_field_terms({name: getattr(setting, name) for name in words} | {"layertypes": setting.layertypes})
    units = terms.pop("unit_types")
    terms.pop("num_test_chunks", None)
    options = Options(num_chunks=nchunks, **terms)
    hidden = [1] * (len(units) - 1)
    return options, check_layout(hidden, units, options)[1]


def _require_psize(theta: NDArray[Any], sizes: list[int]) -> None:
    if theta.size != num_parameters(sizes):
        raise DataError(
            "initial_theta",
            expected=f"{num_parameters(sizes)} numbers, as the layers {' '.join(map(str, sizes))} have",
            got=theta.size,
        )


def _mask(maskp: Any, psize: int, backend: Backend) -> Any:
    if maskp is None:
        return None
    mask = real_array("maskp", maskp).ravel()
    if mask.size != psize:
        raise DataError("maskp", expected=f"{psize} numbers", got=mask.size)
    return backend.asarray(mask)


def _chunk(tchunk: int | None, nchunks: int) -> int | None:
    return None if tchunk is None else _target(tchunk, nchunks)


def _target(chunk: int, nchunks: int) -> int:
    if not 1 <= chunk <= nchunks:
        raise OptionError("tchunk", expected=f"a chunk from 1 to {nchunks}", got=chunk)
    return int(chunk) - 1


def _column(vector: Any) -> Column:
    return np.asarray(vector).reshape(-1, 1)
