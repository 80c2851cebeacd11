"""Rules about single variables: data, mask, minibatch, classes, end of the backtracking, units, initialisation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hf_matlab_compat.matlab.source.evaluation import literal
from hf_matlab_compat.matlab.source.program import Program
from hf_matlab_compat.matlab.source.tree import (
    LOOPS,
    Assignment,
    Node,
    Source,
    ancestors,
    arguments,
    called,
    inside,
    is_cell_index,
    names_in,
    operands,
    row,
    text_of,
    unwrapped,
    walk,
)
from hf_matlab_compat.matlab.source.values import EMPTY
from hf_matlab_compat.migrate.trainer.findings import Finding, Unexpressed
from hf_matlab_compat.migrate.trainer.formula_rules import UNKNOWN
from hf_matlab_compat.migrate.trainer.formulas import shape_of, uncast, written

_DATA = ("indata", "outdata", "intest", "outtest")
_WHOLE_ONLY = (*_DATA, "paramsp", "ch", "grad", "grad2", "p", "lambda")
"""Variables that the method only ever sets whole."""

_MASKS = {"ones", "mones", "gones", "pack", "weightcost_mask"}
_EMPTIES = {"zeros", "mzeros", "gzeros"}
_SINGLE = {"single", "gsingle", "GPUsingle"}
_DOUBLE = {"double", "gdouble"}
_UNITS = ("logistic", "tanh", "linear", "softmax")


def data(program: Program) -> Iterator[Finding]:
    """Find changes of the cases beyond a cast."""
    for name in _DATA:
        for one in program.of(name):
            listed = one.target.parent.type == "multioutput_variable"
            same = text_of(_given(program, one.value)) == name or _is_empty(one.value)
            if one.target.type == "identifier" and not listed and not same:
                yield Unexpressed.at(program, one.node, f"{name} is changed before it is trained on")


def _is_empty(node: Node) -> bool:
    """``[]`` or ``zeros(n, 0)``: no cases."""
    sizes = arguments(node) if node.type == "function_call" and called(node) in _EMPTIES else []
    return literal(node) == EMPTY or any(literal(size) == 0 for size in sizes)


def _given(program: Program, node: Node) -> Node:
    """Return x for a cast of x, by one of the file's own handles too."""
    node = uncast(node)
    for one in program.of(called(node)) if node.type == "function_call" and called(node) else ():
        if one.value.type == "lambda" and uncast(one.value.named_children[-1]).type == "identifier":
            return arguments(node)[0] if arguments(node) else node
    return node


def parts_alone(program: Program) -> Iterator[Finding]:
    """Find elements of the parameters, gradient or cases that are set alone."""
    for name in _WHOLE_ONLY:
        for one in program.of(name):
            if one.target.type == "function_call":
                yield Unexpressed.at(program, one.node, f"a part of {name} is set alone")


def mask(program: Program) -> Iterator[Finding]:
    """Find a mask of the weight cost that is neither all ones nor packed from the cells of W and b."""
    for one in program.of("maskp"):
        value = uncast(one.value)
        usual = called(value) in _MASKS and not is_cell_index(value)
        plain = value.type in ("identifier", "field_expression") or program.value(one.value) == 1
        if not usual and not plain:
            why = "the weight cost has a mask of the file's own; where it is 0 for biases, say mask_biases=1"
            yield Unexpressed.at(program, one.node, why)


def minibatch(program: Program) -> Iterator[Finding]:
    """Find minibatches that are not taken in turn."""
    for one in program.of("targetchunk"):
        usual = written(shape_of(one.value, set())) == written(_next_chunk())
        if one.in_loop and not usual:
            yield Unexpressed.at(program, one.node, "the minibatch of an epoch is chosen otherwise")


def _next_chunk() -> Any:
    return shape_of(Source(["x_ = mod(a - 1, b) + 1;\n"]).assignments[0].value, set())


def stored_class(program: Program) -> Iterator[Finding]:
    """Find activities that are stored in another class than that of the work."""
    work = next((kind for kind in map(_kind, reversed(program.of("conv"))) if kind), None)
    for one in program.of("store"):
        kind = _kind(one)
        if kind is not None and work is not None and kind != work:
            why = f"activities are stored in {kind} and the work is in {work}, for which there is no option"
            yield Unexpressed.at(program, one.node, why)


def _kind(one: Assignment) -> str | None:
    names = names_in(one.value) if one.value.type in ("handle_operator", "lambda") else set[str]()
    return "single" if names & _SINGLE else "double" if names & _DOUBLE else None


def backtracking_condition(program: Program) -> Iterator[Finding]:
    """Find a backtracking that ends otherwise than at an iterate worse than the best so far."""
    call = program.solver_call
    iterates = text_of(call.target) if call is not None else "chs"
    for loop in (node for node in program.nodes if node.type in LOOPS):
        news = {one.name for one in program.assignments if one.index == 0 and _judges(one, iterates, loop)}
        for node in walk(loop) if news else ():
            ends = node.type in ("break_statement", "return_statement") and inside(node, LOOPS) == loop
            condition = _condition(inside(node, ("if_statement", "elseif_clause"))) if ends else None
            if condition is not None and not _is_worse(condition, news):
                yield Unexpressed.at(program, condition, f"the end of the walk back is {UNKNOWN}")


def _judges(one: Assignment, iterates: str, loop: Node) -> bool:
    """Return whether it is ``[lowll, …] = computeLL(paramsp + chs{…}, …)`` in this loop."""
    given = [each for each in arguments(one.value)[:1] if one.value.type == "function_call"]
    return bool(given) and iterates + "{" in text_of(given[0]) and inside(one.node, LOOPS) == loop


def _condition(clause: Node | None) -> Node | None:
    return clause.named_children[0] if clause is not None and clause.named_children else None


def _is_worse(condition: Node, news: set[str]) -> bool:
    parts = operands(unwrapped(condition))
    if parts is None or parts[1] not in ("<", ">"):
        return False
    new, best = (parts[0], parts[2]) if parts[1] == "<" else (parts[2], parts[0])
    return text_of(unwrapped(new)) in news and unwrapped(best).type == "identifier"


def unit_words(program: Program) -> Iterator[Finding]:
    """Find kinds of units that a ``switch`` adds, and units that are computed by another function."""
    for node in program.nodes:
        if node.type == "case_clause" and "layertypes" in names_in(_condition(node.parent) or node):
            for word in _words(node):
                if word not in _UNITS:
                    yield Unexpressed.at(program, node, f"there is no layertypes {word!r} here")
    for one in program.assignments:
        used = {called(each) for each in walk(one.value) if each.type == "function_call"} & {"tanh", "exp"}
        about = _units_around(one.node)
        wrong = ("tanh" in used and "tanh" not in about) or ("exp" in used and not {"logistic", "softmax"} & {*about})
        if about and wrong:
            why = f"units called {' or '.join(about)} are computed as others: {UNKNOWN}"
            yield Unexpressed.at(program, one.node, why)


def _words(clause: Node) -> list[str]:
    head = _condition(clause)
    strings = [] if head is None or head.type == "block" else [each for each in walk(head) if each.type == "string"]
    return [text_of(each)[1:-1] for each in strings]


def _units_around(node: Node) -> tuple[str, ...]:
    """Return the kinds of units that the innermost clause around selects; empty for another condition."""
    for clause in ancestors(node):
        if clause.type in ("else_clause", "otherwise_clause"):
            return ()
        if clause.type in ("case_clause", "if_statement", "elseif_clause"):
            asked = text_of(_condition(clause) or clause)
            return () if "~" in asked else tuple(word for word in _words(clause) if word in _UNITS)
    return ()


def initialisation(program: Program) -> Iterator[Finding]:
    """Find initialisations that do not halve weights on both sides of tanh units, or not set tanh biases to 0.5."""
    draws = [one for one in program.assignments if "randn" in names_in(one.value) and "numconn" in names_in(one.value)]
    if not draws:
        return
    halvings = [one for one in program.assignments if _about_tanh(one) and _halves(one)]
    biases = [one for one in program.assignments if _about_tanh(one) and _is_half(one)]
    line, text = row(draws[0].node), program.line(draws[0].node)
    if len(halvings) < 2:
        yield Unexpressed(line, text, "random weights are not halved on both sides of tanh units")
    if not biases:
        yield Unexpressed(line, text, "no line was found that sets the biases of tanh units to 0.5")


def _about_tanh(one: Assignment) -> bool:
    around = (_condition(each) for each in ancestors(one.node) if each.type in ("if_statement", "elseif_clause"))
    return any("'tanh'" in text_of(each) for each in (one.value, *around) if each is not None)


def _halves(one: Assignment) -> bool:
    shape = shape_of(one.value, set())
    return shape.kind == "product" and len(shape.parts) == 2 and shape.parts[0].word == "0.5" and not _is_half(one)


def _is_half(one: Assignment) -> bool:
    """Return whether it is ``b(:) = 0.5``, or 0.5 times a comparison with 'tanh'."""
    compact = text_of(one.value)
    return literal(one.value) == 0.5 or ("0.5*" in compact and "'tanh'" in compact)


RULES = (
    data, parts_alone, mask, minibatch, stored_class, backtracking_condition, unit_words, initialisation,
)  # fmt: skip
"""Rules about single variables."""
