"""Nodes of a syntax tree, and the few things that the rules ask of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Node = Any
"""A node of tree-sitter's."""


LOOPS = ("for_statement", "while_statement")


SILENT = ("comment", "line_continuation")


def walk(root: Node) -> Iterator[Node]:
    """The node and all named ones in it, in the order of the text; comments are passed over."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type not in SILENT:
            yield node
            waiting.extend(reversed(node.named_children))


def text_of(node: Node) -> str:
    """The node's text without comments, continuations and layout."""
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
    """Line of the text, from 1."""
    return int(node.start_point[0]) + 1


def ancestors(node: Node) -> Iterator[Node]:
    """Parent, its parent, …"""
    while (node := node.parent) is not None:
        yield node


def inside(node: Node, kinds: Sequence[str]) -> Node | None:
    """The innermost node of these kinds around `node`, within the same function."""
    for outer in ancestors(node):
        if outer.type in kinds:
            return outer
        if outer.type == "function_definition":
            return None
    return None


def function_of(node: Node) -> Node | None:
    """The function around `node`."""
    return next((outer for outer in ancestors(node) if outer.type == "function_definition"), None)


def name_of(function: Node | None) -> str:
    """A function's name; empty for None."""
    node = None if function is None else function.child_by_field_name("name")
    return "" if node is None else text_of(node)


def parameters(function: Node) -> list[str]:
    """Names of a function's arguments, in order."""
    listed = next((child for child in function.children if child.type == "function_arguments"), None)
    return [] if listed is None else [text_of(child) for child in listed.named_children if child.type == "identifier"]


def names_in(node: Node) -> set[str]:
    """All identifiers in an expression."""
    return {text_of(each) for each in walk(node) if each.type == "identifier"}


def called(call: Node) -> str:
    """The name that is called (or indexed); empty where it is no plain name."""
    head = call.named_children[0] if call.named_children else call
    return text_of(head) if head.type == "identifier" else ""


def is_cell_index(call: Node) -> bool:
    """Whether it is ``name{…}``."""
    return any(child.type == "{" for child in call.children)


def arguments(call: Node) -> list[Node]:
    """The arguments of a call."""
    listed = next((child for child in call.children if child.type == "arguments"), None)
    return [] if listed is None else [child for child in listed.named_children if child.type not in SILENT]


def unwrapped(node: Node) -> Node:
    """What stands inside parentheses."""
    while node.type == "parenthesis" and node.named_children:
        node = next((child for child in node.named_children if child.type not in SILENT), node.named_children[0])
    return node


def operands(node: Node) -> tuple[Node, str, Node] | None:
    """Left, operator, right of a binary expression; None for anything else."""
    if node.type not in ("binary_operator", "comparison_operator", "boolean_operator"):
        return None
    parts = [child for child in node.children if child.type not in SILENT]
    return (parts[0], text_of(parts[1]), parts[2]) if len(parts) == 3 else None


def factors(node: Node) -> list[Node]:
    """The factors of a product, in order; the node itself where it is none."""
    found: list[Node] = []
    waiting = [node]
    while waiting:
        parts = operands(here := unwrapped(waiting.pop()))
        if parts is not None and parts[1] in ("*", ".*"):
            waiting += [parts[2], parts[0]]
        else:
            found.append(here)
    return found
