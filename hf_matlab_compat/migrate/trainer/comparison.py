"""A copy beside an unedited one, statement by statement: by structure, so that layout, comments, order and the names
of loop variables make no difference."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping

from hf_matlab_compat.migrate.trainer.findings import Unexpressed
from hf_matlab_compat.migrate.trainer.nodes import Node, ancestors, function_of, row, text_of
from hf_matlab_compat.migrate.trainer.source import Source

_STATEMENTS = {"assignment", "function_call", "command"}
_HEADS = {"if_statement", "elseif_clause", "while_statement", "for_statement", "switch_statement", "case_clause"}


def added_statements(copy: Source, original: Source, understood: Collection[int]) -> Iterator[Unexpressed]:
    """Statements that the original does not have, or not so often, and at line 1 those it has and the copy lacks.

    The original's lines in `understood` say what an option says: the copy's own lines for it are read elsewhere.
    """
    left = Counter(form for form, node in _statements(original) if row(node) not in understood)
    options = Counter(form for form, node in _statements(original) if row(node) in understood)
    for form, node in _statements(copy):
        known = left if left[form] else options
        if known[form]:
            known[form] -= 1
        else:
            yield Unexpressed(row(node), copy.line(node), "this statement is not in the unedited copy")
    for form in left.elements():
        yield Unexpressed(1, "", f"a statement of the unedited copy is missing: {form[:120]}")


def _statements(source: Source) -> Iterator[tuple[str, Node]]:
    of_functions = _loop_variables_of_functions(source)
    for node in source.nodes:
        parts = _parts(node)
        if parts:
            function = function_of(node)
            names = dict.fromkeys(of_functions[None if function is None else function.id], "<loop>")
            names |= _loop_variables(node)
            yield f"{node.type}: " + " ".join(_form(part, names) for part in parts), node


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
        if here.child_count and here.type != "string":
            waiting.extend(reversed(here.children))
        else:
            word = text_of(here)
            words.append(names.get(word, word) if here.type == "identifier" else word)
    return " ".join(word for word in words if word)
