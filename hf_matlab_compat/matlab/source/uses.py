"""Uses of the constants in the algorithm: the expressions whose values are read, one rule a constant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from hf_matlab_compat.matlab.source.program import NOTHING, Program, last_name, times
from hf_matlab_compat.matlab.source.tree import (
    CLAUSES,
    LOOPS,
    Assignment,
    Node,
    Source,
    ancestors,
    arguments,
    called,
    factors,
    head_of,
    inside,
    is_call_of,
    names_in,
    operands,
    row,
    text_of,
    unwrapped,
    walk,
)
from hf_matlab_compat.matlab.source.values import (
    BINARY,
    EMPTY,
    FUNCTIONS,
    UNKNOWN,
    Values,
    computed,
    exactly,
    joined,
    only,
)

ONES, ZEROS = {"ones", "mones", "gones"}, {"zeros", "mzeros", "gzeros"}
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_MASKED, _NOT_MASKED = "masking out the weight-decay for biases", "not masking out the weight-decay for biases"


def _comparisons(node: Node) -> Iterator[tuple[Node, tuple[Node, str, Node]]]:
    """Yield the comparisons in an expression with ``<`` or ``>``, the operator reversed under a negation."""
    for each in walk(node):
        parts = operands(each) if each.type == "comparison_operator" else None
        if parts is not None and parts[1] in _FLIPPED:
            negated = sum(
                outer.type == "not_operator" for outer in ancestors(each) if outer.start_byte >= node.start_byte
            )
            yield each, (parts[0], _FLIPPED[parts[1]] if negated % 2 else parts[1], parts[2])


# lambda --------------------------------------------------------------------------------------------------------------


def _start_of_lambda(program: Program) -> Values:
    return frozenset(pair for pair in program.entering(program.epochs, "lambda") if pair[1])


def adaptations(program: Program) -> Iterator[tuple[Assignment, str, Values]]:
    """Yield the assignments to lambda under a comparison of rho: each with 'low' or 'high', and the threshold."""
    for one in program.of("lambda"):
        for clause in ancestors(one.node):
            side = _side(program, _decisive(clause))
            if side is not None:
                yield one, *side
                break


def _decisive(clause: Node) -> tuple[Node | None, bool]:
    """Return the condition that leads into a clause, and whether it must be false."""
    if clause.type in CLAUSES:
        return head_of(clause), False
    if clause.type != "else_clause":
        return None, False
    before = [child for child in clause.parent.children if child.type == "elseif_clause"]
    return head_of(before[-1] if before else clause.parent), True


def _side(program: Program, condition: tuple[Node | None, bool]) -> tuple[str, Values] | None:
    head, reverse = condition
    for _, (left, sign, right) in () if head is None else _comparisons(head):
        if text_of(unwrapped(right)) == "rho":
            left, sign, right = right, _FLIPPED[sign], left
        if text_of(unwrapped(left)) == "rho":
            sign = _FLIPPED[sign] if reverse else sign
            return "low" if sign[0] == "<" else "high", program.values(right)
    return None


def multiplier(program: Program, one: Assignment) -> Values:
    """Return c of ``x = c*x``, or 1/c of ``x = x/c``; empty for another form."""
    parts = operands(unwrapped(one.value))
    if parts is not None and parts[1] in ("/", "./") and text_of(unwrapped(parts[0])) == text_of(one.target):
        return computed(BINARY["/"], [exactly(1.0), program.values(parts[2])])
    every = factors(one.value)
    others = [each for each in every if text_of(each) != text_of(one.target)]
    if len(others) != len(every) - 1 or not others:
        return NOTHING
    return times([program.values(each) for each in others])


def _adapted(side: str) -> Callable[[Program], Values]:
    def found(program: Program) -> Values:
        rows = [(one, multiplier(program, one)) for one, where, _ in adaptations(program) if where == side]
        if rows:
            return joined(*(factor for _, factor in rows))
        if not any(True for _ in adaptations(program)) and _never_adapted(program):
            return exactly(1.0, row(program.of("lambda")[-1].node))
        return NOTHING

    return found


def _never_adapted(program: Program) -> bool:
    """Return whether lambda is set and no line that could adapt it is out of sight."""
    made = program.of("lambda")
    return (
        bool(made)
        and program.epochs is not None
        and not any(one.in_loop or "update" in called(one.value) for one in made)
    )


def _threshold(side: str) -> Callable[[Program], Values]:
    def found(program: Program) -> Values:
        values = [threshold for _, where, threshold in adaptations(program) if where == side]
        if not values:
            heads = (head_of(node) for node in program.nodes if node.type in CLAUSES)
            sides = (_side(program, (head, False)) for head in heads)
            values = [threshold for each in sides if each for where, threshold in [each] if where == side]
        return joined(*values)

    return found


def _damping(program: Program) -> Values:
    """Read the switch at the head of an epoch: the published file turns it off and on again around rho."""
    targets = sorted({text_of(one.target) for one in program.of("autodamp") if one.in_loop})
    first = joined(*(program.entering(program.epochs, target) for target in targets))
    every = joined(*(program.turning(program.epochs, target) for target in targets))
    return first if only(first) == only(every) else every


# conjugate gradients -------------------------------------------------------------------------------------------------


def _steps(program: Program) -> Values:
    loops = (node for node in program.nodes if node.type == "for_statement" and "pAp" in names_in(node))
    ranges = [end for loop in loops if (end := head_of(loop).named_children[-1]).type == "range"]
    return joined(*(_whole(program, each.named_children[-1]) for each in ranges)) or _given(program, 3)


def _least_steps(program: Program) -> Values:
    return _given(program, 4)


def _given(program: Program, place: int) -> Values:
    """Return an argument of the solver's call."""
    call = program.solver_call
    given = arguments(call.value)[place : place + 1] if call is not None else []
    return joined(*(_whole(program, each) for each in given))


def _whole(program: Program, node: Node) -> Values:
    """Return the values of ``x`` for ``ceil(x)``."""
    inner = unwrapped(node)
    found = program.values(arguments(inner)[0] if is_call_of(inner, {"ceil"}) and arguments(inner) else inner)
    return found if only(found) is not UNKNOWN or len(found) > 1 else NOTHING


def _tolerance(program: Program) -> Values:
    bounds = (
        parts[2]
        for node in program.nodes
        for parts in [operands(node)]
        if parts is not None and parts[1] in ("<", "<=") and "testgap" in names_in(parts[2])
    )
    return joined(*(program.product(bound, {"testgap"}) for bound in bounds if program.reached(bound)))


def gaps(program: Program) -> Iterator[tuple[Assignment, Node | None, Node | None]]:
    """Yield the assignments of the stopping rule's gap: with its ratio's product and its least value, or None."""
    for one in program.of("testgap"):
        given = arguments(one.value) if is_call_of(one.value, {"max"}) else []
        rounded = [each for each in given if is_call_of(each, {"ceil"}) and arguments(each)]
        least = [each for each in given if each not in rounded]
        known = len(given) == 2 and len(rounded) == 1 and program.value(least[0]) is not UNKNOWN
        yield (one, arguments(rounded[0])[0], least[0]) if known else (one, None, None)


def _gap_ratio(program: Program) -> Values:
    found = [(one, ratio) for one, ratio, _ in gaps(program) if ratio is not None]
    return joined(*(program.product(ratio, {"i"}) for _, ratio in found))


def _least_gap(program: Program) -> Values:
    return joined(*(program.values(least) for _, _, least in gaps(program) if least is not None))


def _stepping(source: Source, name: str) -> list[Assignment]:
    return [one for one in source.of(name) if name in names_in(one.value) and one.in_loop]


def _grid_start(program: Program) -> Values:
    """Read the grid's first step where the loop that moves it begins."""
    found: list[Values] = []
    for one in _stepping(program, "inext"):
        loops = [outer for outer in ancestors(one.node) if outer.type in LOOPS]
        found += [program.entering(loop, text_of(one.target)) for loop in loops]
    return next((values for values in found if values), NOTHING)


def _grid_factor(program: Program) -> Values:
    return joined(*(program.product(one.value, {"inext"}) for one in _stepping(program, "inext")))


def _first_coefficient(program: Program) -> Values:
    """Read the coefficient before the first line that halves it for a tanh unit."""
    steps = [one for one in program.of("initcoeff") if inside(one.node, CLAUSES) is not None]
    first = next((one for one in steps if "initcoeff" in names_in(one.value)), None)
    own = [each for each in walk(first.value) if last_name(each) == "initcoeff"] if first is not None else []
    return program.values(own[0]) if own else NOTHING


# preconditioner ------------------------------------------------------------------------------------------------------


def preconditioners(program: Program) -> list[Assignment]:
    """Return the assignments that make the preconditioner: those before the solver's call, or in a function called."""
    source, call = program, program.solver_call
    given = arguments(call.value)[5:6] if call is not None else []
    names = [text_of(given[0])] if given else [] if call is not None else ["precon", "Mdiag", "M"]
    made = [
        one
        for name in names
        for one in source.of(name)
        if program.reached(one.value) and (call is None or row(one.node) <= row(call.node))
    ]
    elsewhere = {called(one.value) for one in made if one.value.type == "function_call"} - ONES
    bodies = [each for each in source.functions if text_of(each.child_by_field_name("name") or each) in elsewhere]
    return [one for each in bodies for one in source.assignments if each in [*ancestors(one.node)]] or made


def exponent_of(program: Program, one: Assignment) -> tuple[Values, Node | None]:
    """Return the exponent of one preconditioner, `EMPTY` for none, and its base; nothing for another form."""
    value = unwrapped(one.value)
    parts = operands(value)
    if parts is not None and parts[1] in (".^", "^"):
        return program.values(parts[2]), parts[0]
    if is_call_of(value, ONES) or program.value(value) == 1:
        return exactly(EMPTY, row(one.node)), None
    if is_call_of(value, {"sqrt"}):
        return exactly(0.5, row(one.node)), value
    if parts is not None and parts[1] == "+" and "grad2" in names_in(value) and "^" not in text_of(value):
        return exactly(1.0, row(one.node)), value
    return NOTHING, None


def _exponent(program: Program) -> Values:
    call = program.solver_call
    given = arguments(call.value) if call is not None else []
    if call is not None and (len(given) < 6 or program.value(given[5]) == EMPTY):
        return exactly(EMPTY, row(call.node))
    found = [exponent_of(program, one)[0] for one in preconditioners(program)]
    return found[-1] if found and found[-1] else joined(*found)


# line search ---------------------------------------------------------------------------------------------------------


def reductions(program: Program) -> list[Assignment]:
    """Return the assignments that reduce the rate in a loop."""
    return [one for one in program.of("rate") if one.in_loop and "rate" in names_in(one.value)]


def _shrinking(program: Program) -> Values:
    return joined(*(multiplier(program, one) for one in reductions(program)))


def _most_reductions(program: Program) -> Values:
    found: list[Values] = []
    for loop in {loop.id: loop for one in reductions(program) if (loop := inside(one.node, LOOPS))}.values():
        head = head_of(loop)
        for _, (_left, sign, right) in _comparisons(head):
            more = exactly(1.0 if sign == "<=" else 0.0)
            found += [computed(BINARY["+"], [program.values(right), more])] if sign[0] == "<" else []
        found += [program.values(each.named_children[-1]) for each in walk(head) if each.type == "range"]
    return joined(*found)


def increases(program: Program) -> Iterator[tuple[Node, Values]]:
    """Yield the comparisons with ``oldll + c*rate*grad'*p`` in the line search, and c; nothing for another bound."""
    loops = {loop.id: loop for one in reductions(program) if (loop := inside(one.node, LOOPS))}
    for node, (left, _sign, right) in (each for loop in loops.values() for each in _comparisons(loop)):
        bounds = [side for side in (left, right) if "oldll" in names_in(side)]
        if bounds:
            yield node, _increase(program, bounds[-1])


def _increase(program: Program, bound: Node) -> Values:
    terms = operands(unwrapped(bound))
    if terms is None:
        return exactly(0.0, row(bound))
    slope = terms[2] if "oldll" in names_in(terms[0]) else terms[0]
    plain = terms[1] == "+" and "rate" in names_in(slope)
    return program.product(slope, {"rate", "grad", "p"}) if plain else NOTHING


def _increases(program: Program) -> Values:
    return joined(*(found for _, found in increases(program)))


# checkpoints and the mask of the weight cost -------------------------------------------------------------------------


def _period(program: Program) -> Values:
    found: list[Values] = []
    for node in (each for each in program.nodes if each.type == "if_statement" and _writes(each)):
        for each in walk(head_of(node)):
            given = arguments(each) if is_call_of(each, {"mod", "rem"}) else []
            found += [program.values(given[1])] if len(given) == 2 else []
    return joined(*found)


def _writes(node: Node) -> bool:
    calls = (each for each in walk(node) if each.type in ("function_call", "command"))
    return any(text_of(each).startswith(("save", "copyfile")) for each in calls)


def mask_cells(source: Source) -> tuple[set[str], set[str]]:
    """Return the names of the mask's cells of W and of b: what unpack gives of a vector of ones."""
    ones = {one.name for one in source.assignments if is_call_of(one.value, ONES)}
    unpacked = [one for one in source.assignments if is_call_of(one.value, {"unpack"}) and names_in(one.value) & ones]
    return {one.name for one in unpacked if one.index == 0}, {one.name for one in unpacked if one.index == 1}


def zeroed_cells(program: Program, cells: set[str]) -> list[Assignment]:
    """Return the assignments that make some of these cells zero."""
    parts = (one for one in program.assignments if one.target.type == "function_call" and one.name in cells)
    return [one for one in parts if _is_zero(program, one.value)]


def _is_zero(program: Program, value: Node) -> bool:
    return is_call_of(value, ZEROS) or any(program.value(each) == 0 for each in [value, *factors(value)])


def _decayed_biases(program: Program) -> Values:
    zeroed = zeroed_cells(program, mask_cells(program)[1])
    if zeroed:
        return exactly(0.0, row(zeroed[0].node))
    masks = program.by_name({"mask_biases"})
    return computed(FUNCTIONS["not"], [masks]) if masks else _said(program)


def _said(source: Source) -> Values:
    """Read whether biases are decayed from what the screen says at the start."""
    said = [node for node in source.nodes if node.type == "string" and _MASKED in text_of(node)]
    return frozenset((float(_NOT_MASKED in text_of(node)), row(node)) for node in said)


RULES: Mapping[str, Callable[[Program], Values]] = {
    "initlambda": _start_of_lambda,
    "drop": _adapted("high"),
    "boost": _adapted("low"),
    "rho_low": _threshold("low"),
    "rho_high": _threshold("high"),
    "autodamp": _damping,
    "maxiters": _steps,
    "miniters": _least_steps,
    "tolerance": _tolerance,
    "gapratio": _gap_ratio,
    "mingap": _least_gap,
    "inext": _grid_start,
    "imult": _grid_factor,
    "initcoeff": _first_coefficient,
    "precon_exponent": _exponent,
    "linesearch_c": _increases,
    "linesearch_factor": _shrinking,
    "linesearch_max": _most_reductions,
    "checkpoint_every": _period,
    "decay_biases": _decayed_biases,
}
"""By the constants' names as `nnet_train` calls them."""
