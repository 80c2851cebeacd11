"""Errors of a command line, in the package's form of sentence."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from cyclopts import exceptions as wrong


def in_words(error: wrong.CycloptsError) -> str:
    """Return ``<name>: expected <what>, got <value>. <What to do.>`` for an error of cyclopts."""
    command = " ".join(["hf-compat", *(error.command_chain or ())])
    help_ = f"{command} --help describes it."
    match error:
        case wrong.UnknownOptionError():
            given = (error.token.keyword or error.token.value).split("=")[0]
            advice = _near(given, _options(error)) or help_
            return f"{given}: expected an option of {command}, got an unknown one. {advice}"
        case wrong.UnknownCommandError():
            return _unknown_command(error, command)
        case wrong.MissingArgumentError() if error.argument is not None:
            return f"{error.keyword or _name(error.argument)}: expected a value, got none. {help_}"
        case wrong.CoercionError():
            return _wrong_kind(error)
        case wrong.RepeatArgumentError():
            return f"{error.token.keyword}: expected once, got twice or more."
        case wrong.UnusedCliTokensError():
            return f"{command}: expected no more arguments, got {' '.join(error.unused_tokens or ())}. {help_}"
    return str(error)


def refuse_empty_lists(words: Sequence[str], given: Mapping[str, Any]) -> None:
    """Refuse an option without values if it takes several; cyclopts reads an empty list.

    Raises
    ------
    CycloptsError
        An option among `words` has no value.
    """
    for name, value in given.items():
        option = "--" + name.strip("_").replace("_", "-")
        if value == [] and option in words:  # cyclopts' own help page has an empty list too
            raise wrong.CycloptsError(msg=f"{option}: expected a value, got none.")


def _unknown_command(error: wrong.UnknownCommandError, command: str) -> str:
    given = (error.unused_tokens or [""])[0]
    known = [name for name in (error.app or {}) if not name.startswith("-")]
    advice = _near(given, known) or f"They are {', '.join(sorted(known))}."
    return f"{given}: expected a command of {command}, got an unknown one. {advice}"


def _wrong_kind(error: wrong.CoercionError) -> str:
    name = (error.token and error.token.keyword) or (_name(error.argument) if error.argument else "value")
    if error.msg is not None:
        return f"{name}: {str(error.msg).rstrip('.')}."
    given = error.token.value if error.token else "nothing"
    words = [word for word in get_args(error.target_type) if isinstance(word, str)]
    kinds: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false"}
    expected = f"one of {', '.join(words)}" if words else kinds.get(error.target_type, "another type of value")
    return f"{name}: expected {expected}, got {given}. {_near(given, words)}".rstrip()


def _name(argument: Any) -> str:
    """Return CASE for a positional argument, and --out for an option."""
    return argument.name.lstrip("-").upper() if argument.field_info.is_positional else argument.name


def _options(error: wrong.UnknownOptionError) -> list[str]:
    names = [name for argument in error.argument_collection for name in argument.names]
    return [name for name in names if name.startswith("--") and not name.startswith("--no-")]


def _near(given: str, known: Iterable[str]) -> str:
    plain = {name.lstrip("-"): name for name in known}
    near = difflib.get_close_matches(given.lstrip("-").lower(), plain, n=1)
    return f"Did you mean {plain[near[0]]}?" if near else ""
