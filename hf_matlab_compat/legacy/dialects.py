"""Calls of the trainer that circulate in forks, recognised by the number and the types of their arguments.

A form is one of the lists of names below: the 22 published names in the published order, without some of them. A call
has a form if the number of arguments fits and every argument has the type of its name. If exactly one form fits, the
arguments get its names. If the form belongs to a program that computes something else, or the order cannot be known,
the call is refused with a sentence that says what was recognised and what to call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.legacy.arguments import is_empty
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS

PUBLISHED = tuple(TRAINER_ARGUMENTS)
"""The 22 names, in order."""

_WHEN_LEFT_OUT: Mapping[str, Any] = {
    "runDesc": "",
    "mattype": "gn",
    "jacket": 0,
    "intest": None,
    "outtest": None,
    "numchunks_test": 1,
}
_CALL = "Call nnet_train, which takes every argument by its name."
_ALL = "Give all 22, or call nnet_train, which takes every argument by its name."


@dataclass(frozen=True)
class Dialect:
    """A form of the call.

    Attributes
    ----------
    name : str
        Its name here.
    names : tuple of str
        Names of its arguments, in order; empty if unknown.
    refusal : str
        Why it is not run and what to call instead; empty if it is run.
    """

    name: str
    names: tuple[str, ...]
    refusal: str = ""


def _without(*left_out: str) -> tuple[str, ...]:
    return tuple(name for name in PUBLISHED if name not in left_out)


_AFTER_BIN = PUBLISHED.index("bin") + 1

FORMS = (
    Dialect("the published 22", PUBLISHED),
    Dialect("21 without jacket", _without("jacket")),
    Dialect("21 without runDesc", _without("runDesc")),
    Dialect("21 without mattype", _without("mattype")),
    Dialect("20 without runDesc and jacket", _without("runDesc", "jacket")),
    Dialect("20 without mattype and jacket", _without("mattype", "jacket")),
    Dialect("20 without test data, but with its number of chunks", _without("intest", "outtest")),
    Dialect("19 without runDesc, mattype and jacket", _without("runDesc", "mattype", "jacket")),
    Dialect("19 without test data", _without("intest", "outtest", "numchunks_test")),
    Dialect(
        "23 with Nin after bin",
        (*PUBLISHED[:_AFTER_BIN], "Nin", *PUBLISHED[_AFTER_BIN:]),
        "This is the call of a fork with batch normalisation, which trains another network. "
        "Leave Nin out to train a network without it.",
    ),
    Dialect(
        "23 with thresh first",
        ("thresh", *PUBLISHED),
        "This is the call of a fork with another step rule, of which thresh is a setting. "
        "Leave thresh out to train by the published method.",
    ),
    Dialect(
        "22 with thresh first and without jacket",
        ("thresh", *_without("jacket")),
        "This is the call of a fork with another step rule, of which thresh is a setting. "
        "Leave thresh out and add jacket to train by the published method.",
    ),
    Dialect(
        "KFAC",
        (
            "runName", "runDesc", "paramsp", "Win", "bin", "resumeFile", "maxiter", "indata", "outdata", "intest",
            "outtest", "layersizes", "layertypes", "mattype", "rms", "errtype", "weightcost", "minibatch_startsize",
            "minibatch_maxsize", "minibatch_maxsize_targetiter", "maxchunksize", "compMode", "cacheOnGPU",
        ),
        "This is the call of the later Kronecker-factored program (KFAC) under the same name, which is another "
        "algorithm. For Hessian-free training call nnet_train_2 with the 22 arguments, numchunks among them.",
    ),
)  # fmt: skip
"""All known forms."""


def recognise(args: Sequence[Any]) -> Dialect:
    """Return the form of a call of `nnet_train_2`.

    Parameters
    ----------
    args : sequence
        Its positional arguments.

    Returns
    -------
    Dialect
        With a `refusal` if the form is not run. 22 arguments are the published ones, whatever their types, unless their
        types are exactly those of another program; later checks test them one by one.
    """
    fitting = [form for form in FORMS if _fits(form.names, args)]
    if len(args) == len(PUBLISHED) and not (fitting and fitting[0].refusal):
        return FORMS[0]
    if len(fitting) == 1:
        form, rivals = fitting[0], _rivals(fitting[0], args)
        doubt = f"It is also possible that {', or '.join(rivals)} is left out. {_ALL}"
        return replace(form, refusal=doubt) if rivals else form
    if len(args) == 23 and isinstance(args[-2], str):
        return FORMS[-1]
    return Dialect(f"{len(args)} arguments", (), _unknown(args, fitting))


def is_foreign(args: Sequence[Any]) -> bool:
    """Return whether positional arguments are anything but the published 22."""
    return recognise(args) is not FORMS[0]


def assumption(args: Sequence[Any]) -> str:
    """Return the warning about a call of another known form: which form was assumed, and what was filled in."""
    form = recognise(args)
    filled = ", ".join(f"{name}={_WHEN_LEFT_OUT[name]!r}" for name in PUBLISHED if name not in form.names)
    return (
        f"nnet_train_2: {len(args)} arguments were taken as the form {form.name!r}, with runName={args[0]!r} and, for "
        f"the missing ones, {filled}. Give all {len(PUBLISHED)} to be sure."
    )


def as_22_arguments(args: Sequence[Any]) -> tuple[Any, ...]:
    """Return the 22 arguments of `nnet_train_2` that a call of any known form means.

    Parameters
    ----------
    args : sequence
        Positional arguments.

    Returns
    -------
    tuple
        In the published order; the missing ones are ``''`` (runDesc), ``'gn'`` (mattype), 0 (jacket), None
        (intest, outtest) and 1 (numchunks_test).

    Raises
    ------
    OptionError
        The form is unknown, or belongs to a program that computes something else.
    """
    found = recognise(args)
    if found.refusal:
        raise OptionError(
            "arguments",
            expected="the 22 of nnet_train_2, or a known form of fewer",
            got=f"{len(args)} ({found.name})" if found.names else f"{len(args)}",
            advice=found.refusal.replace("{", "{{").replace("}", "}}"),
        )
    given = dict(zip(found.names, args, strict=True))
    return tuple(given[name] if name in given else _WHEN_LEFT_OUT[name] for name in PUBLISHED)


def _rivals(form: Dialect, args: Sequence[Any]) -> list[str]:
    """Return what else may have been left out, if types and values fit as well."""
    rivals: list[str] = []
    if "jacket" not in form.names and not form.refusal:
        whole = [name for name in PUBLISHED if name in (*form.names, "jacket")]
        for forgotten in _LAST_NUMBERS:
            if _sensible([name for name in whole if name != forgotten], args):
                rivals.append(f"{forgotten} rather than jacket")
    if "runDesc" not in form.names and not form.refusal and len(str(args[0]).split()) > 1:
        rivals.append("runName rather than runDesc")  # several words are a description; a file stem is one word
    return rivals


_LAST_NUMBERS = ("hybridmode", "weightcost", "decay")
"""The arguments before jacket. All are numbers, so types do not tell which of the four is missing."""


def _sensible(names: Sequence[str], args: Sequence[Any]) -> bool:
    """Return whether each of the last numbers is a possible value of its name."""
    given = {name: float(np.ravel(value)[0]) for name, value in zip(names, args, strict=True) if name in _RANGES}
    return all(_RANGES[name](value) for name, value in given.items())


_RANGES: Mapping[str, Callable[[float], bool]] = {
    "hybridmode": lambda value: value in (0, 1),
    "weightcost": lambda value: value >= 0,
    "decay": lambda value: 0 <= value <= 1,
    "jacket": lambda value: value in (0, 1),
}


def _unknown(args: Sequence[Any], fitting: Sequence[Dialect]) -> str:
    kinds = ", ".join(_kind(value) for value in args)
    if fitting:
        return f"It may be {' or '.join(form.name for form in fitting)} ({kinds}). {_CALL}"
    matrices = sum(_is_matrix(value) for value in args)
    if len(args) == 20 and matrices in (2, 3):
        return (
            f"It looks like timenet_train, without test data and with an argument of its own ({kinds}), whose order "
            f"is not known. {_CALL} Leave intest and outtest away."
        )
    return f"No known form has these types in this order ({kinds}). {_CALL}"


def _kind(value: Any) -> str:
    if is_empty(value):
        return "[]"
    if _is_text(value):
        return "text"
    if _is_number(value):
        return "number"
    if _is_matrix(value) or isinstance(value, np.ndarray):
        return "×".join(map(str, np.shape(value)))
    return f"{len(value)} cells" if isinstance(value, list | tuple) else type(value).__name__


def _fits(names: Sequence[str], args: Sequence[Any]) -> bool:
    return len(names) == len(args) and all(_CHECKS[name](value) for name, value in zip(names, args, strict=True))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, np.ndarray) and value.dtype.kind == "U" and value.size == 1)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool | int | float | np.number | np.bool_):
        return True
    return isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "fiub"


def _is_matrix(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 2 and value.size > 1 and value.dtype.kind in "fiub"
    shape = getattr(value, "shape", None)  # an array of another library
    return isinstance(shape, tuple) and len(shape) == 2


def _is_array(value: Any) -> bool:
    return not _is_text(value) and not _is_number(value) and hasattr(value, "shape")


def _is_cells(value: Any) -> bool:
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype == object)


def _is_sizes(value: Any) -> bool:
    if is_empty(value) or _is_number(value):
        return not isinstance(value, str)
    if isinstance(value, list | tuple):
        return all(_is_number(each) for each in value)
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiu" and value.size == max(value.shape)


def _is_types(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "UO" and value.size > 0
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(each, str) for each in value)


def _or_empty(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: check(value) or is_empty(value)


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("runName", "mattype", "errtype", "compMode"), _is_text),
    **dict.fromkeys(("runDesc",), _is_text),
    **dict.fromkeys(("paramsp",), lambda value: not isinstance(value, str) and (_is_array(value) or is_empty(value))),
    **dict.fromkeys(("Win", "bin", "Nin"), lambda value: not isinstance(value, str) and _or_empty(_is_cells)(value)),
    "resumeFile": _or_empty(_is_text),
    **dict.fromkeys(("indata", "outdata"), _is_matrix),
    **dict.fromkeys(("intest", "outtest"), lambda value: not isinstance(value, str) and _or_empty(_is_matrix)(value)),
    "layersizes": _is_sizes,
    "layertypes": _is_types,
    **dict.fromkeys(
        (
            "thresh", "maxepoch", "maxiter", "numchunks", "numchunks_test", "rms", "hybridmode", "weightcost", "decay",
            "jacket", "minibatch_startsize", "minibatch_maxsize", "minibatch_maxsize_targetiter", "maxchunksize",
            "cacheOnGPU",
        ),
        _is_number,
    ),
}  # fmt: skip
