"""Checks of the keywords of a call: each has a name, is known, and none is missing; a wrong one gets a suggestion."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import wraps
from inspect import Parameter, signature
from typing import Any, ParamSpec, TypeVar

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.matlab.vocabulary import TO_FIELD_TERMS, WORDS
from hf_matlab_compat.options import Options

Arguments = ParamSpec("Arguments")
Trained = TypeVar("Trained")

_NONE_OF_IT: Mapping[tuple[str, ...], str] = {
    ("learningrate", "lr", "stepsize", "eta", "alpha", "learningrateinit"): (
        "Hessian-free has none: conjugate gradients and a line search find each step, and {initial_lam} damps the "
        "first one. First-order methods, such as {method}='nag', take {learning_rate}."
    ),
    ("beta1", "nesterov"): (
        "Hessian-free has none: the last CG iterate, times {start_decay}, starts the next CG run. {method}='nag' takes "
        "{momentum}."
    ),
    ("batchsize", "minibatchsize"): "There is none: {num_chunks} is the number of chunks of the cases.",
    ("lengths", "initialstate", "spectralradius", "structuralunit"): (
        "It is an argument of recurrent(), which makes a {problem}."
    ),
    ("optimizer", "optimiser"): "Set {method}: 'hf', 'gd', 'momentum', 'nag', 'adam', 'rprop', 'ncg' or 'lbfgs'.",
}
"""Reasons why arguments of other trainers do not exist here."""

_ALSO_CALLED: Mapping[str, tuple[str, ...]] = {
    "hidden_blankout": ("dropout", "dropoutrate", "hiddendropout"),
    "input_blankout": ("inputdropout",),
    "input_noise": ("noise", "gaussiannoise"),
    "patience": ("earlystopping", "niternochange"),
    "average_decay": ("ema", "polyak"),
    "inputs": ("x", "xtrain", "data", "traindata"),
    "targets": ("y", "ytrain", "labels", "outputs", "target"),
    "test_inputs": ("xtest", "xval", "testdata"),
    "test_targets": ("ytest", "yval", "testlabels"),
    "hidden_sizes": ("layers", "hidden", "sizes", "hiddenlayersizes", "hiddenlayers", "units", "layersize"),
    "unit_types": ("activation", "activations", "nonlinearity", "nonlinearities", "layertype"),
    "max_epochs": ("epochs", "nepochs", "maxiter", "maxepochs", "numepochs", "iterations"),
    "weight_decay": ("l2", "lambda2", "weightcosts", "regularization"),
    "initial_lam": ("lambda", "lam", "damping0", "initiallambda"),
    "seed": ("randomstate", "rng", "randomseed"),
    "precision": ("dtype",),
    "backend": ("device", "gpu"),
    "display": ("verbose",),
    "num_threads": ("threads", "njobs", "numworkers"),
    "resume_from": ("resume", "checkpoint", "warmstart"),
    "initial_theta": ("theta", "params", "theta0"),
    "run_name": ("name", "filename", "out"),
}
"""Names of our arguments in other programs."""


_WORDS_ALSO_CALLED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "precision": {"single": ("float32", "float", "f4"), "double": ("float64", "f8")},
    "backend": {"numpy": ("cpu",), "cupy": ("gpu", "cuda"), "numba": ("jit",)},
    "loss": {"squared": ("mse", "l2", "squarederror"), "matching": ("crossentropy", "nll", "bce")},
    "error_measure": {"squared": ("mse", "squarederror"), "misclassified": ("accuracy", "classification", "zeroone")},
    "curvature": {"gauss_newton": ("ggn",), "hessian": ("h",), "empirical_fisher": ("fisher",)},
}
"""Names of our options' values in other programs; MATLAB's are in `matlab.vocabulary`."""


def by_name_only(function: Callable[Arguments, Trained]) -> Callable[Arguments, Trained]:
    """Refuse calls of `train` with unnamed, unknown or missing arguments, in a sentence."""
    required = [p.name for p in signature(function).parameters.values() if p.kind is Parameter.KEYWORD_ONLY]
    known = [*required, *(field.name for field in dataclasses.fields(Options))]

    @wraps(function)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Trained:
        if args:
            refuse_unnamed(len(args), f"Write {function.__name__}(inputs=..., targets=..., ...).")
        for name in kwargs:
            if name not in known:
                advice = instead(name, known, {}) or "help(Options) lists them all."
                raise OptionError(name, expected="the name of an option", got="an unknown name", advice=advice)
        refuse_missing(function, (), kwargs)
        try:
            return function(*args, **kwargs)
        except OptionError as error:
            if error.advice or error.argument not in _WORDS_ALSO_CALLED:
                raise
            advice = _value_instead(error.argument, kwargs.get(error.argument))
            raise OptionError(error.argument, expected=error.expected, got=error.got, advice=advice) from None

    return call


def refuse_unnamed(count: int, advice: str) -> None:
    """Refuse arguments without a name.

    Raises
    ------
    OptionError
        Always.
    """
    raise OptionError("arguments", expected="names", got=f"{count} without a name", advice=advice)


def refuse_missing(function: Callable[..., Any], args: Collection[Any], given: Mapping[str, Any]) -> None:
    """Refuse a call that lacks an argument without a default.

    Raises
    ------
    OptionError
        An argument is missing.
    """
    parameters = list(signature(function).parameters.values())
    unnamed = [p for p in parameters if p.kind is Parameter.POSITIONAL_OR_KEYWORD][len(args) :]
    named = [p for p in parameters if p.kind is Parameter.KEYWORD_ONLY]
    missing = [p.name for p in (*unnamed, *named) if p.default is Parameter.empty and p.name not in given]
    if missing:
        others = f" ({', '.join(missing[1:])} too)" if missing[1:] else ""
        raise OptionError(missing[0], expected="a value", got=f"none{others}")


def refuse_absent(**needed: Any) -> None:
    """Refuse a call in which a needed argument is None.

    Raises
    ------
    OptionError
        An argument is None.
    """
    missing = [name for name, value in needed.items() if value is None]
    if missing:
        others = f" ({', '.join(missing[1:])} too)" if missing[1:] else ""
        raise OptionError(missing[0], expected="a value", got=f"none{others}")


def instead(name: str, known: Iterable[str], names: Mapping[str, str]) -> str:
    """Return what to write in place of an unknown keyword, in the vocabulary `names`; empty if nothing is similar.

    Examples
    --------
    >>> instead("layersizes", ["hidden_sizes"], {})
    'Did you mean hidden_sizes?'
    """
    plain = _plain(name)
    if reason := why_none(name, names):
        return reason
    by_plain_name = {_plain(each): each for each in known}
    ours = next((ours for ours, words in _ALSO_CALLED.items() if plain in words), None)
    near = difflib.get_close_matches(plain, by_plain_name, n=1)
    found = _translated(name, names) or (ours and names.get(ours, ours)) or (by_plain_name[near[0]] if near else "")
    return f"Did you mean {found}?" if found else ""


def why_none(name: str, names: Mapping[str, str]) -> str:
    """Return why there is no argument that other trainers call `name`, in the vocabulary `names`; empty if unknown."""
    reasons = (reason for words, reason in _NONE_OF_IT.items() if _plain(name) in words)
    return next(reasons, "").format_map(_Itself(names))


def _value_instead(name: str, value: object) -> str:
    theirs = WORDS.get(name, {})
    if isinstance(value, str | int) and value in theirs:
        return f"Did you mean {theirs[value]!r}?"
    plain = _plain(value).replace("-", "") if isinstance(value, str) else ""
    meant = {word: ours for ours, words in _WORDS_ALSO_CALLED[name].items() for word in (*words, _plain(ours))}
    near = difflib.get_close_matches(plain, meant, n=1, cutoff=0.75)
    return f"Did you mean {meant[near[0]]!r}?" if near else ""


def _translated(name: str, names: Mapping[str, str]) -> str:
    """Return the name in the other vocabulary."""
    if not names:
        return TO_FIELD_TERMS.get(name, "")
    return names.get(name, "")


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


class _Itself(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return name
