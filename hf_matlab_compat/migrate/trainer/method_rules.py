"""Lines of the method that no option expresses: damping, conjugate gradients, line search, step, checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES
from hf_matlab_compat.matlab.source.evaluation import literal
from hf_matlab_compat.matlab.source.program import Program
from hf_matlab_compat.matlab.source.tree import (
    CLAUSES,
    LOOPS,
    Assignment,
    Node,
    ancestors,
    arguments,
    called,
    factors,
    function_of,
    head_of,
    inside,
    is_call_of,
    is_cell_index,
    name_of,
    names_in,
    operands,
    row,
    text_of,
    unwrapped,
)
from hf_matlab_compat.matlab.source.uses import (
    ZEROS,
    adaptations,
    exponent_of,
    gaps,
    increases,
    mask_cells,
    multiplier,
    preconditioners,
    reductions,
    zeroed_cells,
)
from hf_matlab_compat.matlab.source.values import only
from hf_matlab_compat.migrate.trainer.findings import Finding, Implied, Unexpressed

_RANDOM = {"rand", "randn", "randi", "randperm", "mrandn", "grandn"}
_ARITHMETIC = {"conv", "double", "single", "gather", "makeDouble", "mzeros", "zeros", "psize", "gsingle", "Inf", "inf"}
_PACKED = {"pack", "dEdW", "dEdb", "dEdW2", "dEdb2"}
_USUAL: Mapping[str, set[str]] = {
    "paramsp": {"paramsp", "rate", "p", "chs", "j", "tmp"} | _ARITHMETIC,
    "grad": {"grad", "numcases", "weightcost", "maskp", "paramsp", "computeGradient"} | _PACKED | _ARITHMETIC,
    "grad2": {"grad2", "numcases"} | _PACKED | _ARITHMETIC,
    "rho": {"oldll_chunk", "ll_chunk", "denom", "reduction_ratio"} | _ARITHMETIC,
}


def damping(program: Program) -> Iterator[Finding]:
    """Find changes of lambda that are not a constant factor under a threshold on rho."""
    adapting = {one.node.id for one, _, _ in adaptations(program)}
    for one in program.of("lambda"):
        in_rule = one.in_loop or name_of(function_of(one.node)) == "update_damping"
        if one.node.id in adapting:
            if not multiplier(program, one):
                yield Unexpressed.at(program, one.node, "lambda does not become a constant multiple of itself")
        elif in_rule and called(one.value) != "update_damping" and not _starts_again(one):
            yield Unexpressed.at(program, one.node, "lambda changes otherwise than by the rule on rho")


def _starts_again(one: Assignment) -> bool:
    condition = inside(one.node, CLAUSES)
    resumes = condition is not None and "resumeFile" in names_in(condition)
    harmless = names_in(one.value) <= {"initlambda", "double", "single", "conv", "lambda", "gather"}
    return resumes or (harmless and operands(unwrapped(one.value)) is None)


def preconditioner(program: Program) -> Iterator[Finding]:
    """Find preconditioners that are no power of the method's diagonal."""
    call = program.solver_call
    for one in preconditioners(program) if call is not None else ():
        exponent, base = exponent_of(program, one)
        value = only(exponent)
        if not exponent or (isinstance(value, float) and not 0 <= value <= 1):
            yield Unexpressed.at(
                program, one.node, "another preconditioner than a power of grad2 + lambda + weightcost"
            )
        elif base is not None:
            missing = [name for name in ("grad2", "lambda", "weightcost") if name not in names_in(base)]
            if missing:
                yield Unexpressed.at(program, one.node, f"the preconditioner leaves out {' and '.join(missing)}")


def stopping_rule(program: Program) -> Iterator[Finding]:
    """Find another bound of negative curvature, and another gap of the stopping rule."""
    for node in program.nodes:
        parts = operands(node) if node.type == "comparison_operator" else None
        if parts is not None and text_of(parts[0]) == "pAp" and literal(parts[2]) != 0:
            yield Unexpressed.at(program, node, "negative curvature is met at another bound than 0")
    for one, ratio, _ in gaps(program):
        if ratio is None:
            yield Unexpressed.at(program, one.node, "the gap of the stopping rule is computed otherwise")


def start_of_solver(program: Program) -> Iterator[Finding]:
    """Find the factor on the last solution before it starts the next run."""
    call = program.solver_call
    start = arguments(call.value)[2:3] if call is not None else []
    if call is None or not start:
        return
    for one in program.of(text_of(start[0])):
        if not one.in_loop or row(one.node) > row(call.node):
            continue
        line, text = row(one.node), program.line(one.node)
        if is_call_of(one.value, ZEROS):
            yield Implied("start_decay", 0.0, line, text)
        elif one.name in names_in(one.value) and len(factors(one.value)) == 2:
            numbers = [value for value in map(literal, factors(one.value)) if isinstance(value, float)]
            if len(numbers) == 1:
                yield Implied("start_decay", numbers[0], line, text)
    if is_call_of(start[0], ZEROS):
        yield Implied.at(program, call.node, "start_decay", 0.0)


def backtracking(program: Program) -> Iterator[Finding]:
    """Find on which cases iterates are compared."""
    call = program.solver_call
    if call is None:
        return
    for node in program.calls:
        if not (is_cell_index(node) and called(node) == text_of(call.target)):
            continue
        loop, judge = inside(node, LOOPS), inside(node, ("function_call",))
        if loop is not None and judge is not None and not is_cell_index(judge) and _runs_over(loop, node):
            words = "target_chunk" if len(arguments(judge)) > 4 else "all"
            yield Implied.at(program, judge, "backtracking_cases", words)
            return
    yield Implied.at(program, call.node, "backtracking_cases", "none")


def _runs_over(loop: Node, index: Node) -> bool:
    """Return whether the loop's own variable (of a while: of its condition) is the index."""
    used = set[str]().union(*(names_in(each) for each in arguments(index)))
    head = head_of(loop)
    return bool(used & ({text_of(head.named_children[0])} if head.type == "iterator" else names_in(head)))


def random_draws(program: Program) -> Iterator[Finding]:
    """Find random numbers drawn during training: noise, dropout, shuffling."""
    for node in program.calls:
        if called(node) in _RANDOM and _while_training(node):
            why = "random numbers are drawn during training: noise, dropout or shuffling, for which there is no option"
            yield Unexpressed.at(program, node, why)


def _while_training(node: Node) -> bool:
    """Return whether it is inside the loop over epochs, or in a function that computes."""
    around = list(ancestors(node))
    computes = any(name_of(each).startswith("compute") for each in around if each.type == "function_definition")
    return computes or any(_over_epochs(each) for each in around if each.type == "for_statement")


def _over_epochs(loop: Node) -> bool:
    return "maxepoch" in names_in(head_of(loop))


def _in_epochs(node: Node) -> bool:
    """Return whether a loop over epochs in the same function is around it."""
    loop = inside(node, LOOPS)
    while loop is not None and not _over_epochs(loop):
        loop = inside(loop, LOOPS)
    return loop is not None


def line_search(program: Program) -> Iterator[Finding]:
    """Find a line search that is absent, or asks for another increase, or does not shrink by a constant factor."""
    shrinking = reductions(program)
    if not shrinking and any(called(call).startswith("conjgrad") for call in program.calls):
        yield Unexpressed(1, "", "no line search was found: nothing reduces rate by a factor")
    for one in shrinking:
        factor = only(multiplier(program, one))
        if (isinstance(factor, float) and not 0 < factor < 1) or not multiplier(program, one):
            yield Unexpressed.at(program, one.node, "rate is not reduced by a constant factor below 1")
    for node, factor in increases(program):
        if not factor:
            yield Unexpressed.at(program, node, "the line search asks for another increase")
    for one in program.of("rate"):
        start = literal(one.value)
        if isinstance(start, float) and start not in (0.0, 1.0):
            yield Unexpressed.at(program, one.node, "the line search starts from another rate than 1")


def checkpoints(program: Program) -> Iterator[Finding]:
    """Find variables that are saved beside those of a checkpoint."""
    for node in (each for each in program.calls if called(each) == "save"):
        words = [word for word in map(literal, arguments(node)[1:]) if isinstance(word, str)]
        extra = [word for word in words if not word.startswith("-") and word not in VARIABLES]
        if extra:
            why = f"{', '.join(extra)} is saved too, which MATLAB's trainer cannot resume from; no option saves it"
            yield Unexpressed.at(program, node, why)


def weight_mask(program: Program) -> Iterator[Finding]:
    """Find weights that the weight cost leaves alone; biases are an option."""
    for one in zeroed_cells(program, mask_cells(program)[0]):
        yield Unexpressed.at(program, one.node, "the weight cost leaves some weights alone")


def parameters_otherwise(program: Program) -> Iterator[Finding]:
    """Find assignments to the parameters, gradient and ratio inside the epochs that are not the method's."""
    for name, usual in _USUAL.items():
        for one in program.of(name):
            strange = names_in(one.value) - usual
            kept = one.value.type == "identifier" or is_cell_index(one.value)
            copied = kept or one.target.parent.type == "multioutput_variable"
            if _in_epochs(one.node) and strange and not copied:
                why = f"{name} also depends on {', '.join(sorted(strange))}, for which there is no option"
                yield Unexpressed.at(program, one.node, why)


def early_stops(program: Program) -> Iterator[Finding]:
    """Find ways out of the loop over epochs before the last one."""
    for node in program.nodes:
        loop = inside(node, LOOPS) if node.type in ("break_statement", "return_statement") else None
        if loop is not None and (_over_epochs(loop) or (node.type == "return_statement" and _in_epochs(node))):
            yield Unexpressed.at(program, node, "training stops before the last epoch, by a rule of its own")


RULES = (
    damping, preconditioner, stopping_rule, start_of_solver, backtracking, random_draws, line_search, checkpoints,
    weight_mask, parameters_otherwise, early_stops,
)  # fmt: skip
"""Rules about the method."""
