"""The constants inside a user's files, read off the text: value, file and line, and which could not be found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hf_matlab_compat.matlab.source.arithmetic import evaluate
from hf_matlab_compat.matlab.source.assigned import Assignment, assignments, variables
from hf_matlab_compat.matlab.source.text import code_only, without_comments
from hf_matlab_compat.parity.certificate import AMBIGUOUS, NOT_FOUND, PUBLISHED

_NUMBER = r"([\d.(][\d.eE/*^()+\-\s]*)"
_NAME = r"\(?\s*([A-Za-z]\w*)\b(?!\s*[.(])"

_ASSIGNED: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("initlambda", "drop", "boost", "autodamp", "maxiters", "miniters")},
    **{name: (name,) for name in ("tolerance", "gapratio", "mingap", "inext", "imult", "numconn", "initcoeff")},
    "rho_low": ("rho_low",),
    "rho_high": ("rho_high",),
    "precon_exponent": ("preconditioner_exponent",),
    "linesearch_c": ("linesearch_c", "c"),
    "linesearch_factor": ("linesearch_factor",),
    "linesearch_max": ("linesearch_max_reductions",),
    "checkpoint_every": ("checkpoint_period",),
    "decay_biases": ("mask_biases",),
}
"""`nnet_train`'s keywords, and the variables that hold them in people's files."""

_WRITTEN: Mapping[str, tuple[str, ...]] = {
    "rho_low": (r"\brho\s*<\s*VALUE",),
    "rho_high": (r"\brho\s*>\s*VALUE",),
    "precon_exponent": (r"\b(?:precon|Mdiag|M)\s*=.*\.\^\s*VALUE",),
    "linesearch_factor": (r"\brate\s*=\s*VALUE\*\s*rate\b", r"\brate\s*=\s*rate\s*\*\s*VALUE"),
    "linesearch_max": (r"\bwhile\s*\(?\s*\w+\s*<\s*VALUE",),
    "checkpoint_every": (r"\bmod\(\s*epoch\s*,\s*VALUE\s*\)\s*==\s*0",),
}
"""Those that stand in the middle of a formula, as a number or as a variable that has one value."""

_FIRST_COUNTS = ("autodamp",)
"""Switched off and on again in the course of an epoch."""

_SPARSE_START = ("numconn", "initcoeff")
"""Stand where no start was given, under a condition by their nature; comparisons give one."""

_OFTEN_OTHERWISE = ("c",)
"""Variables that may hold something else elsewhere."""

_FIELDS = "default_constants.m"
"""Where `reference_matlab` has its constants: as fields of a struct called c."""

_MASK_ON = re.compile(r"^(?!.*\bnot masking).*masking out the weight-decay for biases")
_MASK_OFF = "not masking out the weight-decay for biases"


@dataclass(frozen=True)
class Constant:
    """A constant of the reference.

    Attributes
    ----------
    name : str
        As `nnet_train`'s keyword.
    value : float
        The one in force; the published one where it was not found.
    place : str
        ``file:line``, or why there is none.
    """

    name: str
    value: Any
    place: str

    def __str__(self) -> str:
        return f"{self.value:g} ({self.place})"


_PUBLISHED: Mapping[str, Any] = {
    **{"initlambda": 45, "drop": 2 / 3, "boost": 1 / (2 / 3), "autodamp": 1, "rho_low": 0.25, "rho_high": 0.75},
    **{"maxiters": 250, "miniters": 1, "tolerance": 5e-4, "gapratio": 0.1, "mingap": 10, "inext": 5, "imult": 1.3},
    **{"precon_exponent": 0.75, "linesearch_c": 1e-2, "linesearch_factor": 0.8, "linesearch_max": 60},
    **{"numconn": 15, "initcoeff": 1, "decay_biases": True, "checkpoint_every": 10},
}
"""Written down once more: read off this package's defaults, a wrong default there would pass for the published one."""


def published(name: str) -> Any:
    """The published value."""
    return _PUBLISHED[name]


def in_words(constants: Mapping[str, Constant]) -> dict[str, str]:
    """Value and place of each; where it is not the published one, that as well."""
    edited = differing(constants)
    return {
        name: f"{c.value:g}{PUBLISHED}{published(name):g}) ({c.place})" if name in edited else str(c)
        for name, c in constants.items()
    }


def read_constants(sources: Mapping[str, str]) -> dict[str, Constant]:
    """All constants of a reference.

    Parameters
    ----------
    sources : mapping of file name to its text
    """
    files = {file: _assignments(file, source) for file, source in sources.items()}
    found: dict[str, Constant] = {}
    for name in _ASSIGNED:
        if name == "decay_biases":
            found[name] = _bias_mask(sources, files)
        else:
            known = {key: constant.value for key, constant in found.items()}
            found[name] = _found(name, sources, files, known)
    return found


def differing(constants: Mapping[str, Constant]) -> dict[str, Any]:
    """Those that are not the published ones, as keywords of `nnet_train`."""
    changed = {key: c.value for key, c in constants.items() if c.value != published(key)}
    if "boost" in constants and constants["boost"].value == 1 / constants["drop"].value:
        changed.pop("boost", None)  # nnet_train's default is 1/drop, too
    elif "drop" in changed:
        changed["boost"] = constants["boost"].value
    return changed


_Files = Mapping[str, Sequence[Assignment]]


@dataclass(frozen=True)
class _Hit:
    """A place that gives a constant a value; None: not one that could be read."""

    value: float | None
    place: str
    conditional: bool = False


def _found(name: str, sources: Mapping[str, str], files: _Files, known: Mapping[str, float]) -> Constant:
    hits = list(_hits(name, files, known))
    if any(hit.value is not None for hit in hits):
        return _assigned(name, hits)
    written = list(_formulas(name, sources, files))
    if written:
        several = len({hit.value for hit in written}) > 1
        reason = f", {AMBIGUOUS}several formulas have one, with other values" if several else ""
        return Constant(name, written[-1].value, written[-1].place + reason)
    if name == "boost" and "drop" in known and not hits:
        return Constant(name, 1 / known["drop"], "1/drop")
    return Constant(name, published(name), _why_not(name, hits, files))


def _assigned(name: str, hits: Sequence[_Hit]) -> Constant:
    """The value in force where there is one that can be read, and what makes it doubtful."""
    read = [hit for hit in hits if hit.value is not None]
    settled = [hit for hit in read if not hit.conditional or name in _SPARSE_START] or read
    hit = settled[0] if name in _FIRST_COUNTS else settled[-1]
    if name in _FIRST_COUNTS:
        hits = [hit]
    unread = [each.place for each in hits if each.value is None]
    if unread:
        return Constant(name, hit.value, f"{hit.place}, {AMBIGUOUS}assigned what cannot be read in {unread[-1]}")
    doubtful = [each.place for each in hits if each.conditional and (each.value != hit.value or each is hit)]
    if doubtful and name not in _SPARSE_START:
        return Constant(name, hit.value, f"{hit.place}, {AMBIGUOUS}assigned under a condition in {doubtful[-1]}")
    several = len({each.value for each in hits}) > 1
    return Constant(name, hit.value, hit.place + (", assigned more than once" if several else ""))


def _why_not(name: str, hits: Sequence[_Hit], files: _Files) -> str:
    if hits:
        return f"{AMBIGUOUS}assigned what cannot be read in {hits[-1].place}: published value assumed"
    for made in files.values():
        for each in made:
            if each.struct and each.name in _ASSIGNED[name] and each.name not in _OFTEN_OTHERWISE:
                return f"{AMBIGUOUS}a field of a struct in {each.place}: published value assumed"
    return NOT_FOUND


def _hits(name: str, files: _Files, known: Mapping[str, float]) -> Iterator[_Hit]:
    for variable in _ASSIGNED[name]:
        for made in files.values():
            values = {**variables(made), **known}
            for each in made:
                if each.name != variable or each.struct:
                    continue
                value = evaluate(each.value, values)
                own = re.search(rf"\b{variable}\b", each.value)  # a step of the algorithm, as inext = inext*imult
                if value is not None or not (own or variable in _OFTEN_OTHERWISE):
                    yield _Hit(None if value is None else _whole(value), each.place, each.conditional)


def _formulas(name: str, sources: Mapping[str, str], files: _Files) -> Iterator[_Hit]:
    for written in _WRITTEN.get(name, ()):
        for file, source in sources.items():
            known = variables(files[file])
            for place, line in _lines(file, source):
                for form in (_NUMBER, _NAME):
                    for match in re.finditer(written.replace("VALUE", form), line):
                        value = evaluate(_balanced(match[1]), known)
                        if value is not None:
                            yield _Hit(_whole(value), place)


def _assignments(file: str, source: str) -> list[Assignment]:
    made = assignments(file, source)
    if file != _FIELDS:
        return made
    # the empty boost stands for 1/drop there, and no condition changes a value
    plain = (each._replace(struct=False, conditional=False) for each in made)
    return [each for each in plain if evaluate(each.value, {}) is not None]


def _lines(file: str, source: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(code_only(source), start=1):
        yield f"{file}:{number}", line


def _bias_mask(sources: Mapping[str, str], files: _Files) -> Constant:
    """The screen says at the start whether biases are decayed, unless a constant of that name does."""
    for hit in _hits("decay_biases", files, {}):
        if hit.value is not None:
            return Constant("decay_biases", not hit.value, hit.place)
    said: dict[bool, str] = {}
    for file, source in sources.items():
        for number, line in enumerate(without_comments(source), start=1):
            if _MASK_OFF in line or _MASK_ON.search(line):
                said.setdefault(_MASK_OFF in line, f"{file}:{number}")
    if len(said) > 1:
        place = f"{AMBIGUOUS}said both ways, in {said[True]} and {said[False]}: published value assumed"
        return Constant("decay_biases", published("decay_biases"), place)
    if said:
        return Constant("decay_biases", *said.popitem())
    return Constant("decay_biases", published("decay_biases"), NOT_FOUND)


def _balanced(text: str) -> str:
    """A number that was matched greedily, cut where its parentheses or its digits end."""
    text = text.strip()
    while text and (text.count(")") > text.count("(") or text[-1] in "*^+-/("):
        text = text[:-1].strip()
    return text


def _whole(value: float) -> float:
    return int(value) if value == int(value) else value
