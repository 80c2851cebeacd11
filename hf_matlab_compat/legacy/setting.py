"""The trainer's variables that its nested routines see, as keywords, and the problem of these routines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from hf_matlab_compat.backends.backend import Backend, get_backend
from hf_matlab_compat.errors import DataError, OptionError
from hf_matlab_compat.legacy.arguments import SPOKEN, refuse_new_units, to_field_terms
from hf_matlab_compat.legacy.packing import full_sizes
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.model.packing import num_parameters
from hf_matlab_compat.objective.feedforward import FeedforwardProblem, feedforward_problem
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.arrays import real_array
from hf_matlab_compat.preflight.data import check_training_data
from hf_matlab_compat.preflight.layout import check_layout
from hf_matlab_compat.preflight.orientation import Clues, clues_of

NAMES = {
    **SPOKEN,
    "initial_theta": "params",
    "inputs": "in_",
    "targets": "out",
    "num_chunks": "nchunks",
    "initial_lam": "lambda_",
    "trim_cases": "nnet_train's trim_cases",
}
"""Names of the routines' arguments in messages."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The trainer's variables that MATLAB's nested routines see; give them to the routines as keywords.

    Attributes
    ----------
    layersizes : sequence of int
        Hidden layers only, as for `nnet_train_2`; or all layers, input and output included.
    layertypes : list of str
    mattype, rms, errtype, hybridmode, weightcost
        As for `nnet_train_2`, with the defaults of `nnet_train`, so that likelihoods are those of its log.
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
    weightcost: float = Options.weight_decay
    maskp: Any = None
    precision: str = Options.precision
    faithful: bool = Options.faithful


def problem_of(
    params: Any, in_: Any, out: Any, nchunks: int, setting: dict[str, Any], *, of_product: bool = False
) -> tuple[FeedforwardProblem, Any]:
    """Return the problem of a routine, and its parameters on the backend.

    The arguments are those of `routines.computeLL`, and `setting` the fields of `Setting`. `of_product` says that
    curvature products are needed; MATLAB lacks the formulas of some.
    """
    known = setting_of(setting)
    options, hidden, units = checked(known, nchunks, of_product=of_product)
    data = check_training_data(
        in_, out, "", options, _clues(hidden, units, params)
    )  # any targets are allowed, since nothing is trained here
    sizes = full_sizes(hidden, units, data.inputs.shape[0], outputs=data.targets.shape[0])
    theta = real_array("initial_theta", params, known.precision).ravel()
    require_psize(theta, sizes)
    backend = get_backend("numpy", known.precision)
    network = build_network(sizes, units, options.loss, options.error_measure)
    mask = _mask(known.maskp, theta.size, backend)
    problem = feedforward_problem(network, data, options, backend, mask=mask)
    return problem, backend.asarray(theta)


def setting_of(given: dict[str, Any]) -> Setting:
    """Return keywords of a routine as a `Setting`.

    Raises
    ------
    OptionError
        A keyword is unknown.
    """
    try:
        return Setting(**given)
    except TypeError as error:
        known = ", ".join(Setting.__dataclass_fields__)
        trouble = str(error).split("() ", 1)[-1].removeprefix("got ")
        raise OptionError("setting", expected=f"keywords among {known}", got=trouble) from None


def checked(setting: Setting, nchunks: int, *, of_product: bool = False) -> tuple[Options, list[int], list[str]]:
    """Return options, sizes (of the hidden layers or of all, as given) and kinds of units."""
    words = ("layersizes", "layertypes", "mattype", "rms", "errtype", "hybridmode", "weightcost", "precision")
    terms = to_field_terms({name: getattr(setting, name) for name in words} | {"numchunks": nchunks})
    sizes, units = terms.pop("hidden_sizes"), terms.pop("unit_types")
    terms.pop("num_test_chunks")
    refuse_new_units(units, setting.faithful)
    options = Options(faithful=setting.faithful, **terms)
    all_given = len(sizes) == len(units) + 1
    judged = options if of_product else replace(options, faithful=False)  # MATLAB refuses products only
    hidden, units = check_layout(sizes[1:-1] if all_given else sizes, units, judged)
    return options, [int(size) for size in sizes] if all_given else hidden, units


def require_psize(theta: NDArray[Any], sizes: list[int]) -> None:
    """Refuse parameters of another network.

    Raises
    ------
    DataError
        Their number does not fit the layers.
    """
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


def _clues(sizes: list[int], units: list[str], params: Any) -> Clues:
    hidden = sizes[1:-1] if len(sizes) == len(units) + 1 else sizes
    return clues_of(hidden, params, None, None)
