"""Remarks on what a script does by hand around the trainer's call and an option or a command does here."""

from __future__ import annotations

from collections.abc import Iterator

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.context import Context
from hf_matlab_compat.migrate.syntax import Node, Statement
from hf_matlab_compat.migrate.translation import OFFERED

_ANEW = "once for every epoch and leaves targets and test cases clean"
_BLANKOUT = f"{OFFERED} the option blankout of nnet_train (input_blankout of train), which blanks out inputs {_ANEW}"
_NOISE = f"{OFFERED} the option innoise of nnet_train (input_noise of train), which adds noise to inputs {_ANEW}"
_COPIES = f"{OFFERED} the option blankout or innoise of nnet_train, which needs no copies, changes inputs {_ANEW}"
_SETTINGS = f"{OFFERED} hf-compat search, which tries settings in parallel and goes on after an interruption"

_PRODUCTS = ("*", ".*")
_COMPARISONS = ("<", "<=", ">", ">=")


def done_by_hand(statement: Statement, context: Context) -> Iterator[str]:
    """Yield a remark for each option that does what a statement does; for bodies that call the trainer."""
    trainers = context.shared.beside.trainers
    if context.usage.names.isdisjoint(trainers):
        return
    if isinstance(statement, syntax.For) and any(_named(node, *trainers) for node in statement.walk()):
        yield _SETTINGS
    if isinstance(statement, syntax.Assign):
        yield from _corruption(list(statement.value.walk()))


def _corruption(nodes: list[Node]) -> Iterator[str]:
    if any(_called(node, "repmat") for node in nodes) and any(_drawn(node, "rand", "randn") for node in nodes):
        yield _COPIES
    elif any(_is_mask(node) for node in nodes):
        yield _BLANKOUT
    elif any(_is_noisy(node) for node in nodes):
        yield _NOISE


def _is_mask(node: Node) -> bool:
    """Return True for ``rand(size(x)) > q``."""
    if not isinstance(node, syntax.Binary) or node.operator not in _COMPARISONS:
        return False
    return _drawn(_inside(node.left), "rand") or _drawn(_inside(node.right), "rand")


def _is_noisy(node: Node) -> bool:
    """Return True for ``x + s*randn(size(x))``, with a variable or a part of one as x."""
    if not isinstance(node, syntax.Binary) or node.operator not in ("+", "-"):
        return False
    plain = (syntax.Name, syntax.Apply)
    return any(isinstance(x, plain) and _has_noise(z) for x, z in ((node.left, node.right), (node.right, node.left)))


def _has_noise(node: Node) -> bool:
    node = _inside(node)
    if isinstance(node, syntax.Binary) and node.operator in _PRODUCTS:
        return _has_noise(node.left) or _has_noise(node.right)
    return _drawn(node, "randn")


def _drawn(node: Node, *names: str) -> bool:
    """Return True for random numbers of a shape, as in ``rand(size(x))`` and ``rand(m, n)``, not for ``rand(1)``."""
    if not (isinstance(node, syntax.Apply) and _called(node, *names)):
        return False
    return len(node.arguments) > 1 or any(_called(each, "size") for each in node.arguments)


def _called(node: Node, *names: str) -> bool:
    return isinstance(node, syntax.Apply) and _named(node.base, *names)


def _named(node: Node, *names: str) -> bool:
    return isinstance(node, syntax.Name) and node.name in names


def _inside(node: Node) -> Node:
    while isinstance(node, syntax.Paren):
        node = node.inner
    return node
