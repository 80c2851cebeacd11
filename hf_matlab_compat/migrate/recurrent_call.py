"""Calls of the public MATLAB trainer of recurrent nets, ``hf_opt``, whose loss, gradient and products are handles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments
from hf_matlab_compat.migrate.context import Context
from hf_matlab_compat.migrate.syntax import Node, Untranslatable, refuse
from hf_matlab_compat.migrate.translation import OFFERED
from hf_matlab_compat.migrate.values import Kind, Part, Value, attribute, binary, call

TRAINER = "hf_opt"
ARGUMENTS = ("x0", "f", "grad", "hess_v", "lambda", "mu", "maxiters")
"""Of the trainer, in order."""
FILES = frozenset(
    {
        *(TRAINER, "conj_grad", "bptt", "gn_struct_v", "gauss_newton_v", "hess_v", "rnn", "diff_rnn", "rand_rnn"),
        *("unbox", "celldot", "diag_slice", "diag_tensor", "XH", "dXH", "ddXH", "SMX", "dSMX", "ddSMX"),
    }
)
"""Files of the trainer, which are not translated."""
PART = "read as a part of the call of hf_opt"
_HANDLES = slice(1, 4)

_GRADIENT = ("bptt", 8)
_PRODUCTS: Mapping[str, tuple[str, bool]] = {
    "gn_struct_v": ("gauss_newton", True),
    "gauss_newton_v": ("gauss_newton", False),
    "hess_v": ("hessian", False),
}
"""Functions of curvature products: the curvature, and whether they damp structurally."""

_HIDDEN: Mapping[str, str] = {"tanh": "tanh", "tanh(a)": "tanh", "a": "linear", "(1/(1+exp((-a))))": "logistic"}
_OUTPUTS: Mapping[str, str] = {
    **{each: unit for each, unit in _HIDDEN.items() if unit != "tanh"},
    **{"SMX": "softmax", "(exp(a)/sum(exp(a)))": "softmax"},
}
_LOSSES: Mapping[str, Mapping[str, int]] = {
    "softmax": {"dXH": 1, "((-a)/b)": 1, "(-(a/b))": 1},
    "linear": {"(2*(b-a))": 1, "((-2)*(a-b))": 1, "(b-a)": 2},
    "logistic": {"((b-a)/(b*(1-b)))": 1, "((-(a/b))+((1-a)/(1-b)))": 1, "(((1-a)/(1-b))-(a/b))": 1},
}
"""By the output unit: derivatives of the loss, with a for the target and b for the output, that go with it, and the
factor on the loss and on lambda that makes them this package's: its squared error has no 1/2."""

_DIFFERS = (
    "the steps differ from hf_opt's: here CG starts from the decayed last solution, an earlier CG iterate may be "
    "chosen, and a line search may shorten the step"
)
_LATER = "one call on all sequences: recurrent([x1, x2, ...], [y1, y2, ...]), and one run for all epochs"
_ADVICE = (
    "Call train(problem=recurrent(inputs, targets, hidden_sizes=[H], unit_types=[hidden, output]), initial_theta=..., "
    "initial_lam=lambda, structural_damping=mu, max_epochs=maxiters), with lists of matrices features x time"
)


@dataclass(frozen=True)
class _Net:
    """The settings that the handles of a call hold."""

    inputs: Node
    targets: Node
    units: tuple[str, str]
    factor: int
    curvature: str
    damps: bool


def handles_in(body: Iterable[Node]) -> dict[str, Node]:
    """Return the handles and anonymous functions that are assigned to a variable once, by its name."""
    found: dict[str, Node] = {}
    several: set[str] = set()
    for node in _walked(body):
        for target in node.targets if isinstance(node, syntax.Assign) else ():
            if isinstance(target, syntax.Name):
                several |= {target.name} & found.keys()
                value = node.value  # type: ignore[union-attr]
                if isinstance(value, syntax.Lambda | syntax.Handle):
                    found[target.name] = value
                else:
                    several.add(target.name)
    return {name: node for name, node in found.items() if name not in several}


def read_by_trainer(body: Sequence[Node], handles: Mapping[str, Node]) -> frozenset[str]:
    """Return the variables of `handles` that only calls of ``hf_opt`` and their handles read."""
    nodes = list(_walked(body))
    calls = [node for node in nodes if _is_call(node, TRAINER)]
    waiting = [each.name for node in calls for each in node.arguments[_HANDLES] if isinstance(each, syntax.Name)]  # type: ignore[attr-defined]
    wanted: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in handles and name not in wanted:
            wanted.add(name)
            waiting += [each.name for each in handles[name].walk() if isinstance(each, syntax.Name)]
    inside = [*(handles[name] for name in wanted), *calls]
    own = {id(part) for node in inside for part in node.walk()}
    assigned = {id(target) for node in nodes if isinstance(node, syntax.Assign) for target in node.targets}
    elsewhere = {
        node.name
        for node in nodes
        if isinstance(node, syntax.Name) and id(node) not in own and id(node) not in assigned
    }
    return frozenset(wanted - elsewhere)


def recurrent_call(arguments: Arguments) -> Value:
    """Translate a call of ``hf_opt`` as an expression whose value is the cells of parameters."""
    context = arguments.context
    if len(arguments) != len(ARGUMENTS):
        refuse(
            f"calls {TRAINER}, a trainer of recurrent nets, with {len(arguments)} arguments instead of "
            f"{', '.join(ARGUMENTS)}. {_ADVICE}"
        )
    try:
        net = _net(arguments)
    except Untranslatable as reason:
        refuse(f"calls {TRAINER}, a trainer of recurrent nets: {reason}. {_recognised(arguments)}. {_ADVICE}")
    start, lam, mu, epochs = (context(arguments.nodes[place]) for place in (0, 4, 5, 6))
    x, y = (context(node).as_two_dimensional() for node in (net.inputs, net.targets))
    layers = [call("len", call("ml.recurrent_start", start))]
    more: dict[str, Part] = {} if net.curvature == "gauss_newton" else {"curvature": net.curvature}
    if net.units[1] == "softmax":  # a step without a loss has a target of zeros there
        more["loss_weights"] = [call("ml.recurrent_loss", y)]
    problem = call("recurrent", [x], [y], hidden_sizes=layers, unit_types=list(net.units), per="sequence", **more)
    damping: dict[str, Part] = {"structural_damping": mu} if net.damps else {}
    if not net.damps:
        context.dropped.append(arguments.nodes[5])
    made = call(
        "train",
        problem=problem,
        initial_theta=call("ml.recurrent_theta", start),
        max_epochs=epochs if epochs.integer else call("ml.integer", epochs),
        initial_lam=binary(lam, "*", net.factor) if net.factor != 1 else lam,
        **damping,
        reduction_ratio="damped",
        precision="double",
        display="legacy",
    )
    context.warn(_DIFFERS)
    data = {each.name for each in (*net.inputs.walk(), *net.targets.walk()) if isinstance(each, syntax.Name)}
    if changing := sorted(data & context.usage.changing):
        named = " and ".join(changing)
        context.warn(f"to verify: MATLAB's handles keep the {named} of their own line, here it is that of the call")
    if context.loops:
        context.notes.append(f"{OFFERED} {_LATER}")
    return Value(call("ml.recurrent_cells", attribute(made, "theta"), start), Kind.CELL)


def _net(arguments: Arguments) -> _Net:
    context = arguments.context
    gradient, products = (_handle(arguments.nodes[place], context) for place in (2, 3))
    x, y, e, g, loss = _gradient(gradient)
    curvature, damps, *same = _product(products)
    if same != [x, y, e, g]:
        refuse("its grad and hess_v have other data or units")
    unit = _word(_HIDDEN, e, context, "hidden unit")
    output = _word(_OUTPUTS, g, context, "output unit")
    factor = _LOSSES[output].get(_form(loss, context))
    if factor is None:
        refuse(f"the derivative of its loss does not go with {output} outputs here")
    return _Net(x, y, (unit, output), factor, curvature, damps)


def _gradient(handle: syntax.Lambda) -> list[Node]:
    """Return x, y, the units and the derivative of the loss of ``@(p) bptt(x, y, p, e, g, Je, Jg, dL)``."""
    name, count = _GRADIENT
    given = _arguments(handle, name, count)
    if not _is_parameter(handle, given[2], 0):
        refuse(f"its grad is not @(p) {name}(x, y, p, ...)")
    return [given[place] for place in (0, 1, 3, 4, 7)]


def _product(handle: syntax.Lambda) -> list[Any]:
    """Return the curvature, whether it damps, x, y, hidden and output unit of ``@(p, v, lm) gn_struct_v(…)``."""
    body = _inside(handle.body)
    name = next((each for each in _PRODUCTS if _is_call(body, each)), "")
    if not name:
        refuse(f"its hess_v is none of {', '.join(_PRODUCTS)} on one sequence")
    given = _arguments(handle, name, 12)
    if not (_is_parameter(handle, given[2], 0) and _is_parameter(handle, given[3], 1)):
        refuse(f"its hess_v is not @(p, v, lm) {name}(x, y, p, v, ...)")
    curvature, damps = _PRODUCTS[name]
    if damps and not _is_parameter(handle, given[11], 2):
        refuse("its hess_v does not hand the strength of the damping on")
    return [curvature, damps, given[0], given[1], given[4], given[5]]


def _handle(node: Node, context: Context) -> syntax.Lambda:
    found = context.handles.get(node.name) if isinstance(node, syntax.Name) else node
    if not isinstance(found, syntax.Lambda):
        refuse("its grad and hess_v are not anonymous functions of this script")
    return found


def _arguments(handle: syntax.Lambda, name: str, count: int) -> tuple[Node, ...]:
    body = _inside(handle.body)
    if not (isinstance(body, syntax.Apply) and _is_call(body, name) and len(body.arguments) == count):
        refuse(f"it does not call {name} on one sequence, with {count} arguments")
    return body.arguments


def _word(words: Mapping[str, str], node: Node, context: Context, what: str) -> str:
    found = words.get(_form(node, context))
    return found or refuse(f"its {what} is not known here")


def _form(node: Node, context: Context) -> str:
    """Return a function in a form that does not depend on names of parameters, parentheses and dots of operators."""
    if isinstance(node, syntax.Name):
        node = context.handles.get(node.name, node)
    if isinstance(node, syntax.Handle):
        return node.name
    if not isinstance(node, syntax.Lambda):
        return ""
    return _text(node.body, dict(zip(node.parameters, "abcdefgh", strict=False)))


def _text(node: Node, names: Mapping[str, str]) -> str:
    match node:
        case syntax.Paren(inner):
            return _text(inner, names)
        case syntax.Name(name):
            return names.get(name, f"?{name}")
        case syntax.Number(text):
            return text.removesuffix(".0").removesuffix(".")
        case syntax.Unary(operator, operand):
            return f"({operator}{_text(operand, names)})"
        case syntax.Binary(operator, left, right):
            return f"({_text(left, names)}{operator.removeprefix('.')}{_text(right, names)})"
        case syntax.Apply(syntax.Name(function), (argument,), False):
            return f"{function}({_text(argument, names)})"
        case _:
            return "?"


def _recognised(arguments: Arguments) -> str:
    """Return the arguments that are variables or numbers, with their names."""
    pairs = zip(ARGUMENTS, arguments.nodes, strict=True)
    said = [f"{name} is {text}" for name, node in pairs if name not in ARGUMENTS[_HANDLES] and (text := _shown(node))]
    return ", ".join(said) or "its other arguments are expressions"


def _shown(node: Node) -> str:
    match node:
        case syntax.Name(text) | syntax.Number(text):
            return text
        case _:
            return ""


def _walked(body: Iterable[Node]) -> Iterator[Node]:
    for statement in body:
        if not isinstance(statement, syntax.Function):
            yield from statement.walk()


def _is_call(node: Node, name: str) -> bool:
    return isinstance(node, syntax.Apply) and not node.brace and node.base == syntax.Name(name)


def _is_parameter(handle: syntax.Lambda, node: Node, place: int) -> bool:
    return len(handle.parameters) > place and node == syntax.Name(handle.parameters[place])


def _inside(node: Node) -> Node:
    while isinstance(node, syntax.Paren):
        node = node.inner
    return node
