"""A copy beside an unedited one, statement by statement.

Structures are compared, so that layout, comments, order and the names of loop variables make no difference.
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
    """Statements that the original does not have, or not so often, and those it has and the copy lacks.

    What is missing is told of the copy's line behind which it would stand. The original's lines in `understood` say
    what an option says: the copy's own lines for it are read elsewhere. What only concerns the device does not count.
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
            added.append(Unexpressed(row(node), copy.line(node), "this statement is not in the unedited copy"))
    lost = [place for place, (_, node) in enumerate(theirs) if place not in found and row(node) not in understood]
    return added, [_missing(theirs[place][0], _line_before(place, found), copy) for place in lost]


def _missing(form: str, line: int, copy: Source) -> Unexpressed:
    why = f"a statement of the unedited copy is missing behind this line: {form[:120]}"
    return Unexpressed(line, copy.lines[line - 1].strip(), why)


def _first(places: list[int], theirs: list[tuple[str, Node]], understood: Collection[int]) -> int:
    """Which of several equal statements comes first, those that are understood last."""
    order = [(row(theirs[place][1]) in understood, place) for place in places]
    return order.index(min(order))


def _line_before(place: int, found: Mapping[int, int]) -> int:
    """The copy's line of the statement that stands before the one at `place`; of the next one at the very top."""
    before = [each for each in found if each < place]
    behind = [each for each in found if each > place]
    return found[max(before)] if before else found[min(behind)] if behind else 1


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
    """What is compared of a statement, in words."""
    if node.type in _HEADS and is_of_device(node, about):
        yield "<device>"
        return
    made = made_by(node.named_children[-1]) if node.type == "assignment" else ""
    if made:
        yield f"{text_of(node.named_children[0])} = <{made}>"
        return
    yield from (_form(part, names) for part in parts)


def _parts(node: Node) -> list[Node]:
    """What is compared: a statement that stands alone, or the head of a compound one."""
    if node.type in _HEADS:
        return [child for child in node.named_children if child.type not in ("block", *_HEADS, "else_clause")]
    alone = node.parent is not None and node.parent.type in ("block", "source_file", "function_definition")
    return [node] if node.type in _STATEMENTS and alone else []


def _loop_variables_of_functions(source: Source) -> defaultdict[int | None, set[str]]:
    """For each function, its loops' variables, which may be used after the loops as well."""
    found: defaultdict[int | None, set[str]] = defaultdict(set)
    for node in source.nodes:
        if node.type == "iterator" and node.named_children:
            function = function_of(node)
            found[None if function is None else function.id].add(text_of(node.named_children[0]))
    return found


def _loop_variables(node: Node) -> dict[str, str]:
    """Variables of the loops around, called by how deep they are nested."""
    loops = [outer for outer in (node, *ancestors(node)) if outer.type == "for_statement"]
    heads = [child for loop in loops for child in loop.named_children if child.type == "iterator"]
    names = dict.fromkeys(text_of(head.named_children[0]) for head in heads if head.named_children)
    return {name: f"<loop {place}>" for place, name in enumerate(reversed(names))}


def _form(node: Node, names: Mapping[str, str]) -> str:
    """The words of the node, without comments and layout, loop variables by their general names."""
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
    """What ``gather(x)`` or ``gpuArray(x)`` moves, where no parentheses are lost with it."""
    inner = moved(node) if node.type == "function_call" else node
    whole = node.parent is not None and node.parent.type in ("assignment", "arguments")
    return inner if whole or inner.type in ("identifier", "function_call", "field_expression", "number") else node
