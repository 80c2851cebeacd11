"""Comparison of a copy with an unedited one, statement by statement.

Syntax trees are compared: layout, comments, order and the names of loop variables make no difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from hf_matlab_compat.matlab.source.tree import Node, Source, ancestors, function_of, row, text_of
from hf_matlab_compat.migrate.trainer.device import device_variables, is_of_device, made_by, moved
from hf_matlab_compat.migrate.trainer.findings import Unexpressed

_STATEMENTS = {"assignment", "function_call", "command"}
_HEADS = {"if_statement", "elseif_clause", "while_statement", "for_statement", "switch_statement", "case_clause"}


def differing_statements(
    copy: Source, original: Source, understood: Collection[int]
) -> tuple[list[Unexpressed], list[Unexpressed]]:
    """Return the statements that the copy has more often than the original, and those that it lacks.

    A missing statement is reported at the copy's line after which it would come. Statements that only concern the
    device do not count.

    Parameters
    ----------
    copy, original : Source
        The two trainers.
    understood : collection of int
        Lines of the original that an option expresses: the copy's lines for that option are read elsewhere.
    """
    theirs = list(_statements(original))
    left: dict[str, list[int]] = defaultdict(list)
    for place, (form, _node) in enumerate(theirs):
        left[form].append(place)
    found: dict[int, int] = {}
    added: list[Unexpressed] = []
    for form, node in _statements(copy):
        if left[form]:
            found[left[form].pop(_first(left[form], theirs, understood))] = row(node)
        else:
            added.append(Unexpressed.at(copy, node, "this statement is not in the unedited copy"))
    lost = [place for place, (_, node) in enumerate(theirs) if place not in found and row(node) not in understood]
    return added, [_missing(theirs[place][0], _line_before(place, found), copy) for place in lost]


def _missing(form: str, line: int, copy: Source) -> Unexpressed:
    why = f"a statement of the unedited copy is missing after this line: {form[:120]}"
    return Unexpressed(line, copy.lines[line - 1].strip(), why)


def _first(places: list[int], theirs: list[tuple[str, Node]], understood: Collection[int]) -> int:
    """Return which of several equal statements to take: the first, or one that no option expresses."""
    order = [(row(theirs[place][1]) in understood, place) for place in places]
    return order.index(min(order))


def _line_before(place: int, found: Mapping[int, int]) -> int:
    """Return the copy's line of the last statement found before the one at `place`; at the top, of the next one."""
    before = [each for each in found if each < place]
    after = [each for each in found if each > place]
    return found[max(before)] if before else found[min(after)] if after else 1


def _statements(source: Source) -> Iterator[tuple[str, Node]]:
    of_functions, about = _loop_variables_of_functions(source), device_variables(source)
    for node in source.nodes:
        parts = _parts(node)
        if not parts or (is_of_device(node, about) and node.type not in _HEADS):
            continue
        function = function_of(node)
        names = dict.fromkeys(of_functions[None if function is None else function.id], "<loop>")
        names |= _loop_variables(node)
        yield f"{node.type}: " + " ".join(_words(node, parts, names, about)), node


def _words(node: Node, parts: list[Node], names: Mapping[str, str], about: set[str]) -> Iterator[str]:
    """Yield the words of a statement that are compared."""
    if node.type in _HEADS and is_of_device(node, about):
        yield "<device>"
        return
    made = made_by(node.named_children[-1]) if node.type == "assignment" else ""
    if made:
        yield f"{text_of(node.named_children[0])} = <{made}>"
        return
    yield from (_form(part, names) for part in parts)


def _parts(node: Node) -> list[Node]:
    """Return the nodes that are compared: a simple statement, or the head of a compound one."""
    if node.type in _HEADS:
        return [child for child in node.named_children if child.type not in ("block", *_HEADS, "else_clause")]
    alone = node.parent is not None and node.parent.type in ("block", "source_file", "function_definition")
    return [node] if node.type in _STATEMENTS and alone else []


def _loop_variables_of_functions(source: Source) -> defaultdict[int | None, set[str]]:
    """Return the loop variables of each function, which may be used after the loops as well."""
    found: defaultdict[int | None, set[str]] = defaultdict(set)
    for node in source.nodes:
        if node.type == "iterator" and node.named_children:
            function = function_of(node)
            found[None if function is None else function.id].add(text_of(node.named_children[0]))
    return found


def _loop_variables(node: Node) -> dict[str, str]:
    """Return a name by nesting depth for each variable of the loops around a node."""
    loops = [outer for outer in (node, *ancestors(node)) if outer.type == "for_statement"]
    heads = [child for loop in loops for child in loop.named_children if child.type == "iterator"]
    names = dict.fromkeys(text_of(head.named_children[0]) for head in heads if head.named_children)
    return {name: f"<loop {place}>" for place, name in enumerate(reversed(names))}


def _form(node: Node, names: Mapping[str, str]) -> str:
    """Return the words of the node without comments and layout, loop variables by their general names."""
    words: list[str] = []
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if here.type in ("comment", "line_continuation"):
            continue
        here = _without_moves(here)
        if here.child_count and here.type != "string":
            waiting.extend(reversed(here.children))
        else:
            word = text_of(here)
            words.append(names.get(word, word) if here.type == "identifier" else word)
    return " ".join(word for word in words if word)


def _without_moves(node: Node) -> Node:
    """Return x for ``gather(x)`` or ``gpuArray(x)``, unless that would drop needed parentheses."""
    inner = moved(node) if node.type == "function_call" else node
    whole = node.parent is not None and node.parent.type in ("assignment", "arguments")
    return inner if whole or inner.type in ("identifier", "function_call", "field_expression", "number") else node
