"""MATLAB's statements as nodes, read by tree-sitter; `expression_parsing` reads the expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.matlab.source.grammar import matlab_parser
from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.expression_parsing import ParseFailure, expression, text_of
from hf_matlab_compat.migrate.syntax import Place, Statement

_MOST_CHARACTERS = 2_000_000
_MOST_BRANCHES = 500
_DEEPEST = 18  # Python itself allows 20 loops inside each other
_JUMPS = {"break_statement": "break", "continue_statement": "continue", "return_statement": "return"}
_CLAUSES = {"elseif_clause", "else_clause", "case_clause", "otherwise_clause", "catch_clause"}
_AFTER_HEADER = {"block", "comment", "end", "\n", *_CLAUSES}
_SKIPPED = {";", ",", "\n", "\r\n", "line_continuation", "block"}


def parse(source: str) -> syntax.Script:
    """Return the nodes of a script; text that cannot be parsed becomes `Broken` statements.

    Raises
    ------
    MigrationError
        The parser is not installed, or the text is not a script.
    """
    if len(source) > _MOST_CHARACTERS or "\0" in source:
        got = "a binary file" if "\0" in source else f"{len(source)} characters"
        raise MigrationError(f"source: expected the text of a MATLAB script, got {got}. Name a .m file.")
    text = source.replace("\r\n", "\n").replace("\r", "\n")
    data = (text if text.endswith("\n") else text + "\n").encode("utf-8", "surrogatepass")
    root = matlab_parser().parse(data).root_node
    lines = tuple(text.split("\n"))
    return syntax.Script(lines, _statements(root.children, _Level(lines, 0)))


@dataclass(frozen=True)
class _Level:
    """The lines of the script, and the number of blocks around a statement."""

    lines: tuple[str, ...]
    depth: int


def _statements(children: list[Any], level: _Level) -> tuple[Statement, ...]:
    found: list[Statement] = []
    for index, node in enumerate(children):
        if node.type == "block":
            found.extend(_statements(node.children, _Level(level.lines, level.depth + 1)))
        elif node.type == "line_continuation" and _continued_comment(node):
            found.append(syntax.Comment(_place(node, _continued_comment(node)), trailing=True))
        elif node.type == "comment":
            found.append(_comment(children, index))
        elif node.type not in _SKIPPED:
            found.append(_statement(node, _is_silent(children, index), level))
    return tuple(_with_whole_lines(found, level.lines))


def _with_whole_lines(found: list[Statement], lines: tuple[str, ...]) -> Iterator[Statement]:
    """Yield statements; those that share a line with a broken one become part of it."""
    for group in _sharing_lines(found):
        if not any(isinstance(each, syntax.Broken) for each in group):
            yield from group
            continue
        first, last = group[0].place.first, max(each.place.last for each in group)
        reason = group[0].reason if isinstance(group[0], syntax.Broken) else "cannot be parsed"
        yield syntax.Broken(Place(first, last, "\n".join(lines[first - 1 : last])), reason)


def _sharing_lines(found: list[Statement]) -> Iterator[list[Statement]]:
    """Yield groups of statements that share lines, in order."""
    group: list[Statement] = []
    last = 0
    for each in found:
        if group and each.place.first > last:
            yield group
            group = []
        group.append(each)
        last = max(last, each.place.last)
    yield from [group] if group else []


def _continued_comment(node: Any) -> str:
    return text_of(node).strip().lstrip(".").strip().lstrip("%").strip()


def _is_silent(children: list[Any], index: int) -> bool:
    following = (children[place] for place in range(index + 1, len(children)))
    return next((node.type == ";" for node in following if node.type != "line_continuation"), False)


def _statement(node: Any, silent: bool, level: _Level) -> Statement:
    place = _place(node)
    if level.depth > _DEEPEST:
        return syntax.Broken(place, "is nested too deeply")
    try:
        if node.type in _COMPOUND:
            return _COMPOUND[node.type](node, place, level)
        if node.has_error or node.type == "ERROR":
            return syntax.Broken(place)
        return _simple(node, place, silent)
    except ParseFailure as failure:
        return syntax.Broken(place, str(failure))


def _simple(node: Any, place: Place, silent: bool) -> Statement:
    if node.type == "assignment":
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        return syntax.Assign(place, _targets(left), expression(right), silent)
    if node.type == "command":
        words = tuple(text_of(child) for child in node.named_children)
        return syntax.Command(place, words, silent)
    if node.type in _JUMPS:
        return syntax.Jump(place, _JUMPS[node.type])
    if node.type in ("global_operator", "persistent_operator"):
        return syntax.Global(place, tuple(text_of(child) for child in node.named_children))
    if not node.is_named:
        return syntax.Broken(place)
    return syntax.Evaluate(place, expression(node), silent)


def _targets(left: Any) -> tuple[syntax.Node, ...]:
    if left.type != "multioutput_variable":
        return (expression(left),)
    parts = [child for child in left.named_children if child.type != "line_continuation"]
    return tuple(syntax.Tilde() if part.type == "ignored_argument" else expression(part) for part in parts)


def _if(node: Any, place: Place, level: _Level) -> Statement:
    branches = [_branch(node, level)]
    others = [child for child in node.children if child.type in ("elseif_clause", "else_clause")]
    if len(others) > _MOST_BRANCHES:
        raise ParseFailure(f"has more than {_MOST_BRANCHES} branches")
    branches += [_branch(child, level) for child in others]
    return syntax.If(place, tuple(branches))


def _switch(node: Any, place: Place, level: _Level) -> Statement:
    clauses = [child for child in node.children if child.type in ("case_clause", "otherwise_clause")]
    branches = [_branch(child, level) for child in clauses]
    before = _leading_comments(node, clauses)
    if before and branches:
        first = branches[0]
        branches[0] = replace(first, body=(*before, *first.body))
    return syntax.Switch(place, _condition(node), tuple(branches))


def _leading_comments(node: Any, clauses: list[Any]) -> tuple[Statement, ...]:
    stop = clauses[0].start_byte if clauses else node.end_byte
    children = node.children
    inside = [k for k, child in enumerate(children) if child.type == "comment" and child.start_byte < stop]
    return tuple(_comment(children, index) for index in inside)


def _branch(node: Any, level: _Level) -> syntax.Branch:
    has_condition = node.type not in ("else_clause", "otherwise_clause")
    condition = _condition(node) if has_condition else None
    first, last = node.start_point[0] + 1, _last_line_of_header(node)
    # comments in the first branch's header belong to the whole statement
    inside = _header_comments(node) if node.type != "if_statement" else ()
    above = tuple(syntax.Comment(Place(first, last, text)) for text in inside)
    return syntax.Branch(condition, first, last, (*above, *_body(node, level)))


def _header(node: Any) -> Iterator[Any]:
    """Yield the nodes before the body of a compound statement."""
    for child in node.children:
        if child.type in _AFTER_HEADER:
            return
        yield child


def _last_line_of_header(node: Any) -> int:
    return max(child.end_point[0] + 1 for child in _header(node) if child.type != "line_continuation")


def _header_comments(node: Any) -> tuple[str, ...]:
    return tuple(text for child in _header(node) for text in _inner_comments(child))


def _condition(node: Any) -> syntax.Node:
    condition = node.child_by_field_name("condition")
    if condition is None:
        raise ParseFailure("cannot be parsed")
    return expression(condition)


def _body(node: Any, level: _Level) -> tuple[Statement, ...]:
    _refuse_errors(node)
    children = node.children
    found: list[Statement] = []
    for index, child in enumerate(children):
        if child.type == "comment":
            found.append(_comment(children, index))
        elif child.type == "block":
            found.extend(_statements([child], level))
    return tuple(_with_whole_lines(found, level.lines))


def _refuse_errors(node: Any) -> None:
    if any(child.type == "ERROR" or child.is_missing for child in node.children):
        raise ParseFailure("cannot be parsed")


def _for(node: Any, place: Place, level: _Level) -> Statement:
    iterator = next((child for child in node.children if child.type == "iterator"), None)
    parts = iterator.named_children if iterator is not None else []
    named = [part for part in parts if part.type != "line_continuation"]
    if len(named) != 2 or named[0].type != "identifier" or not text_of(named[0]).isidentifier():
        raise ParseFailure("is a loop of an unknown form")
    return syntax.For(place, text_of(named[0]), expression(named[1]), _body(node, level))


def _while(node: Any, place: Place, level: _Level) -> Statement:
    return syntax.While(place, _condition(node), _body(node, level))


def _try(node: Any, place: Place, level: _Level) -> Statement:
    handler = next((child for child in node.children if child.type == "catch_clause"), None)
    if handler is None:
        return syntax.Try(place, _body(node, level), "", (), place.last)
    name = next((text_of(child) for child in handler.children if child.type == "identifier"), "")
    return syntax.Try(place, _body(node, level), name, _body(handler, level), handler.start_point[0] + 1)


def _function(node: Any, place: Place, level: _Level) -> Statement:
    _refuse_errors(node)
    name = node.child_by_field_name("name")
    if name is None:
        raise ParseFailure("is a function without a name")
    parts = {child.type: child for child in node.children}
    if any(part.has_error for kind, part in parts.items() if kind in ("function_arguments", "function_output")):
        raise ParseFailure("cannot be parsed")
    parameters = _names(parts.get("function_arguments"))
    outputs = _names(parts.get("function_output"))
    named = [each for each in parameters if each != "~"]
    if len(set(named)) < len(named) or not all(map(str.isidentifier, (text_of(name), *named, *outputs))):
        raise ParseFailure("is a function with names that cannot be")
    return syntax.Function(place, text_of(name), parameters, outputs, _body(node, level))


def _names(node: Any) -> tuple[str, ...]:
    return tuple(_identifiers(node)) if node is not None else ()


def _identifiers(node: Any) -> Iterator[str]:
    if node.type in ("identifier", "ignored_argument"):
        yield text_of(node)
    for child in node.named_children:
        yield from _identifiers(child)


_COMPOUND: dict[str, Callable[[Any, Place, _Level], Statement]] = {
    "if_statement": _if,
    "switch_statement": _switch,
    "for_statement": _for,
    "while_statement": _while,
    "try_statement": _try,
    "function_definition": _function,
}


def _place(node: Any, text: str | None = None) -> Place:
    last = node.end_point[0] + 1 if node.end_point[1] else node.end_point[0]
    first = node.start_point[0] + 1
    if node.type in _COMPOUND:
        return Place(first, max(first, last), text_of(node), _header_comments(node), _last_line_of_header(node))
    comments = tuple(_inner_comments(node)) if node.type != "comment" else ()
    return Place(first, max(first, last), text_of(node) if text is None else text, comments)


def _inner_comments(node: Any) -> Iterator[str]:
    cursor = [node]
    while cursor:
        child = cursor.pop()
        if child.type == "comment":
            yield text_of(child)
        elif child.type == "line_continuation" and _continued_comment(child):
            yield "% " + _continued_comment(child).replace("\n", " ")
        else:
            cursor.extend(reversed(child.children))


def _comment(siblings: list[Any], index: int) -> Statement:
    return syntax.Comment(_place(siblings[index]), trailing=_follows_code(siblings, index))


def _follows_code(siblings: list[Any], index: int) -> bool:
    node = siblings[index]
    earlier = (siblings[place] for place in range(index - 1, -1, -1))
    before = next((each for each in earlier if each.type not in (";", ",")), None)
    if before is None:
        parent = node.parent
        return parent is not None and parent.start_point[0] == node.start_point[0] and parent.type != "source_file"
    return before.type not in ("\n", "comment") and before.end_point[0] == node.start_point[0]
