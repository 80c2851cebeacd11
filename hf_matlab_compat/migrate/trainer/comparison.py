"""A copy beside an unedited one, statement by statement: by structure, so that layout, comments, order and the names
of loop variables make no difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hf_matlab_compat.migrate.trainer.findings import Unexpressed
from hf_matlab_compat.migrate.trainer.source import Node, Source, ancestors, row, text_of, walk

_STATEMENTS = {"assignment", "function_call", "command"}
_HEADS = {"if_statement", "elseif_clause", "while_statement", "for_statement", "switch_statement", "case_clause"}


def added_statements(copy: Source, original: Source) -> Iterator[Unexpressed]:
    """Statements that the original does not have, or not so often, and at line 1 those it has and the copy lacks."""
    left = Counter(form for form, _ in _statements(original))
    for form, node in _statements(copy):
        if left[form]:
            left[form] -= 1
        else:
            yield Unexpressed(row(node), copy.line(node), "this statement is not in the unedited copy")
    for form in left.elements():
        yield Unexpressed(1, "", f"a statement of the unedited copy is missing: {form[:120]}")


def _statements(source: Source) -> Iterator[tuple[str, Node]]:
    for node in source.nodes:
        if node.type in _STATEMENTS and _stands_alone(node):
            yield _form(node), node
        elif node.type in _HEADS:
            heads = [child for child in node.named_children if child.type not in ("block", *_HEADS, "else_clause")]
            yield f"{node.type}: " + " ".join(_form(head) for head in heads), node


def _stands_alone(node: Node) -> bool:
    return node.parent is not None and node.parent.type in ("block", "source_file", "function_definition")


def _form(node: Node) -> str:
    """The text with loop variables called by how deep their loop is nested."""
    names = _loop_variables(node)
    leaves = (each for each in walk(node) if not each.named_child_count)
    return _normal(node, {text_of(leaf): names[text_of(leaf)] for leaf in leaves if text_of(leaf) in names})


def _loop_variables(node: Node) -> dict[str, str]:
    loops = [outer for outer in (node, *ancestors(node)) if outer.type in ("for_statement", "iterator")]
    heads = [child for loop in loops for child in loop.named_children if child.type == "iterator"]
    heads += [loop for loop in loops if loop.type == "iterator"]
    names = dict.fromkeys(text_of(head.named_children[0]) for head in heads if head.named_children)
    return {name: f"<loop {place}>" for place, name in enumerate(reversed(names))}


def _normal(node: Node, names: dict[str, str]) -> str:
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
