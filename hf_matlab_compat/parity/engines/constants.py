"""The constants inside a user's files, read off the text: value, file and line, and which could not be found."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hf_matlab_compat.parity.certificate import PUBLISHED
from hf_matlab_compat.parity.engines.matlab_source import code_only, without_comments

NOT_FOUND = "not found: published value assumed"

_NUMBER = r"([\d.(][\d.eE/*^()+\-\s]*)"

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
    "rho_low": (rf"\brho\s*<\s*{_NUMBER}",),
    "rho_high": (rf"\brho\s*>\s*{_NUMBER}",),
    "precon_exponent": (rf"\b(?:precon|Mdiag|M)\s*=.*\.\^\s*{_NUMBER}",),
    "linesearch_factor": (rf"\brate\s*=\s*{_NUMBER}\*\s*rate\b", rf"\brate\s*=\s*rate\s*\*\s*{_NUMBER}"),
    "linesearch_max": (r"\bwhile\s*\(?\s*\w+\s*<\s*(\d+)",),
    "checkpoint_every": (r"\bmod\(\s*epoch\s*,\s*(\d+)\s*\)\s*==\s*0",),
}
"""Those that stand in the middle of a formula."""

_FIRST_COUNTS = ("autodamp",)
"""Switched off and on again in the course of an epoch."""

_MASK_ON = re.compile(r"^(?!.*\bnot masking).*masking out the weight-decay for biases")
_MASK_OFF = "not masking out the weight-decay for biases"

_OPERATORS: Mapping[type, Any] = {
    **{ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv},
    **{ast.Pow: operator.pow, ast.USub: operator.neg, ast.UAdd: operator.pos},
}


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
    found: dict[str, Constant] = {}
    for name in _ASSIGNED:
        if name == "decay_biases":
            found[name] = _bias_mask(sources)
        else:
            known = {key: constant.value for key, constant in found.items()}
            found[name] = _found(name, sources, known)
    return found


def differing(constants: Mapping[str, Constant]) -> dict[str, Any]:
    """Those that are not the published ones, as keywords of `nnet_train`."""
    changed = {key: c.value for key, c in constants.items() if c.value != published(key)}
    if "boost" in constants and constants["boost"].value == 1 / constants["drop"].value:
        changed.pop("boost", None)  # nnet_train's default is 1/drop, too
    elif "drop" in changed:
        changed["boost"] = constants["boost"].value
    return changed


def _found(name: str, sources: Mapping[str, str], known: Mapping[str, float]) -> Constant:
    hits = list(_assignments(name, sources, known)) or list(_formulas(name, sources))
    if not hits:
        if name == "boost" and "drop" in known:
            return Constant(name, 1 / known["drop"], "1/drop")
        return Constant(name, published(name), NOT_FOUND)
    hit = hits[0] if name in _FIRST_COUNTS else hits[-1]
    several = len({each.value for each in hits}) > 1 and name not in _FIRST_COUNTS
    return Constant(name, hit.value, hit.place + (", assigned more than once" if several else ""))


def _assignments(name: str, sources: Mapping[str, str], known: Mapping[str, float]) -> Iterator[Constant]:
    for variable in _ASSIGNED[name]:
        pattern = re.compile(rf"(?<![\w.])(?:\w+\.)?{variable}\s*=(?!=)\s*([^;,\n]+)")
        for place, line in _lines(sources):
            for match in pattern.finditer(line):
                value = evaluate(match[1], known)
                if value is not None:
                    yield Constant(name, _whole(value), place)


def _formulas(name: str, sources: Mapping[str, str]) -> Iterator[Constant]:
    for written in _WRITTEN.get(name, ()):
        for place, line in _lines(sources):
            for match in re.finditer(written, line):
                value = evaluate(_balanced(match[1]), {})
                if value is not None:
                    yield Constant(name, _whole(value), place)


def _lines(sources: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for file, source in sources.items():
        for number, line in enumerate(code_only(source), start=1):
            yield f"{file}:{number}", line


def _bias_mask(sources: Mapping[str, str]) -> Constant:
    """The screen says at the start whether biases are decayed, unless a constant of that name does."""
    for hit in _assignments("decay_biases", sources, {}):
        return Constant("decay_biases", not hit.value, hit.place)
    for file, source in sources.items():
        for number, line in enumerate(without_comments(source), start=1):
            if _MASK_OFF in line:
                return Constant("decay_biases", True, f"{file}:{number}")
            if _MASK_ON.search(line):
                return Constant("decay_biases", False, f"{file}:{number}")
    return Constant("decay_biases", published("decay_biases"), NOT_FOUND)


def evaluate(expression: str, known: Mapping[str, float]) -> float | None:
    """The value of MATLAB arithmetic on numbers and known names; None for anything else."""
    try:
        tree = ast.parse(expression.strip().replace(".^", "**").replace("^", "**"), mode="eval")
        return float(_value(tree.body, known))
    except (SyntaxError, ValueError, KeyError, TypeError, ArithmeticError):
        return None


def _value(node: ast.expr, known: Mapping[str, float]) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.Name):
        return known[node.id]
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_value(node.left, known), _value(node.right, known))
    if isinstance(node, ast.UnaryOp):
        return _OPERATORS[type(node.op)](_value(node.operand, known))
    raise ValueError


def _balanced(text: str) -> str:
    """A number that was matched greedily, cut where its parentheses or its digits end."""
    text = text.strip()
    while text and (text.count(")") > text.count("(") or text[-1] in "*^+-/("):
        text = text[:-1].strip()
    return text


def _whole(value: float) -> float:
    return int(value) if value == int(value) else value
