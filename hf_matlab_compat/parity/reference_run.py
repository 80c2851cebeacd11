"""A recording: the values that a reference computed on a case, from a live run or from a file.

Every engine (Octave live, recorded goldens, a tape brought back from another machine) hands over the same thing,
so that the judge need not know where numbers come from. Vectors are (P,), in the precision of the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

REFUSED = "cannot be had of this reference"
"""In the reason why nothing was recorded, after a precision: the other precision is judged without it."""

ASKED_OF_CG = ("maxiters", "miniters")
"""Figures of an epoch, as the trainer hands them to its CG."""

PLACE = "computed: "
"""In a recording's provenance before the name of a stage: the line of the reference's files that computes it."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One training problem: the 22 arguments under their legacy names, and what a built-in case is called.

    Attributes
    ----------
    name : str
    arguments : mapping
        `nnet_train_2`'s arguments by MATLAB's names; `paramsp` is always explicit.
    constants : mapping
        Constants inside the file by `nnet_train`'s keywords, where they differ from the published ones.
    """

    name: str
    arguments: Mapping[str, Any]
    constants: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """What a reference computed in one epoch, from the state it began in. None: this reference can't show it.

    Attributes
    ----------
    epoch : int
        Counted from 1.
    theta, start, lam : vector, vector, float
        The state: parameters, start of CG (after decay), damping.
    kernels : mapping of str to arrays or floats
        By stage: 'forward', 'll', 'err', 'grad', 'grad2', 'gradchunk', 'oldll', 'precon', and for probe vectors
        (P, k) 'v' the products 'Bv' (damped) and 'Bv_undamped', each (P, k).
    steps, iterates : list of int, list of vectors
        Recorded CG iterates.
    figures : mapping of str to float
        'cg_steps', 'chose_iters', 'ch_norm', 'rho', 'reductions', 'rate', 'lambda', 'll', 'err', 'test_ll',
        'test_err'.
    theta_after, d_after : vectors or None
        The state it left.
    log_lines : list of str
        The epoch's lines of the text log, without line ends.
    """

    epoch: int
    theta: NDArray[Any]
    start: NDArray[Any]
    lam: float
    kernels: Mapping[str, Any]
    steps: Sequence[int]
    iterates: Sequence[NDArray[Any]]
    figures: Mapping[str, float]
    theta_after: NDArray[Any] | None
    d_after: NDArray[Any] | None
    log_lines: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Continuity:
    """One call of the reference over several epochs, beside the chain of calls that each resume for one epoch.

    What a trainer keeps to itself from one epoch to the next (a momentum, a count of its loops) is in the one call
    and in none of the others; where nothing of that kind is kept, both end in the same numbers, to the last bit.

    Attributes
    ----------
    epochs : int
        How many the one call went over.
    theta, d : float
        How far the parameters and the last solutions of CG are apart at the end, by `distance`; 0: bit-equal.
    lam : (float, float)
        Damping as recorded at the end: of the chain, of the one call.
    first_apart : int or None
        The first epoch, counted from 1, whose printed figures or record in the checkpoint differ; the last one where
        only what the call hands back does. None: all are equal.
    """

    epochs: int
    theta: float
    d: float
    lam: tuple[float, float]
    first_apart: int | None


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Where a reference stopped in mid-run, and why.

    Attributes
    ----------
    epoch : int
        The one that it did not finish.
    reason : str
    cause : {'', 'nothing recorded', 'underflow'}
        A fault that the published program is known to have; '' for any other reason.
    theta, start, lam : vector, vector, float
        The state in which that epoch began, as in `EpochRecord`; None where it was not recorded.
    """

    epoch: int
    reason: str
    cause: str = ""
    theta: NDArray[Any] | None = None
    start: NDArray[Any] | None = None
    lam: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A reference's run of a case.

    Attributes
    ----------
    case : Case
    precision : {'single', 'double'}
    mode : {'kernels', 'lockstep', 'free'}
        kernels: some states, nothing but kernels; lockstep: consecutive epochs whose states are those of the
        reference's own run; free: the same, to be repeated without help from the start.
    epochs : list of EpochRecord
    envelope : mapping
        Measured E by ``(epoch, quantity)``: the largest distance of this reference's perturbed runs from itself.
    checkpoint : bytes or None
        The last `_nnet_running.mat` it wrote.
    provenance : mapping of str to str
        Engine, versions, BLAS, processor, SHA-256 of every file of the reference, seeds.
    continuity : Continuity or None
        Whether one call of the reference over all epochs ends where its resumed calls do; None: not run.
    stop : Stop or None
        Where it stopped before it had done all epochs that it was asked for; None: it did them.
    """

    case: Case
    precision: str
    mode: str
    epochs: Sequence[EpochRecord]
    envelope: Mapping[tuple[int, str], float]
    checkpoint: bytes | None
    provenance: Mapping[str, str]
    continuity: Continuity | None = None
    stop: Stop | None = None


BY_CASES = "by cases alone: "
"""In an envelope before a quantity: E of those members that differ from the plain run in the order of cases alone, kept
where it is too large to be rounding without a doubt."""
AGAIN, AND_AGAIN = "again: ", "again and again: "
"""In an envelope before a quantity: how far the plain run, done once more, is from itself, and two such from each
other. Missing where they are equal."""
NOTHING = "nothing was recorded"
"""In the provenance of a recording without epochs: why it has none."""


def nothing_recorded(case: Case, precision: str, mode: str, why: str) -> Recording:
    """A run that could not be made, or has not finished an epoch."""
    return Recording(
        case=case, precision=precision, mode=mode, epochs=[], envelope={}, checkpoint=None, provenance={NOTHING: why}
    )


def distance(ours: Any, reference: Any) -> float:
    """‖ours - reference‖ / ‖reference‖; 0 for equal values, NaN and infinities included; inf for other shapes."""
    a, b = (np.asarray(value, np.float64).ravel() for value in (ours, reference))
    if a.shape != b.shape:
        return float("inf")
    if np.array_equal(a, b, equal_nan=True):
        return 0.0
    with np.errstate(all="ignore"):
        ratio = float(np.linalg.norm(a - b) / np.linalg.norm(b))
    return ratio if np.isfinite(ratio) else float("inf")
