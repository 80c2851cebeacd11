"""The summary of a checkpoint: which program wrote it, its variables, and why no run can resume from it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.checkpoint import problem_in_words, read_description, why_no_run_goes_on
from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES
from hf_matlab_compat.matlab.files.layer_sizes import Candidates, candidate_sizes
from hf_matlab_compat.matlab.files.mat_formats import Listing, list_variables
from hf_matlab_compat.matlab.files.mat_values import Variable
from hf_matlab_compat.matlab.files.sidecar import DAMAGED, path_of_doubles, read_sidecar, sidecar_path
from hf_matlab_compat.matlab.logs.parser import LoggedSizes, logged_sizes


class CheckpointKind(Enum):
    """The program that wrote a checkpoint; the value is the sentence that the user sees."""

    TRAINER = "a checkpoint of nnet_train_2; a run can resume from it"
    KFAC = (
        "a checkpoint of the later Kronecker-factored program (KFAC) of the same name, another algorithm: no "
        "Hessian-free run can resume from it, but its paramsp can be the initial parameters of one"
    )
    BATCH_NORM = (
        "a checkpoint of a fork that saves timess in place of times, such as the one with batch normalisation (whose "
        "paramsp has a scale and a shift for each unit below the output): no run of this trainer can resume from it"
    )
    OTHER = "not a checkpoint of this family of programs"


_KFAC_MARKS = ({"y_hom2"}, {"dEdx2"}, {"iter", "paramsp_avg"})
_BATCH_NORM_MARKS = {"timess", "Nin", "Nu"}
_SCALARS = {"epoch": ("epoch", "iter"), "lam": ("lambda",), "total_cg_steps": ("totalpasses",)}
"""The fields of a summary that are one number each, and the variables that hold it, in this trainer and in forks."""


@dataclass(frozen=True, kw_only=True)
class CheckpointSummary:
    """The contents of a checkpoint.

    Attributes
    ----------
    path, form : str
        The file and its format, in words.
    kind : CheckpointKind
    variables : tuple of Variable
        All variables, in the order of the file.
    missing, extra : tuple of str
        Those of the nine variables that the file lacks, and the other variables that it has.
    epoch, lam, total_cg_steps : float or None
        None if the file has no such number.
    psize : int or None
        Length of ``paramsp``.
    candidates : Candidates
        Layer sizes that fit psize.
    logged : LoggedSizes or None
        The log beside it with the layer sizes that it names; None if there is none or they do not fit.
    remarks : tuple of str
        Other facts that matter to a run that resumes.
    described : str
        The network and its loss, if the sidecar tells them.
    faults : tuple of str
        Reasons why no run can resume from this trainer's checkpoint; empty if `read_checkpoint` accepts it.
    """

    path: str
    form: str
    kind: CheckpointKind
    variables: tuple[Variable, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    epoch: float | None
    lam: float | None
    total_cg_steps: float | None
    psize: int | None
    candidates: Candidates
    logged: LoggedSizes | None = None
    remarks: tuple[str, ...] = ()
    described: str = ""
    faults: tuple[str, ...] = ()

    @property
    def can_go_on(self) -> bool:
        """True if a run can resume from it."""
        return self.kind is CheckpointKind.TRAINER and not self.faults

    def in_words(self) -> list[str]:
        """Return the summary, one sentence or variable per line."""
        whose = self.kind.value.replace("a run can", "no run can") if self.faults else self.kind.value
        lines = [f"{self.path}: {self.form}; {whose}"]
        numbers = {"epoch": self.epoch, "lambda": self.lam, "CG steps": self.total_cg_steps, "psize": self.psize}
        lines.append(", ".join(f"{name} {value:.10g}" for name, value in numbers.items() if value is not None))
        for variable in self.variables:
            shape = "x".join(map(str, variable.shape)) if variable.shape else "of unknown shape"
            lines.append(f"  {variable.name}: {variable.kind}, {shape}")
        lines += [f"lacks {name}" for name in self.missing]
        if self.described:
            lines.append(self.described)
        elif self.logged is not None:
            lines.append(f"layer sizes by the log {self.logged.log}: {' '.join(map(str, self.logged.sizes))}")
        elif self.candidates.total:
            lines.append(f"layer sizes that fit ({self.candidates.total}; {self.candidates.searched}):")
            lines += ["  " + " ".join(map(str, sizes)) for sizes in self.candidates.sizes]
        return [line for line in [*lines, *self.remarks, *self.faults] if line]


def summarise(
    path: str | os.PathLike[str], *, hidden: Sequence[int] = (), inputs: int | None = None
) -> CheckpointSummary:
    """Summarise a checkpoint.

    Parameters
    ----------
    path : path-like
        A file in any format that `load_mat` reads.
    hidden : sequence of int
        Hidden sizes, which narrow down the layer sizes that fit.
    inputs : int, optional
        s_0.

    Returns
    -------
    CheckpointSummary

    Raises
    ------
    CheckpointError
        The file cannot be read or is damaged.
    """
    listing = list_variables(path)
    names = list(listing.by_name)
    kind = kind_of(names)
    numbers = listing.numbers(_small(listing))
    psize = _psize(listing)
    return CheckpointSummary(
        path=os.fspath(path),
        form=listing.form,
        kind=kind,
        variables=listing.variables,
        missing=tuple(name for name in VARIABLES if name not in names),
        extra=tuple(name for name in names if name not in VARIABLES),
        **{field: _scalar(numbers, names) for field, names in _SCALARS.items()},
        psize=psize,
        candidates=_candidates(psize or 0, hidden, inputs, kind),
        logged=logged_sizes(path, psize or 0),
        remarks=tuple(_remarks(listing)),
        described=_described(path) if kind is CheckpointKind.TRAINER else "",
        faults=tuple(_judged(listing, numbers)) if kind is CheckpointKind.TRAINER else (),
    )


def _described(path: str | os.PathLike[str]) -> str:
    try:
        run = read_description(path)
    except CheckpointError:
        return ""  # `faults` tells why
    if "sizes" not in run:
        words = problem_in_words(run)
        return words and f"by the sidecar: {words}"
    settings = run.get("settings", {})
    return (
        f"layers, by the sidecar: {' '.join(map(str, run['sizes']))} ({', '.join(run['unit_types'])}); "
        f"loss {settings.get('loss')}, error measure {settings.get('error_measure')}"
    )


def kind_of(names: Sequence[str]) -> CheckpointKind:
    """Return the program whose checkpoints have these variables; variables of forks decide first."""
    if "paramsp" not in names:
        return CheckpointKind.OTHER
    if any(marks <= set(names) for marks in _KFAC_MARKS):
        return CheckpointKind.KFAC
    if _BATCH_NORM_MARKS & set(names):
        return CheckpointKind.BATCH_NORM
    return CheckpointKind.TRAINER if set(VARIABLES) <= set(names) else CheckpointKind.OTHER


def _candidates(psize: int, hidden: Sequence[int], inputs: int | None, kind: CheckpointKind) -> Candidates:
    plain = candidate_sizes(psize, hidden=hidden, inputs=inputs)
    if kind is not CheckpointKind.BATCH_NORM:
        return plain
    normalised = candidate_sizes(psize, hidden=hidden, inputs=inputs, batch_norm=True)
    return normalised if normalised.total else plain


def _small(listing: Listing) -> list[str]:
    wanted = {name for names in _SCALARS.values() for name in names}
    return [v.name for v in listing.variables if v.name in wanted and v.shape is not None and math.prod(v.shape) == 1]


def _scalar(numbers: Mapping[str, NDArray[Any]], names: Sequence[str]) -> float | None:
    value = next((numbers[name] for name in names if name in numbers), None)
    return None if value is None else float(np.ravel(value)[0])


def _psize(listing: Listing) -> int | None:
    found = listing.by_name.get("paramsp")
    return None if found is None or found.shape is None else math.prod(found.shape)


def _judged(listing: Listing, numbers: Mapping[str, NDArray[Any]]) -> list[str]:
    """Return why no run can resume: every faulty value that is known, or the error of `read_checkpoint`."""
    refusal = why_no_run_goes_on(listing.path)
    return (list(_faults(listing, numbers)) or [refusal]) if refusal else []


def _faults(listing: Listing, numbers: Mapping[str, NDArray[Any]]) -> Iterator[str]:
    """Yield a sentence for each value that no run can resume from."""
    by_name = listing.by_name
    for variable in (by_name[name] for name in ("paramsp", "ch") if name in by_name):
        if variable.is_numeric:
            yield from _faults_of_vector(listing, variable.name)
        elif variable.name == "paramsp":
            yield f"paramsp: expected a column of real numbers, got class {variable.kind}"
    sizes = {name: math.prod(by_name[name].shape or ()) for name in ("paramsp", "ch") if name in by_name}
    if 0 < sizes.get("ch", 0) != sizes.get("paramsp", 0) > 1:
        yield f"ch: expected one value for each of the {sizes['paramsp']} parameters, got {sizes['ch']}"
    for name in (each for names in _SCALARS.values() for each in names if each in by_name):
        yield from _faults_of_scalar(by_name[name], _scalar(numbers, [name]))


def _faults_of_scalar(variable: Variable, value: float | None) -> Iterator[str]:
    name = variable.name
    if value is None or not variable.is_numeric:
        shape = "x".join(map(str, variable.shape or ())) or "of unknown shape"
        yield f"{name}: expected one real number, got {variable.kind}, {shape}"
    elif name == "lambda" and not 0 <= value < math.inf:
        yield f"lambda: expected a number of at least 0, got {value:g}"
    elif name != "lambda" and not (0 <= value < math.inf and value == int(value)):
        yield f"{name}: expected a whole number of at least 0, got {value:g}"


def _faults_of_vector(listing: Listing, name: str) -> Iterator[str]:
    values = listing.numbers([name]).get(name, np.zeros(0))
    wrong = int(np.sum(~np.isfinite(values)))
    if not values.size and name == "paramsp":
        yield "paramsp: expected numbers, got none"
    if wrong:
        yield f"{name}: expected finite numbers, got NaN or Inf in {wrong} of {values.size}"


def _remarks(listing: Listing) -> list[str]:
    path, by_name = listing.path, listing.by_name
    remarks: list[str] = []
    if (doubles := path_of_doubles(path)) is not None:
        remarks.append(f"its double values are in {doubles.name} beside it, not in this file")
    if read_sidecar(path).trouble == DAMAGED:
        remarks.append(f"{sidecar_path(path).name} beside it is damaged: the values of this file are not checked")
    for name in ("epoch", "lambda", "totalpasses"):
        if name in by_name and by_name[name].is_numeric and by_name[name].kind not in ("double", "logical"):
            remarks.append(f"{name} is of class {by_name[name].kind}: MATLAB rounds values computed from it")
    for name in ("paramsp", "ch"):
        shape = by_name[name].shape if name in by_name else None
        if shape is not None and (len(shape) != 2 or shape[1] != 1):
            remarks.append(f"{name} is not a column: MATLAB's trainer fails with it")
    return remarks
