"""rnn_train: a recurrent net in the manner of MATLAB's trainer, with its argument names where they apply."""
# The arguments have MATLAB's names.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hf_matlab_compat.errors import OptionError, quoted, speaking
from hf_matlab_compat.legacy.arguments import SPOKEN, is_empty, rounded_up, scalar, to_field_terms
from hf_matlab_compat.legacy.entry_points import TrainedParameters
from hf_matlab_compat.matlab.vocabulary import CONSTANTS, TO_MATLAB, TOOLBOX
from hf_matlab_compat.preflight.keywords import instead
from hf_matlab_compat.rnn import recurrent
from hf_matlab_compat.rnn.problem import SequenceProblem
from hf_matlab_compat.subject import OF_A_NETWORK
from hf_matlab_compat.training import train

_SPOKEN: Mapping[str, str] = {
    **SPOKEN,
    "loss_weights": "loss_mask",
    "structural_damping": "mu",
    "test_problem": "intest",
}
_OF_TEST = {"inputs": "intest", "targets": "outtest", "lengths": "lengths_test", "loss_weights": "loss_mask_test"}
_OF_NET = ("inputs", "targets", "hidden_sizes", "unit_types", "num_chunks", "curvature", "curvature_cases", "loss")
_OF_NET += ("error_measure", "weight_decay")
_MORE = tuple(
    theirs
    for theirs, ours in CONSTANTS.items()
    if (ours not in OF_A_NETWORK or ours == "seed") and theirs not in ("faithful", *TOOLBOX)
)
"""Constants of the MATLAB file that mean something here."""


def rnn_train(
    *,
    indata: Any,
    outdata: Any,
    layersizes: Any,
    layertypes: Any,
    lengths: Any = None,
    loss_mask: Any = None,
    intest: Any = None,
    outtest: Any = None,
    lengths_test: Any = None,
    loss_mask_test: Any = None,
    runName: str = "",
    runDesc: str = "",
    paramsp: Any = None,
    resumeFile: Any = None,
    maxepoch: int = 100,
    numchunks: int = 1,
    mattype: str = "gn",
    rms: int = 0,
    errtype: str = "L2",
    hybridmode: int = 1,
    weightcost: float = 0.0,
    mask_biases: int = 0,
    decay: float = 0.95,
    mu: float = 0.0,
    initlambda: float = 0.1,
    precon_exponent: float | None = None,
    initial_state: str = "learned",
    per: str = "step",
    display: str = "legacy",
    **constants: Any,
) -> TrainedParameters:
    """Train a recurrent net by Hessian-free optimisation, with MATLAB's names, words, screen and files.

    None, ``[]`` and empty arrays all mean MATLAB's ``[]``. `recurrent` and `train` do the work.

    Parameters
    ----------
    indata, outdata : D×T×N and O×T×N arrays, or cells of N matrices D×T_n and O×T_n
        Sequences: features × time × sequences, as MATLAB holds them. `outdata` O×N: targets of the last steps.
    layersizes, layertypes
        As in `nnet_train_2`: hidden layers only; 'tanh', 'logistic', … of the hidden layers and the output.
    lengths, loss_mask : N numbers, T×N array, or []
        Steps of each sequence; weight of the loss of each step.
    intest, outtest, lengths_test, loss_mask_test
        Held-out sequences, only evaluated; ``[]`` for none.
    runName, runDesc, paramsp, resumeFile, maxepoch, numchunks, mattype, rms, errtype, hybridmode, weightcost, decay
        As in `nnet_train_2`. `paramsp` is [vec W_hx; vec W_hh; b_h; h_0] of each hidden layer, then [vec W_oh; b_o].
    mask_biases : {0, 1}
        1: the weight cost does not apply to biases and initial states.
    mu : float
        Strength of structural damping as a share of λ; 0 for none.
    initlambda, precon_exponent
        λ of the first epoch, and the exponent of the preconditioner; ``[]`` for none.
    initial_state : {'learned', 'bias', 'zero'}
        The start of a sequence; see `recurrent`.
    per : {'step', 'sequence'}
        What figures are means of.
    display : {'legacy', 'rich', 'none'}
        MATLAB's lines, a live view, or nothing.
    **constants
        Constants of the MATLAB file by name: ``maxiters``, ``drop``, ``tolerance``, ``precision``, ``seed``, ….

    Returns
    -------
    paramsp : (P, 1) float64 array
        Its attribute ``outcome`` says why the run ended, and ``interrupted`` whether Ctrl-C was pressed.

    Raises
    ------
    OptionError
        An argument is unknown, or has a wrong value.
    DataError
        The sequences do not fit.
    CheckpointError, NonFiniteError
        As `train`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).random((2, 9, 30))
    >>> T = X.sum(axis=(0, 1), keepdims=True)[0]
    >>> arguments = {"layersizes": [6], "layertypes": ["tanh", "linear"], "maxepoch": 2, "display": "none"}
    >>> rnn_train(indata=X, outdata=T, mu=0.03, seed=1, **arguments).shape
    (73, 1)
    """
    for name in constants:
        if name not in _MORE:
            advice = instead(name, _KNOWN, {our: each for our, each in _THEIRS.items() if each in _KNOWN})
            raise OptionError(name, expected="an argument of rnn_train", got="an unknown name", advice=advice)
    of_net = {"indata": indata, "outdata": outdata, "layersizes": layersizes, "layertypes": layertypes}
    of_net |= {"numchunks": numchunks, "mattype": mattype, "rms": rms, "errtype": errtype, "hybridmode": hybridmode}
    of_run = {"runName": runName, "runDesc": runDesc, "paramsp": paramsp, "resumeFile": resumeFile}
    of_run |= {"maxepoch": maxepoch, "decay": decay, "initlambda": initlambda, **constants}
    for bound in {"maxiters", "miniters"} & of_run.keys():
        of_run[bound] = rounded_up(of_run[bound])
    with speaking(_SPOKEN):
        terms = to_field_terms({**of_net, **of_run, "weightcost": weightcost})
        terms["preconditioner_exponent"] = None if is_empty(precon_exponent) else scalar(precon_exponent)
        terms.pop("num_test_chunks", None)
        problem = recurrent(
            lengths=_or_none(lengths),
            loss_weights=_or_none(loss_mask),
            decay_biases=not _switch("mask_biases", mask_biases),
            initial_state=scalar(initial_state),
            per=scalar(per),
            **{name: terms.pop(name) for name in _OF_NET},
        )
    held_out = {"intest": intest, "outtest": outtest, "lengths_test": lengths_test, "loss_mask_test": loss_mask_test}
    with speaking(_OF_TEST):
        terms["test_problem"] = _test_problem(problem, {name: _or_none(value) for name, value in held_out.items()})
    with speaking(_SPOKEN):
        result = train(problem=problem, structural_damping=scalar(mu), display=scalar(display), **terms)
    theta = result.theta.reshape(-1, 1).view(TrainedParameters)
    theta.outcome, theta.interrupted = result.outcome, result.interrupted
    return theta


_KNOWN = (*_MORE, *(name for name in rnn_train.__annotations__ if name not in ("return", "constants")))
_THEIRS: Mapping[str, str] = {**TO_MATLAB, **_SPOKEN}


def _test_problem(problem: SequenceProblem, held_out: Mapping[str, Any]) -> SequenceProblem | None:
    given = [name for name, value in held_out.items() if value is not None]
    for name in ("intest", "outtest") if given else ():
        if name not in given:
            raise OptionError(name, expected=f"held-out sequences, as {given[0]} is given", got="none")
    return problem.on(*held_out.values()) if given else None


def _switch(name: str, value: Any) -> bool:
    number = scalar(value)
    if isinstance(number, str) or number not in (0, 1):
        raise OptionError(name, expected="0 or 1", got=quoted(value))
    return bool(number)


def _or_none(value: Any) -> Any:
    """Return the value, with None for MATLAB's ``[]``."""
    return None if is_empty(value) else value
