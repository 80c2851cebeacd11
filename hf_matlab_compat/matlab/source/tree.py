"""MATLAB files as one syntax tree, and what rules ask about its nodes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.matlab.source.grammar import matlab_parser

Node = Any
"""A node of tree-sitter."""

LOOPS = ("for_statement", "while_statement")
SILENT = ("comment", "line_continuation")
CLAUSES = ("if_statement", "elseif_clause")
_MOST_CHARACTERS = 500_000
_DEEPEST = 200


def walk(root: Node) -> Iterator[Node]:
    """Yield the node and all named nodes below it in the order of the text, without comments."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type not in SILENT:
            yield node
            waiting.extend(reversed(node.named_children))


def text_of(node: Node) -> str:
    """Return the node's text without comments, continuations and layout."""
    if node.type == "identifier":
        return node.text.decode("utf-8", "replace")
    words: list[str] = []
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if here.type in SILENT:
            continue
        if here.child_count and here.type != "string":
            waiting.extend(reversed(here.children))
        elif here.text:
            words.append(" ".join(here.text.decode("utf-8", "replace").split()))
    return "".join(word for word in words if word)


def row(node: Node) -> int:
    """Return the line on which the node begins, from 1."""
    return int(node.start_point[0]) + 1


def ancestors(node: Node) -> Iterator[Node]:
    """Yield the node's parent, its parent and so on, through all functions."""
    while (node := node.parent) is not None:
        yield node


def inside(node: Node, kinds: Sequence[str]) -> Node | None:
    """Return the innermost node of these kinds around `node` within the same function."""
    for outer in ancestors(node):
        if outer.type in kinds:
            return outer
        if outer.type == "function_definition":
            return None
    return None


def function_of(node: Node) -> Node | None:
    """Return the function around `node`."""
    return next((outer for outer in ancestors(node) if outer.type == "function_definition"), None)


def name_of(function: Node | None) -> str:
    """Return a function's name; empty for None."""
    node = None if function is None else function.child_by_field_name("name")
    return "" if node is None else text_of(node)


def parameters(function: Node) -> list[str]:
    """Return the names of a function's arguments, in order."""
    listed = next((child for child in function.children if child.type == "function_arguments"), None)
    return [] if listed is None else [text_of(child) for child in listed.named_children if child.type == "identifier"]


def visible(node: Node) -> list[Node]:
    """Return the named children without comments and continuations."""
    return [child for child in node.named_children if child.type not in SILENT]


def names_in(node: Node) -> set[str]:
    """Return all identifiers in an expression."""
    return {text_of(each) for each in walk(node) if each.type == "identifier"}


def called(call: Node) -> str:
    """Return the name that is called or indexed; empty for anything but a plain name."""
    head = call.named_children[0] if call.named_children else call
    return text_of(head) if head.type == "identifier" else ""


def is_call_of(node: Node, names: set[str]) -> bool:
    """Return whether the node is a call of one of these functions."""
    return node.type == "function_call" and called(node) in names


def is_cell_index(call: Node) -> bool:
    """Return whether it is ``name{…}``."""
    return any(child.type == "{" for child in call.children)


def arguments(call: Node) -> list[Node]:
    """Return the arguments of a call."""
    listed = next((child for child in call.children if child.type == "arguments"), None)
    return [] if listed is None else visible(listed)


def head_of(block: Node) -> Node:
    """Return the condition or iterator of a loop or clause."""
    return next((child for child in visible(block) if child.type != "block"), block)


def unwrapped(node: Node) -> Node:
    """Return the expression inside any parentheses."""
    while node.type == "parenthesis" and node.named_children:
        node = next((child for child in node.named_children if child.type not in SILENT), node.named_children[0])
    return node


def operands(node: Node) -> tuple[Node, str, Node] | None:
    """Return left side, operator and right side of a binary expression; None for anything else."""
    if node.type not in ("binary_operator", "comparison_operator", "boolean_operator"):
        return None
    parts = [child for child in node.children if child.type not in SILENT]
    return (parts[0], text_of(parts[1]), parts[2]) if len(parts) == 3 else None


def factors(node: Node) -> list[Node]:
    """Return the factors of a product in order; the node itself if it is not a product."""
    found: list[Node] = []
    waiting = [node]
    while waiting:
        parts = operands(here := unwrapped(waiting.pop()))
        if parts is not None and parts[1] in ("*", ".*"):
            waiting += [parts[2], parts[0]]
        else:
            found.append(here)
    return found


@dataclass(frozen=True)
class Assignment:
    """One target of ``target = value`` or ``[target, …] = value``.

    Attributes
    ----------
    name : str
        The variable, or its last field (``drop`` of ``c.drop``).
    target, value, node : Node
    index : int
        Position among several outputs, from 0.
    """

    name: str
    target: Node
    value: Node
    node: Node
    index: int

    @property
    def in_loop(self) -> bool:
        """True if a loop repeats it within its function."""
        return inside(self.node, LOOPS) is not None


class Source:
    """One or more files of a trainer, parsed as one text."""

    def __init__(self, texts: Sequence[str]) -> None:
        whole = [_lf(text) for text in texts]
        self.starts = list(accumulate((text.count("\n") for text in whole), initial=0))[:-1]
        self.text = _checked("".join(whole))
        self.lines = self.text.split("\n")
        self.root: Node = matlab_parser().parse(self.text.encode("utf-8", "surrogatepass")).root_node
        _require_shallow(self.root)

    @cached_property
    def nodes(self) -> list[Node]:
        """All named nodes, in the order of the text."""
        return list(walk(self.root))

    @cached_property
    def assignments(self) -> list[Assignment]:
        """All assignments, in the order of the text."""
        return [one for node in self.nodes if node.type == "assignment" for one in assignments_of(node)]

    @cached_property
    def calls(self) -> list[Node]:
        """All calls and indexings, in the order of the text."""
        return [node for node in self.nodes if node.type == "function_call"]

    @cached_property
    def functions(self) -> list[Node]:
        """All functions, nested ones too."""
        return [node for node in self.nodes if node.type == "function_definition"]

    @cached_property
    def trainer(self) -> Node | None:
        """The trainer: the outermost function with most arguments."""
        outer = [function for function in self.functions if function_of(function) is None]
        return max(outer, key=lambda function: len(parameters(function)), default=None)

    @cached_property
    def solver_call(self) -> Assignment | None:
        """``[chs, …] = conjgrad…(…)``: the first output of the call of the solver."""
        for one in self.assignments:
            if one.index == 0 and one.value.type == "function_call" and called(one.value).startswith("conjgrad"):
                return one
        return None

    def of(self, name: str) -> list[Assignment]:
        """Return the assignments to the variable (or field) `name`."""
        return [one for one in self.assignments if one.name == name]

    def line(self, node: Node) -> str:
        """Return the text of the line on which the node begins."""
        return self.lines[row(node) - 1].strip()

    def place(self, line: int) -> tuple[int, int]:
        """Return the file (from 0) and the line in it (from 1) of a line of all files together."""
        file = max(bisect_left(self.starts, line) - 1, 0)
        return file, line - self.starts[file]

    @cached_property
    def broken_lines(self) -> list[int]:
        """Lines that cannot be parsed."""
        return sorted({row(node) for node in walk(self.root) if node.type == "ERROR" or node.is_missing})


def _lf(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return lines if lines.endswith("\n") else lines + "\n"


def _checked(text: str) -> str:
    if "\0" in text or len(text) > _MOST_CHARACTERS:
        got = "a binary file" if "\0" in text else f"{len(text)} characters"
        raise MigrationError(f"trainer: expected the text of nnet_train_2.m, got {got}. Name a .m file.")
    return text


def _require_shallow(root: Node) -> None:
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > _DEEPEST:
            raise MigrationError(
                f"trainer: expected at most {_DEEPEST} levels of nesting, got more in line {row(node)}. Look there "
                "for brackets or blocks that are not closed."
            )
        waiting.extend((child, depth + 1) for child in node.children)


def assignments_of(node: Node) -> Iterator[Assignment]:
    """Yield the targets of an assignment with its value, outputs that are dropped (``~``) too."""
    parts = visible(node)
    if node.type != "assignment" or len(parts) < 2:
        return
    target, value = parts[0], parts[-1]
    listed = visible(target) if target.type == "multioutput_variable" else [target]
    for index, one in enumerate(listed):
        yield Assignment(variable(one), one, value, node, index)


def variable(target: Node) -> str:
    """Return ``a`` for a, a(1) and a{1}(:); ``b`` for a.b."""
    while target.type == "function_call" and target.named_children:
        target = target.named_children[0]
    fields = [child for child in target.named_children if child.type == "identifier"]
    return text_of(fields[-1]) if target.type == "field_expression" and fields else text_of(target)
