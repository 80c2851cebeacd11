"""The step: checkpoints, the mask of the weight cost, what becomes of the parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES
from hf_matlab_compat.migrate.trainer.constant_value import constant_value
from hf_matlab_compat.migrate.trainer.findings import Finding, Implied, Unexpressed
from hf_matlab_compat.migrate.trainer.named_constants import abs_is_small
from hf_matlab_compat.migrate.trainer.nodes import (
    LOOPS,
    Node,
    arguments,
    called,
    factors,
    inside,
    is_cell_index,
    names_in,
    row,
    text_of,
    walk,
)
from hf_matlab_compat.migrate.trainer.source import Assignment, Source

Known = Mapping[str, Any]
_ONES = {"ones", "mones", "gones"}


def checkpoints(source: Source, known: Known) -> Iterator[Finding]:
    """The period of kept checkpoints, and what is saved in them."""
    for node in source.nodes:
        if node.type == "if_statement" and _writes(node):
            period = _period(node, known)
            if period is not None:
                yield Implied("checkpoint_period", period, row(node), source.line(node))
    for node in source.calls:
        if called(node) == "save":
            words = [value for value in (constant_value(each, {}) for each in arguments(node)[1:]) if value]
            names = [word for word in words if isinstance(word, str) and not word.startswith("-")]
            extra = [name for name in names if name not in VARIABLES]
            if extra:
                why = f"{', '.join(extra)} is saved too, which MATLAB's trainer cannot resume from; no option saves it"
                yield Unexpressed(row(node), source.line(node), why)


def _writes(node: Node) -> bool:
    calls = (each for each in walk(node) if each.type in ("function_call", "command"))
    return any(text_of(each).startswith(("save", "copyfile")) for each in calls)


def _period(node: Node, known: Known) -> int | None:
    head = next((child for child in node.named_children if child.type != "block"), node)
    for each in walk(head):
        if each.type == "function_call" and called(each) in ("mod", "rem") and len(arguments(each)) == 2:
            value = constant_value(arguments(each)[1], known)
            if isinstance(value, float) and abs_is_small(value) and value == int(value):
                return int(value)
    return None


def bias_mask(source: Source, known: Known) -> Iterator[Finding]:
    """Whether the weight cost leaves biases alone."""
    weights, biases = _mask_cells(source)
    for one in source.assignments:
        if one.target.type != "function_call" or one.name not in weights | biases or not _is_zero(one, known):
            continue
        line, text = row(one.node), source.line(one.node)
        if one.name in biases:
            yield Implied("decay_biases", False, line, text)
        else:
            yield Unexpressed(line, text, "the weight cost leaves some weights alone")


def _mask_cells(source: Source) -> tuple[set[str], set[str]]:
    """Names of W and b of the mask: outputs of unpack of a vector of ones."""
    ones = {one.name for one in source.assignments if _calls(one.value, _ONES)}
    unpacked = [
        one
        for one in source.assignments
        if _calls(one.value, {"unpack"}) and names_in(one.value) & ones and one.index < 2
    ]
    return {one.name for one in unpacked if one.index == 0}, {one.name for one in unpacked if one.index == 1}


def _calls(node: Node, names: set[str]) -> bool:
    return node.type == "function_call" and called(node) in names


def _is_zero(one: Assignment, known: Known) -> bool:
    if _calls(one.value, {"zeros", "mzeros", "gzeros"}) or constant_value(one.value, known) == 0:
        return True
    return any(constant_value(each, known) == 0 for each in factors(one.value))


def parameters_otherwise(source: Source, known: Known) -> Iterator[Finding]:
    """Assignments to the parameters, gradient and ratio inside the epochs that are none of the method's."""
    del known
    for name, usual in _USUAL.items():
        for one in source.of(name):
            strange = names_in(one.value) - usual
            kept = one.value.type == "identifier" or is_cell_index(one.value)
            copied = kept or one.target.parent.type == "multioutput_variable"
            if _in_epochs(one.node) and strange and not copied:
                why = f"{name} also depends on {', '.join(sorted(strange))}, for which there is no option"
                yield Unexpressed(row(one.node), source.line(one.node), why)


_ARITHMETIC = {"conv", "double", "single", "gather", "makeDouble", "mzeros", "zeros", "psize", "gsingle", "Inf", "inf"}
_PACKED = {"pack", "dEdW", "dEdb", "dEdW2", "dEdb2"}
_USUAL: Mapping[str, set[str]] = {
    "paramsp": {"paramsp", "rate", "p", "chs", "j", "tmp"} | _ARITHMETIC,
    "grad": {"grad", "numcases", "weightcost", "maskp", "paramsp", "computeGradient"} | _PACKED | _ARITHMETIC,
    "grad2": {"grad2", "numcases"} | _PACKED | _ARITHMETIC,
    "rho": {"oldll_chunk", "ll_chunk", "denom", "reduction_ratio"} | _ARITHMETIC,
}


def _in_epochs(node: Node) -> bool:
    """Whether a loop over epochs is around it."""
    loop = inside(node, LOOPS)
    while loop is not None:
        if any("maxepoch" in names_in(head) for head in loop.named_children if head.type != "block"):
            return True
        loop = inside(loop, LOOPS)
    return False


def early_stops(source: Source, known: Known) -> Iterator[Finding]:
    """Ways out of the loop over epochs before the last one."""
    del known
    for node in source.nodes:
        if node.type not in ("break_statement", "return_statement"):
            continue
        loop = inside(node, LOOPS)
        over_epochs = loop is not None and any(
            "maxepoch" in names_in(head) for head in loop.named_children if head.type != "block"
        )
        if over_epochs or (node.type == "return_statement" and _in_epochs(node)):
            yield Unexpressed(
                row(node), source.line(node), "training stops before the last epoch, by a rule of its own"
            )
