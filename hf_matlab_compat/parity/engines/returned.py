"""What a trainer returned and saved in an epoch, before anything is read from it: classes and shapes as they must be.

A fork may return an empty `paramsp`, a row for a column, steps without their iterates. Each is one sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity.recording import ASKED_OF_CG

CG = "conjgrad_1"
_SAVED = {"llrecord": 2, "errrecord": 2}
_CALLED_WITH = {"b": "b", "x0": "x0", "Mdiag": "Mdiag"}


def require_epoch(this: Mapping[str, Any], size: int, finished: bool) -> None:
    """Refuse the file of an epoch whose CG or records are not what such a trainer has.

    Parameters
    ----------
    this : mapping
        As `read_variables` gives it.
    size : int
        Number of parameters.
    finished : bool
        Whether it must have records, as an epoch has that was not stopped after its CG.

    Raises
    ------
    ParityError
        One of them is missing, no array of real numbers, or of another shape.
    """
    epoch = _number(this.get("epoch"))
    if epoch is None or epoch < 1:
        raise ParityError(f"epoch: expected its number, got {_told(this.get('epoch'))}.")
    where = f"epoch {int(epoch)}: "
    for name, theirs in _CALLED_WITH.items():
        _require(_is_real(this.get(name), size), f"{where}{theirs}, which {CG} is called with", size, this.get(name))
    _require_path(this, size, where)
    for name in ("products", "products_undamped"):
        if name in this:
            product = this[name]
            of_probes = _is_real(product) and product.ndim == 2 and len(product) == size
            _require(of_probes, f"{where}curvature times a probe", size, product)
    for name in ("ll", "err", "underflow", *ASKED_OF_CG):
        _require(_is_real(this.get(name, np.zeros(1)), 1), f"{where}{name}", 1, this.get(name))
    _require(_are_real(this.get("forward", [])), f"{where}outputs of the layers", 1, this.get("forward"))
    _require_printed(this, where)
    if finished or "llrecord" in this:
        require_records(this, int(epoch), where)
        if "paramsp_returned" in this:
            value = this["paramsp_returned"]
            _require(_is_real(value, size), f"{where}paramsp, as nnet_train_2 returns it", size, value)


def require_whole(whole: Mapping[str, Any], size: int) -> None:
    """Refuse the file of one call over several epochs; as `require_epoch`.

    Raises
    ------
    ParityError
        As there.
    """
    where = "one call over all epochs: "
    epoch = _number(whole.get("epoch"))
    if epoch is None or epoch < 1:
        raise ParityError(f"{where}expected the number of its last one, got {_told(whole.get('epoch'))}.")
    for name, what in (("paramsp", "paramsp, as nnet_train_2 returns it"), ("last", f"the last iterate of {CG}")):
        _require(_is_real(whole.get(name), size), f"{where}{what}", size, whole.get(name))
    require_records(whole, int(epoch), where)
    if not isinstance(whole.get("log"), str):
        raise ParityError(f"{where}its log: expected text, got {_told(whole.get('log'))}.")
    words, numbers = whole.get("words"), whole.get("numbers")
    if not isinstance(words, list) or not isinstance(numbers, list) or len(words) != len(numbers):
        raise ParityError(f"{where}expected what was printed in each epoch, got {_told(words)}.")
    for each in zip(words, numbers, strict=True):
        _require_printed(dict(zip(("words", "numbers"), each, strict=True)), where)


def _require_printed(this: Mapping[str, Any], where: str) -> None:
    """Words that num2str gave, and the numbers that it gave them for."""
    words, numbers = this.get("words", []), this.get("numbers", np.zeros(0))
    words = [] if isinstance(words, np.ndarray) and not words.size else words
    texts = isinstance(words, str) or (isinstance(words, list) and all(isinstance(word, str) for word in words))
    count = 1 if isinstance(words, str) else len(words) if texts else -1
    _require(_is_real(numbers, count), f"{where}what num2str was given", max(count, 0), numbers)


def require_records(this: Mapping[str, Any], epoch: int, where: str = "") -> None:
    """Refuse records of a checkpoint that do not reach to an epoch.

    Raises
    ------
    ParityError
        One of them is missing, no array of real numbers, or of another shape.
    """
    for name, columns in _SAVED.items():
        value = this.get(name)
        shape = np.shape(value) if _is_real(value) else ()
        if len(shape) != 2 or shape[0] < epoch or shape[1] != columns:
            raise ParityError(
                f"{where}{name} in its checkpoint: expected {epoch} rows or more of {columns}, got {_told(value)}."
            )
    value = this.get("lambdarecord")
    if not _is_real(value) or np.size(value) < epoch:
        raise ParityError(f"{where}lambdarecord in its checkpoint: expected {epoch} numbers, got {_told(value)}.")
    if not isinstance(this.get("log", ""), str):
        raise ParityError(f"{where}the log: expected text, got {_told(this['log'])}.")


def _require_path(this: Mapping[str, Any], size: int, where: str) -> None:
    """The iterates that CG returned, and their steps."""
    steps, xs = this.get("is"), this.get("xs")
    numbers = np.asarray(steps, np.float64).ravel() if _is_real(steps) else None
    count = 0 if numbers is None else numbers.size
    if numbers is None or np.any(numbers < 1) or not np.array_equal(numbers, np.floor(numbers)):
        raise ParityError(f"{where}is, as {CG} returns it: expected the steps of its iterates, got {_told(steps)}.")
    if not _is_real(xs, size * count) or (count and np.shape(xs) != (size, count)):
        raise ParityError(
            f"{where}xs, as {CG} returns it: expected {count} columns of {size}, one a step in is, got {_told(xs)}."
        )
    _require(_is_real(this.get("last"), size), f"{where}the last iterate of {CG}", size, this.get("last"))
    _require(_is_real(this.get("model"), count), f"{where}values of the quadratic model", count, this.get("model"))


def _require(holds: bool, what: str, size: int, value: Any) -> None:
    if not holds:
        raise ParityError(f"{what}: expected {size} real numbers, got {_told(value)}.")


def only_real(this: Mapping[str, Any]) -> dict[str, Any]:
    """Without what the trainer has under the names that are looked for, but not as real numbers: it means others."""
    return {name: value for name, value in this.items() if not name.startswith("seen_") or _is_real(value)}


def _is_real(value: object, size: int | None = None) -> TypeGuard[NDArray[Any]]:
    """Whether it is an array of real numbers, and of so many."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiub" and size in (None, value.size)


def _are_real(values: Any) -> bool:
    return isinstance(values, list) and all(_is_real(value) and value.ndim == 2 for value in values)


def _number(value: Any) -> float | None:
    return float(value.item()) if _is_real(value, 1) and np.isfinite(value.item()) else None


def _told(value: Any) -> str:
    """A value in a few of MATLAB's words."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"the text {value[:20]!r}"
    if isinstance(value, list):
        return f"a cell of {len(value)}"
    if isinstance(value, Mapping):
        return "a struct"
    array = np.asarray(value)
    return f"{'complex numbers' if array.dtype.kind == 'c' else 'numbers'}, {' by '.join(map(str, array.shape))}"
