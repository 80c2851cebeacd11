"""All exceptions and warnings of the package. Messages name arguments in the caller's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

_NAMED = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*(?:=(?:'\w+'|\w+))?)\}")
"""An argument named in a sentence, with or without a value, or a doubled brace.

Other braces may come from a user's file and mean nothing.
"""


class HessianFreeError(Exception):
    """Base of every error of this package.

    Attributes
    ----------
    result : Result or None
        For an error that ends a run: the result of the finished epochs.
    said_elsewhere : bool
        True where another process of the same run prints the error.
    """

    result: Any = None
    said_elsewhere = False

    def __reduce__(self) -> tuple[Any, ...]:
        # pickle would call the constructor with the sentence alone; worker processes send errors to their parent
        return _rebuilt, (type(self), self.args, dict(self.__dict__))


def _rebuilt(kind: type[HessianFreeError], args: tuple[Any, ...], attributes: dict[str, Any]) -> HessianFreeError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


def quoted(value: object) -> str:
    """Return a value as messages show it: an array of more than a few numbers by its shape."""
    shape, size = getattr(value, "shape", None), getattr(value, "size", None)
    if isinstance(shape, tuple) and isinstance(size, int) and size > _FEW_NUMBERS:
        return f"an array of shape {shape}"
    return repr(value)


_FEW_NUMBERS, _LONGEST = 5, 300


def _in_short(got: object) -> str:
    line = " ".join(str(got).splitlines())
    return line if len(line) <= _LONGEST else f"{line[:200]} ... {line[-80:]}"


class ArgumentError(HessianFreeError, ValueError):
    """An argument has a wrong value.

    The message is ``<name>: expected <what>, got <value>. <What to do.>``. ``expected`` and ``advice`` name arguments
    as ``{num_chunks}``, so that the same check names them in the field's terms for `train` and in MATLAB's for
    `nnet_train_2`.

    Parameters
    ----------
    argument : str
        The wrong argument, in the field's terms (``num_chunks``).
    expected : str
        What it should be; may name arguments as ``{name}``.
    got : object
        The value, or a phrase that describes it. The message leaves out the middle of a long one.
    advice : str, optional
        What to do about it; may name arguments as ``{name}``.
    """

    def __init__(self, argument: str, *, expected: str, got: object, advice: str = "") -> None:
        self.argument = argument
        self.expected = expected
        self.got = got
        self.advice = advice
        super().__init__(self.in_words_of({}))

    def in_words_of(self, names: Mapping[str, str]) -> str:
        """Return the message, with each argument under its name in `names`, or else its own."""

        def said(text: str) -> str:
            return _NAMED.sub(lambda found: names.get(found[1], found[1]) if found[1] else found[0][0], text)

        name = names.get(self.argument, self.argument)
        return f"{name}: expected {said(self.expected)}, got {_in_short(self.got)}. {said(self.advice)}".rstrip()

    def renamed(self, names: Mapping[str, str]) -> ArgumentError:
        """Return the same error in another vocabulary."""
        copy = type(self)(self.argument, expected=self.expected, got=self.got, advice=self.advice)
        copy.args = (self.in_words_of(names),)
        copy.result, copy.said_elsewhere = self.result, self.said_elsewhere
        return copy


class OptionError(ArgumentError):
    """An option has an invalid value, or two options contradict each other."""


class DataError(ArgumentError):
    """The data or the initial parameters are invalid, or their shapes do not fit the network."""


class CheckpointError(HessianFreeError):
    """A checkpoint cannot be read or written, or belongs to another network."""


class RankError(HessianFreeError):
    """A check failed on some of the processes that share a run."""


class RanksDisagree(RankError):
    """Processes that share a run have different versions, settings, data or results."""


class SharedStateError(HessianFreeError):
    """Shared parameters cannot be reached, read or written, or belong to another network."""


class NonFiniteError(HessianFreeError, ArithmeticError):
    """A gradient, a curvature product or a log-likelihood is NaN or infinite.

    Attributes
    ----------
    epoch : int
        The epoch in which it happened, counted from 1.
    stage : str
        ``gradient``, ``curvature product``, ``inverse of the preconditioner`` or ``log-likelihood``.
    """

    def __init__(self, epoch: int, stage: str) -> None:
        self.epoch = epoch
        self.stage = stage
        kept = f" The checkpoint of epoch {epoch - 1}, if there is one, is kept." if epoch > 1 else ""
        super().__init__(
            f"epoch {epoch}: the {stage} is not finite (NaN or Inf).{kept} "
            "Look for huge weights or data, or start with a larger damping or, in a first-order method, a smaller rate."
        )


class MemoryFullError(MemoryError, HessianFreeError):
    """The memory was full during a run; ``result`` holds the finished epochs."""


class Terminated(SystemExit):
    """SIGTERM or SIGHUP came during a run. The run ended in order; unless the caller catches this, the program ends.

    Attributes
    ----------
    code : int
        128 plus the number of the signal, as a shell reports it: 143 or 129.
    result : Result
        The result of the finished epochs; its outcome names the signal.
    """

    def __init__(self, code: int, result: Any = None) -> None:
        self.result = result
        super().__init__(code)


class NotFinite(HessianFreeError, ArithmeticError):
    """A rule or a problem raises this for NaN or infinity; the run turns it into a `NonFiniteError`.

    The argument is the stage; see `NonFiniteError`.
    """


class ParityError(HessianFreeError):
    """The other program (Octave, or a recording of it) could not be run or read."""


class MigrationError(HessianFreeError):
    """A MATLAB script cannot be translated."""


class DataWarning(UserWarning):
    """The data can be trained on, but is probably not what the user meant."""


class CallWarning(UserWarning):
    """A call with another number of arguments than the published 22 was taken as a known form."""


class BackendWarning(UserWarning):
    """The backend computes differently from what its name says."""


class StuckWarning(UserWarning):
    """No step has improved the likelihood for many epochs; the run goes on."""


class DisplayWarning(UserWarning):
    """The screen can no longer be written; the run continues without it."""


@contextmanager
def speaking(names: Mapping[str, str]) -> Iterator[None]:
    """Translate argument errors of this block into the vocabulary `names`."""
    try:
        yield
    except ArgumentError as error:
        raise error.renamed(names) from error.__cause__
