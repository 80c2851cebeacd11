"""Statements that only move arrays between host and GPU, or wait for it: they change no number."""

from __future__ import annotations

from hf_matlab_compat.matlab.source.tree import (
    Node,
    Source,
    arguments,
    called,
    is_cell_index,
    name_of,
    names_in,
    row,
    text_of,
    unwrapped,
    walk,
)

MOVES = {"gpuArray", "gather"}
"""Functions that move an array to the device or back."""

_ASKS = {"gpuDevice", "gpuDeviceCount", "existsOnGPU", "canUseGPU", "isgpuarray", "ginfo"}
_ACTS = {"wait", "reset", "gsync", "gselect", "gactivate", "ginit", "gpuinit", "gforce", "GPUsync", "GPUinit"} | _ASKS
_MAKERS = {
    **dict.fromkeys(("ones", "gones"), "ones"),
    **dict.fromkeys(("zeros", "gzeros"), "zeros"),
    **dict.fromkeys(("single", "gsingle", "double", "gdouble", "gpuArray", "GPUsingle"), "cast"),
}
_SINGLE = {"single", "gsingle", "GPUsingle", "gones", "gzeros"}


def device_variables(source: Source) -> set[str]:
    """Return the variables that only ever hold something about the device, jacket among them."""
    about = {"jacket"}
    for one in source.assignments:
        names = names_in(one.value)
        if names & _ASKS and names <= _ASKS | about:
            about.add(one.name)
    return about


def is_of_device(node: Node, about: set[str]) -> bool:
    """Return whether a statement, or the head of one, only moves arrays, or asks about or waits for the device."""
    if node.type == "assignment" and len(node.named_children) > 1:
        target, value = node.named_children[0], node.named_children[-1]
        return text_of(target) in about - {"jacket"} or (text_of(target) == text_of(moved(value)) and _moves(value))
    if node.type in ("if_statement", "elseif_clause"):
        head = node.named_children[0]
        return "jacket" in names_in(head) and names_in(head) <= _ASKS | about
    words = names_in(node) if node.type == "function_call" else {text_of(node).split(" ")[0]}
    return bool(words & _ACTS) and words <= _ACTS | about


def _moves(value: Node) -> bool:
    return any(each.type == "function_call" and called(each) in MOVES for each in walk(value))


def moved(node: Node) -> Node:
    """Return x for ``gpuArray(x)`` or ``gather(x)``; any other expression as it is."""
    node = unwrapped(node)
    while node.type == "function_call" and called(node) in MOVES and len(arguments(node)) == 1:
        node = unwrapped(arguments(node)[0]) if not is_cell_index(node) else node
    return node


def made_by(value: Node) -> str:
    """Return the kind and class of the arrays that a handle makes or casts; empty for any other expression."""
    if value.type not in ("handle_operator", "lambda"):
        return ""
    words = {text_of(each) for each in walk(value) if each.type in ("identifier", "string_content")}
    kinds = {_MAKERS[word] for word in words if word in _MAKERS}
    kinds = kinds - {"cast"} or kinds
    given = {text_of(each) for each in walk(value) if each.type == "identifier"} - set(_MAKERS)
    calls = [each for each in walk(value) if each.type == "function_call" and called(each) not in {*_MAKERS, *given}]
    if len(kinds) != 1 or calls or any(each.type == "number" for each in walk(value)):
        return ""
    return f"{next(iter(kinds))} {'single' if words & _SINGLE else 'double'}"


def only_moves(source: Source, function: Node) -> bool:
    """Return whether a function of the copy does nothing but move its arguments."""
    inside = [one for one in source.assignments if row(function) <= row(one.node) <= int(function.end_point[0]) + 1]
    others = [each for each in walk(function) if each.type in ("for_statement", "while_statement")]
    moves = bool(inside) and all(is_of_device(one.node, {"jacket"}) for one in inside)
    return moves and not others and name_of(function) != ""
