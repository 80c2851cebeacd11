"""Checks of what a trainer returned and saved, before anything is read from it: classes and shapes of the variables.

A fork may return an empty `paramsp`, a row for a column, steps without their iterates. Each is one sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeGuard

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity.cases import told
from hf_matlab_compat.parity.recording import ASKED_OF_CG

CG = "conjgrad_1"
_PARAMETERS = "paramsp, as nnet_train_2 returns it"
_LAST = f"the last iterate of {CG}"


def require_epoch(this: Mapping[str, Any], size: int, finished: bool) -> None:
    """Refuse the file of an epoch whose CG or records are malformed.

    Parameters
    ----------
    this : mapping
        As `read_variables` gives it.
    size : int
        Number of parameters.
    finished : bool
        Whether it must have records, which an epoch that was stopped after its CG lacks.

    Raises
    ------
    ParityError
        A variable is missing, is no array of real numbers, or has another shape.
    """
    epoch = _number_of_epoch(this, "epoch")
    given = _Returned(this, f"epoch {epoch}: ")
    for name in ("b", "x0", "Mdiag"):
        given.real(name, f"{name}, which {CG} is called with", size)
    given.path(size)
    for name in ("products", "products_undamped"):
        given.columns(name, "curvature times a probe", size)
    for name in ("ll", "err", "underflow", *ASKED_OF_CG):
        given.real(name, name, 1, optional=True)
    given.layers("forward")
    given.printed(this.get("words", []), this.get("numbers", np.zeros(0)))
    if finished or "llrecord" in this:
        given.records(epoch)
        given.real("paramsp_returned", _PARAMETERS, size, optional=True)


def require_whole(whole: Mapping[str, Any], size: int) -> None:
    """Refuse the file of one call over several epochs, as `require_epoch` does.

    Raises
    ------
    ParityError
        As `require_epoch`.
    """
    where = "one call over all epochs: "
    epoch = _number_of_epoch(whole, f"{where}epoch")
    given = _Returned(whole, where)
    given.real("paramsp", _PARAMETERS, size)
    given.real("last", _LAST, size)
    given.records(epoch)
    words, numbers = whole.get("words"), whole.get("numbers")
    if not isinstance(whole.get("log"), str):
        given.refuse("its log", "text", whole.get("log"))
    if not isinstance(words, list) or not isinstance(numbers, list) or len(words) != len(numbers):
        given.refuse("words", "those printed in each epoch", words)
    for each in zip(words, numbers, strict=True):
        given.printed(*each)


def only_real(this: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables without those that were looked for by name in the trainer and are no real numbers."""
    return {name: value for name, value in this.items() if not name.startswith("seen_") or _is_real(value)}


@dataclass(frozen=True)
class _Returned:
    """Variables, which are refused one by one."""

    values: Mapping[str, Any]
    where: str

    def refuse(self, what: str, expected: str, value: Any) -> NoReturn:
        raise ParityError(f"{self.where}{what}: expected {expected}, got {told(value)}.")

    def real(self, name: str, what: str, size: int, optional: bool = False) -> None:
        if not _is_real(self.values.get(name), size) and not (optional and name not in self.values):
            self.refuse(what, f"{size} real numbers", self.values.get(name))

    def columns(self, name: str, what: str, size: int) -> None:
        value = self.values.get(name, np.zeros((size, 0)))
        if not _is_real(value) or value.ndim != 2 or len(value) != size:
            self.refuse(what, f"columns of {size} real numbers", value)

    def layers(self, name: str) -> None:
        values = self.values.get(name, [])
        if not isinstance(values, list) or not all(_is_real(value) and value.ndim == 2 for value in values):
            self.refuse("outputs of the layers", "a matrix of real numbers for each", values)

    def path(self, size: int) -> None:
        """Refuse iterates that do not fit their steps."""
        steps, xs = self.values.get("is"), self.values.get("xs")
        if not _is_real(steps) or np.any(steps < 1) or np.any(steps != np.floor(steps)):
            self.refuse(f"is, as {CG} returns it", "the steps of its iterates", steps)
        count = steps.size
        if not _is_real(xs, size * count) or (count and xs.shape != (size, count)):
            self.refuse(f"xs, as {CG} returns it", f"{count} columns of {size}, one a step in is", xs)
        self.real("last", _LAST, size)
        self.real("model", "values of the quadratic model", count)

    def printed(self, words: Any, numbers: Any) -> None:
        """Refuse texts that num2str gave without the numbers that it was given."""
        words = [words] if isinstance(words, str) else words
        words = [] if isinstance(words, np.ndarray) and not words.size else words
        texts = isinstance(words, list) and all(isinstance(word, str) for word in words)
        if not texts or not _is_real(numbers, len(words)):
            self.refuse("what num2str was given", "a real number for each text", numbers)

    def records(self, epoch: int) -> None:
        """Refuse records of a checkpoint that do not reach to an epoch."""
        for name in ("llrecord", "errrecord"):
            value = self.values.get(name)
            if not _is_real(value) or value.ndim != 2 or len(value) < epoch or value.shape[1] != 2:
                self.refuse(f"{name} in its checkpoint", f"{epoch} rows or more of 2", value)
        value = self.values.get("lambdarecord")
        if not _is_real(value) or value.size < epoch:
            self.refuse("lambdarecord in its checkpoint", f"{epoch} numbers", value)
        if not isinstance(self.values.get("log", ""), str):
            self.refuse("the log", "text", self.values["log"])


def _is_real(value: Any, size: int | None = None) -> TypeGuard[NDArray[Any]]:
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiub" and size in (None, value.size)


def _number_of_epoch(values: Mapping[str, Any], what: str) -> int:
    value = values.get("epoch")
    if not _is_real(value, 1) or not np.isfinite(value).all() or value.item() < 1:
        raise ParityError(f"{what}: expected its number, got {told(value)}.")
    return int(value.item())
