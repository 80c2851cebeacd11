"""Forms of the trainers' calls: other numbers of arguments, presets, and unknown names."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import Parameter, signature
from typing import Any, ParamSpec, TypeVar

from hf_matlab_compat.errors import CallWarning, OptionError, speaking
from hf_matlab_compat.legacy.arguments import SPOKEN
from hf_matlab_compat.legacy.dialects import as_22_arguments, assumption, is_foreign
from hf_matlab_compat.matlab.vocabulary import CONSTANTS, TO_MATLAB, TOOLBOX, to_matlab_value
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.keywords import instead, refuse_missing, refuse_unnamed
from hf_matlab_compat.presets import preset_options
from hf_matlab_compat.training import train

Arguments = ParamSpec("Arguments")
Trained = TypeVar("Trained")


def in_any_dialect(trainer: Callable[Arguments, Trained]) -> Callable[Arguments, Trained]:
    """Accept positional calls of forks, with fewer or more than 22 arguments, in the published order."""
    beside = {p.name for p in signature(trainer).parameters.values() if p.kind is Parameter.KEYWORD_ONLY} | {*TOOLBOX}

    @wraps(trainer)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Trained:
        _refuse_unknown(trainer, kwargs)
        given: tuple[Any, ...] = args
        if args and not set(kwargs) - beside and is_foreign(args):
            given = as_22_arguments(args)
            warnings.warn(assumption(args), CallWarning, stacklevel=2)
        refuse_missing(trainer, given, kwargs)
        return trainer(*given, **kwargs)  # type: ignore[arg-type]

    return call


def by_name(trainer: Callable[Arguments, Trained]) -> Callable[Arguments, Trained]:
    """Accept keywords only, all of them known; a preset supplies those that are missing."""

    @wraps(trainer)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Trained:
        if args:
            refuse_unnamed(len(args), "Give each argument its name, or call nnet_train_2 with MATLAB's 22.")
        _refuse_unknown(trainer, kwargs)
        refuse_missing(trainer, (), kwargs)
        with speaking(SPOKEN):
            preset = preset_options(kwargs["preset"]) if kwargs.get("preset") else {}  # type: ignore[arg-type]
        beyond = [name for name in preset if name not in TO_MATLAB]
        if beyond:
            got = f"{kwargs['preset']!r}, which sets {', '.join(beyond)}"
            raise OptionError("preset", expected="one of MATLAB's settings", got=got, advice="`train` takes it.")
        in_matlabs_words = {TO_MATLAB[name]: to_matlab_value(name, value) for name, value in preset.items()}
        return trainer(**{**in_matlabs_words, **kwargs})  # type: ignore[arg-type]

    return call


def _refuse_unknown(trainer: Callable[..., Any], given: Iterable[str]) -> None:
    parameters = signature(trainer).parameters
    more = TOOLBOX if any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values()) else ()
    known = {name: p for name, p in parameters.items() if p.kind is not Parameter.VAR_KEYWORD} | dict.fromkeys(more)
    for name in given:
        if name not in known:
            raise OptionError(
                name, expected=f"an argument of {trainer.__name__}", got="an unknown name", advice=_instead(name, known)
            )


def _instead(name: str, known: Mapping[str, Parameter | None]) -> str:
    if name in CONSTANTS:
        return "nnet_train takes it, and the others by their names."
    if name not in TO_MATLAB and name in (*signature(train).parameters, *vars(Options())):
        return "train takes it, and the others in the field's terms."
    return instead(name, known, TO_MATLAB)
