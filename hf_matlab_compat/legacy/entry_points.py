"""nnet_train_2 and nnet_train: MATLAB's call, implemented by `train`."""
# The arguments have MATLAB's names, in MATLAB's order.

from __future__ import annotations

from typing import Any

import numpy as np

from hf_matlab_compat.errors import OptionError, quoted, speaking
from hf_matlab_compat.legacy.arguments import (
    SPOKEN,
    SPOKEN_TO_22_ARGUMENTS,
    refuse_new_units,
    rounded_up,
    to_field_terms,
)
from hf_matlab_compat.legacy.calls import by_name, in_any_dialect
from hf_matlab_compat.options import Options
from hf_matlab_compat.state import Outcome
from hf_matlab_compat.training import train


class TrainedParameters(np.ndarray[Any, np.dtype[np.float64]]):
    """The (P, 1) array that MATLAB returns, with attributes that say how the run ended.

    Attributes
    ----------
    outcome : Outcome or None
        As `Result.outcome`; None for an array computed from this one.
    interrupted : bool
        As `Result.interrupted`: in a loop of runs, ``if paramsp.interrupted: break``.
    """

    outcome: Outcome | None = None
    interrupted: bool = False


@in_any_dialect
def nnet_train_2(
    runName: str,
    runDesc: str,
    paramsp: Any,
    Win: Any,
    bin: Any,
    resumeFile: Any,
    maxepoch: int,
    indata: Any,
    outdata: Any,
    numchunks: int,
    intest: Any,
    outtest: Any,
    numchunks_test: int,
    layersizes: Any,
    layertypes: Any,
    mattype: str,
    rms: int,
    errtype: str,
    hybridmode: int,
    weightcost: float,
    decay: float,
    jacket: int | str,
    *,
    seed: Any = None,
    precision: str = "single",
    **toolbox: Any,
) -> TrainedParameters:
    """Train a network with MATLAB's call: the same 22 arguments, files, screen and numbers.

    None, ``[]`` and empty arrays all mean MATLAB's ``[]``. Positional calls of forks with other numbers of arguments
    are recognised (`legacy.dialects`). If their order is known, they are accepted with a `CallWarning`; otherwise they
    are refused.

    Parameters
    ----------
    runName : str
        Stem of ``<runName>.txt``, ``<runName>_nnet_running.mat`` and ``<runName>_nnet_epoch<k>.mat``. Empty:
        no files.
    runDesc : str
        A line for the log.
    paramsp : (P, 1) array or []
        Packed initial parameters.
    Win, bin : lists of arrays or []
        Initial weights (s_i, s_{i-1}) and biases (s_i, 1), used if `paramsp` is empty. If both are empty, a
        sparse random initialisation is drawn.
    resumeFile : str or []
        Checkpoint to continue from.
    maxepoch : int
        Number of the last epoch.
    indata, outdata : (s_0, N) and (s_L, N) arrays
        Training cases in columns, already permuted.
    numchunks : int
        Number of minibatches; must divide N.
    intest, outtest, numchunks_test
        Held-out cases, only evaluated; ``[]`` for none.
    layersizes : sequence of int
        Hidden layers only.
    layertypes : list of str
        'logistic', 'tanh', 'linear', 'softmax', for hidden layers and output.
    mattype : {'gn', 'hess', 'empfish'}
        Curvature.
    rms : {0, 1}
        1: squared error for any output unit.
    errtype : {'L2', 'class', 'none'}
        The reported error; not optimised.
    hybridmode : {0, 1}
        1: curvature products use one chunk per epoch.
    weightcost : float
        Strength of the ℓ² penalty.
    decay : float
        Factor on the last CG iterate, from which the next CG run starts.
    jacket : {0, 1, 'numba'}
        1: run on the GPU, with CuPy. 'numba' (not in MATLAB): on the CPU with compiled passes.
    seed : optional
        Keyword only, not one of the 22: the stream of the sparse random initialisation, in MATLAB a global one.
        ``OctaveStream(1235, 1234)`` or ``MatlabStream(1235, 1234)`` (`matlab.random.streams`) mean
        ``rand('twister', 1235); randn('state', 1234)`` and continue after earlier draws. Other values as in
        `nnet_train`; None takes a new seed in every call.
    precision : {'single', 'double'}
        Keyword only: working precision, as in `nnet_train`. MATLAB's trainer computes in single.
    **toolbox
        By name, as in `nnet_train`: other methods, corruption, early stopping (`matlab.vocabulary.TOOLBOX`).

    Returns
    -------
    paramsp : (P, 1) float64 array
        After Ctrl-C, the parameters of the last finished epoch. Its attribute ``outcome`` says why the run ended, and
        ``interrupted`` whether Ctrl-C was pressed, so that a loop of runs can stop.

    Raises
    ------
    OptionError, DataError
        An argument does not fit; nothing was written.
    CheckpointError, NonFiniteError
        As `train`.

    See Also
    --------
    nnet_train : the same, with defaults, and the constants inside the file as keywords.
    """
    arguments = {**locals(), **toolbox}
    del arguments["toolbox"]
    with speaking(SPOKEN_TO_22_ARGUMENTS):
        return nnet_train(**arguments)


@by_name
def nnet_train(
    *,
    indata: Any,
    outdata: Any,
    layersizes: Any,
    layertypes: Any,
    runName: str = "",
    runDesc: str = "",
    paramsp: Any = None,
    Win: Any = None,
    bin: Any = None,
    resumeFile: Any = None,
    maxepoch: int = Options.max_epochs,
    numchunks: int = Options.num_chunks,
    intest: Any = None,
    outtest: Any = None,
    numchunks_test: int = Options.num_test_chunks,
    mattype: str = "gn",
    rms: int = 0,
    errtype: str = "L2",
    hybridmode: int = 1,
    weightcost: float = Options.weight_decay,
    decay: float = Options.start_decay,
    jacket: int | str = 0,
    initlambda: float = Options.initial_lam,
    drop: float = Options.lam_drop,
    boost: float | None = None,
    autodamp: int = 1,
    rho_low: float = Options.rho_low,
    rho_high: float = Options.rho_high,
    maxiters: float = Options.max_cg_steps,
    miniters: float = Options.min_cg_steps,
    tolerance: float = Options.cg_tolerance,
    gapratio: float = Options.cg_gap_ratio,
    mingap: int = Options.cg_min_gap,
    inext: float = Options.iterate_grid_start,
    imult: float = Options.iterate_grid_base,
    precon_exponent: float | None = Options.preconditioner_exponent,
    backtrack_set: str = Options.backtracking_cases,
    linesearch_c: float = Options.line_search_c,
    linesearch_factor: float = Options.line_search_factor,
    linesearch_max: int = Options.max_reductions,
    numconn: int = Options.num_connections,
    initcoeff: float = Options.init_scale,
    decay_biases: bool = Options.decay_biases,
    checkpoint_every: int = Options.checkpoint_period,
    trim_cases: bool = Options.trim_cases,
    precision: str = Options.precision,
    faithful: bool = Options.faithful,
    numthreads: int | None = None,
    ranks: str = Options.ranks,
    sumlanes: int = Options.sum_lanes,
    seed: Any = None,
    method: Any = "hessian_free",
    learningrate: float | None = None,
    momentum: float | None = None,
    momentumperiod: int | None = None,
    blankout: float = 0.0,
    dropout: Any = 0.0,
    innoise: float = 0.0,
    indilate: float = 0.0,
    weightnoise: float = 0.0,
    perturbshare: float = 0.0,
    perturbsize: float = 0.01,
    perturbform: str = "symmetric",
    corruptseed: int = 0,
    patience: int | None = None,
    monitor: str = "log_likelihood",
    averagedecay: float | None = None,
    keep: str = "last",
    display: str = "legacy",
    preset: str | None = None,
) -> TrainedParameters:
    """Train as `nnet_train_2` does, with defaults, and with every constant inside the MATLAB file as a keyword.

    Parameters
    ----------
    indata, outdata, layersizes, layertypes, runName, runDesc, paramsp, Win, bin, resumeFile, maxepoch, numchunks
        As in `nnet_train_2`.
    intest, outtest, numchunks_test, mattype, rms, errtype, hybridmode, weightcost, decay, jacket
        As in `nnet_train_2`.
    initlambda, drop, boost, autodamp, rho_low, rho_high
        Damping: λ of the first epoch, factors after a good and a bad epoch (`boost` None: 1/drop), whether to
        damp at all, thresholds on rho.
    maxiters, miniters, tolerance, gapratio, mingap, inext, imult, precon_exponent
        Conjugate gradients: bounds on steps, the stopping rule, the grid of recorded iterates, the exponent of
        the preconditioner (None: no preconditioner).
    backtrack_set : {'all', 'target_chunk', 'none'}
        Cases on which CG backtracking compares iterates.
    linesearch_c, linesearch_factor, linesearch_max
        Line search: constant of the sufficient-increase condition, factor, number of reductions that rejects the step.
    numconn, initcoeff, seed
        Sparse initialisation. `seed`: an int, ``('octave', s_rand, s_randn)``, ``('matlab', …)``, a numpy
        Generator, or an object with rand and randn.
    decay_biases : bool
        False: the weight cost does not apply to biases.
    checkpoint_every : int
        Period of kept checkpoints, in epochs.
    trim_cases : bool
        Drop the last cases if `numchunks` does not divide their number.
    precision : {'single', 'double'}
        Working precision.
    numthreads : int, optional
        CPU threads, by default one for each processor; the results do not depend on it.
    ranks : {'none', 'mpi'}
        'mpi': the processes that mpiexec started share the run; the results do not depend on it.
    sumlanes : int
        Most processes that can share a sum over cases; another number than 8 changes the last bits.
    faithful : bool
        False corrects the quirks of the MATLAB program; `legacy.quirks` lists them.
    method, learningrate, momentum, momentumperiod
        Another method than 'hf', such as 'nag', 'adam', 'rprop' or 'lbfgs', and its settings (`methods`).
    blankout, dropout, innoise, indilate, weightnoise, perturbshare, perturbsize, perturbform, corruptseed
        Corruption, drawn once an epoch: share of inputs and of hidden units that become 0, standard deviation of noise
        on the inputs, largest relative change of an input, standard deviation of noise on all parameters, share of the
        weights that curvature products see changed, by how much and in which form, and the key of all draws.
    patience, monitor
        Stop after this number of epochs without a better 'log_likelihood' or 'error' of the test cases.
    averagedecay : float, optional
        Decay of a running average of the parameters.
    keep : {'last', 'best', 'average'}
        The parameters to return: of the last epoch, of the best one (needs `patience`), or their average (needs
        `averagedecay`).
    display : {'legacy', 'rich', 'none'}
        MATLAB's lines, a live view, or nothing.
    preset : str, optional
        A published set of options by name (`presets.PRESETS`), for options that the call does not give.

    Returns
    -------
    paramsp : (P, 1) float64 array
        With ``outcome`` and ``interrupted``, as from `nnet_train_2`.

    Raises
    ------
    OptionError, DataError, CheckpointError, NonFiniteError
        As `nnet_train_2`.
    """
    arguments = locals()
    with speaking(SPOKEN):
        shown = arguments.pop("display")
        _check_keep(arguments.pop("keep"), patience, averagedecay)
        del arguments["preset"]  # `by_name` has filled in its options
        arguments["maxiters"], arguments["miniters"] = rounded_up(maxiters), rounded_up(miniters)
        terms = to_field_terms(arguments)
        refuse_new_units(terms["unit_types"], faithful)
        result = train(**terms, display=shown)
    kept = result.at(keep) if getattr(result, keep, None) is not None else result
    theta = kept.theta.reshape(-1, 1).view(TrainedParameters)
    theta.outcome, theta.interrupted = result.outcome, result.interrupted
    return theta


def _check_keep(keep: Any, patience: Any, average_decay: Any) -> None:
    needed = {"last": "", "best": "patience", "average": "averagedecay"}
    if keep not in needed:
        raise OptionError("keep", expected="one of " + ", ".join(map(repr, needed)), got=quoted(keep))
    if (keep == "best" and patience is None) or (keep == "average" and average_decay is None):
        raise OptionError("keep", expected=f"{needed[keep]} beside keep={keep!r}", got="none")
