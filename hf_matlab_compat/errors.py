"""All exceptions and warnings of the package. Messages name arguments as the caller knows them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

_NAMED = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*(?:=(?:'\w+'|\w+))?)\}")
"""An argument named in a sentence, with a value or without, or a doubled brace.

Other braces may come from a user's file and mean nothing.
"""


class HessianFreeError(Exception):
    """Base of every error of this package.

    Attributes
    ----------
    result : Result or None
        When a run breaks off with this error: what was finished by then.
    """

    result: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        # its own constructor takes more than the sentence; a worker process hands the error over all the same
        return _rebuilt, (type(self), self.args, dict(self.__dict__))


def _rebuilt(kind: type[HessianFreeError], args: tuple[Any, ...], attributes: dict[str, Any]) -> HessianFreeError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


def quoted(value: object) -> str:
    """A value as a sentence shows it: an array of more than a few numbers by its shape."""
    shape, size = getattr(value, "shape", None), getattr(value, "size", None)
    if isinstance(shape, tuple) and isinstance(size, int) and size > _FEW_NUMBERS:
        return f"an array of shape {shape}"
    return repr(value)


_FEW_NUMBERS, _LONGEST = 5, 300


def _in_short(got: object) -> str:
    line = " ".join(str(got).splitlines())
    return line if len(line) <= _LONGEST else f"{line[:200]} ... {line[-80:]}"


class ArgumentError(HessianFreeError, ValueError):
    """An argument is not what it should be.

    The sentence is ``<name>: expected <what>, got <value>. <What to do.>``. Names of arguments
    in ``expected`` and ``advice`` are written ``{num_chunks}``, so that the same check speaks the
    field's terms to a caller of `train` and MATLAB's names to a caller of `nnet_train_2`.

    Parameters
    ----------
    argument : str
        The argument at fault, in the field's terms (``num_chunks``).
    expected : str
        What it should have been; may name arguments as ``{name}``.
    got : object
        What came: a value, or a phrase that describes one. The middle of a long one is left out of the sentence.
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
        """The sentence, with every argument called what `names` calls it (itself by default)."""

        def said(text: str) -> str:
            return _NAMED.sub(lambda found: names.get(found[1], found[1]) if found[1] else found[0][0], text)

        name = names.get(self.argument, self.argument)
        return f"{name}: expected {said(self.expected)}, got {_in_short(self.got)}. {said(self.advice)}".rstrip()

    def renamed(self, names: Mapping[str, str]) -> ArgumentError:
        """The same error in another vocabulary."""
        copy = type(self)(self.argument, expected=self.expected, got=self.got, advice=self.advice)
        copy.args = (self.in_words_of(names),)
        copy.result = self.result
        return copy


class OptionError(ArgumentError):
    """An option has a value that means nothing, or two options contradict each other."""


class DataError(ArgumentError):
    """The data, the initial parameters or their shapes do not fit the run that was asked for."""


class CheckpointError(HessianFreeError):
    """A checkpoint cannot be read, written, or does not belong to this network."""


class NonFiniteError(HessianFreeError, ArithmeticError):
    """A gradient or a curvature product became NaN or infinite.

    Attributes
    ----------
    epoch : int
        The epoch in which it happened, counted from 1.
    stage : str
        Where: ``gradient``, ``curvature product``, ``inverse of the preconditioner`` or ``log-likelihood``.
    """

    def __init__(self, epoch: int, stage: str) -> None:
        self.epoch = epoch
        self.stage = stage
        kept = f" The checkpoint of epoch {epoch - 1}, if there is one, is kept." if epoch > 1 else ""
        super().__init__(
            f"epoch {epoch}: the {stage} is not finite (NaN or Inf).{kept} "
            "Look for huge weights or data, or start with a larger damping."
        )


class MemoryFullError(MemoryError, HessianFreeError):
    """The memory was full in the middle of a run; what was finished by then is in ``result``."""


class Terminated(SystemExit):
    """SIGTERM or SIGHUP came during a run, which ended in order; unless it is caught, the program ends as well.

    Attributes
    ----------
    code : int
        128 and the number of the signal, as a shell reports it: 143 or 129.
    result : Result
        That of the last finished epoch; its outcome says what came.
    """

    def __init__(self, code: int, result: Any = None) -> None:
        self.result = result
        super().__init__(code)


class NotFinite(HessianFreeError, ArithmeticError):
    """Raised by a rule or a problem that met NaN or infinity; the run turns it into a `NonFiniteError`.

    The argument is the stage; see `NonFiniteError`.
    """


class ParityError(HessianFreeError):
    """The other program (Octave, a recording) could not be asked, or did not answer."""


class MigrationError(HessianFreeError):
    """A MATLAB script cannot be brought over."""


class DataWarning(UserWarning):
    """The data can be trained on, but is probably not what was meant."""


class CallWarning(UserWarning):
    """A call that is not the published one was understood as a known form of it."""


class BackendWarning(UserWarning):
    """The backend computes in another way than its name says."""


class DisplayWarning(UserWarning):
    """The screen could no longer be written to; the run goes on without it."""


@contextmanager
def speaking(names: Mapping[str, str]) -> Iterator[None]:
    """Within this block, argument errors come out in the vocabulary `names`."""
    try:
        yield
    except ArgumentError as error:
        raise error.renamed(names) from error.__cause__
