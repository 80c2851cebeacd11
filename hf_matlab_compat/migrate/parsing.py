"""From MATLAB text to nodes, by tree-sitter: statements here, expressions in `expression_parsing`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.expression_parsing import ParseFailure, expression
from hf_matlab_compat.migrate.grammar import matlab_parser
from hf_matlab_compat.migrate.syntax import Place, Statement

_MOST_CHARACTERS = 2_000_000
_DEEPEST = 18  # Python itself allows 20 loops inside each other
_JUMPS = {"break_statement": "break", "continue_statement": "continue", "return_statement": "return"}
_CLAUSES = {"elseif_clause", "else_clause", "case_clause", "otherwise_clause", "catch_clause"}
_AFTER_HEADER = {"block", "comment", "end", "\n", *_CLAUSES}
_SKIPPED = {";", ",", "\n", "\r\n", "line_continuation", "block"}


def parse(source: str) -> syntax.Script:
    """The nodes of a script; what cannot be parsed becomes `Broken` statements.

    Raises
    ------
    MigrationError
        The parser is not installed, or the text is no script.
    """
    if len(source) > _MOST_CHARACTERS or "\0" in source:
        got = "a binary file" if "\0" in source else f"{len(source)} characters"
        raise MigrationError(f"source: expected the text of a MATLAB script, got {got}. Name a .m file.")
    text = source.replace("\r\n", "\n").replace("\r", "\n")
    data = (text if text.endswith("\n") else text + "\n").encode("utf-8", "surrogatepass")
    root = matlab_parser().parse(data).root_node
    return syntax.Script(tuple(text.split("\n")), _statements(root.children, 0))


def _statements(children: list[Any], depth: int) -> tuple[Statement, ...]:
    found: list[Statement] = []
    for index, node in enumerate(children):
        if node.type in _SKIPPED:
            if node.type == "block":
                found.extend(_statements(node.children, depth + 1))
            elif node.type == "line_continuation" and _continued_comment(node):
                found.append(syntax.Comment(_place(node, _continued_comment(node)), trailing=True))
            continue
        found.append(_statement(node, _is_silent(children, index), depth))
    if any(isinstance(each, syntax.Broken) for each in found):
        return tuple(_with_whole_lines(found, children[0]))
    return tuple(found)


def _with_whole_lines(found: list[Statement], node: Any) -> Iterator[Statement]:
    """What cannot be parsed takes all that stands on its lines with it, and carries their text."""
    while node.parent is not None:
        node = node.parent
    lines = _text(node).split("\n")
    spoilt: set[int] = set()
    for each in found:
        spoilt.update(_lines(each) if isinstance(each, syntax.Broken) else ())
    for each in [*found, *found]:
        spoilt.update(_lines(each) if spoilt & set(_lines(each)) else ())
    done: set[int] = set()
    for each in found:
        if not spoilt & set(_lines(each)):
            yield each
        elif each.place.first not in done:
            last = each.place.first
            while last + 1 in spoilt and any(last in _lines(part) and last + 1 in _lines(part) for part in found):
                last += 1
            done.update(range(each.place.first, last + 1))
            reason = each.reason if isinstance(each, syntax.Broken) else "cannot be parsed"
            text = "\n".join(lines[each.place.first - 1 : last])
            yield syntax.Broken(Place(each.place.first, last, text), reason)


def _lines(statement: Statement) -> range:
    return range(statement.place.first, statement.place.last + 1)


def _continued_comment(node: Any) -> str:
    return _text(node).strip().lstrip(".").strip().lstrip("%").strip()


def _is_silent(children: list[Any], index: int) -> bool:
    for node in children[index + 1 :]:
        if node.type != "line_continuation":
            return node.type == ";"
    return False


def _statement(node: Any, silent: bool, depth: int) -> Statement:
    place = _place(node)
    if depth > _DEEPEST:
        return syntax.Broken(place, "is nested too deeply")
    try:
        if node.type in _COMPOUND:
            return _COMPOUND[node.type](node, place, depth)
        if node.has_error or node.type == "ERROR":
            return syntax.Broken(place)
        return _simple(node, place, silent)
    except ParseFailure as failure:
        return syntax.Broken(place, str(failure))


def _simple(node: Any, place: Place, silent: bool) -> Statement:
    if node.type == "comment":
        return syntax.Comment(place, trailing=_stands_behind_code(node))
    if node.type == "assignment":
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        return syntax.Assign(place, _targets(left), expression(right), silent)
    if node.type == "command":
        words = tuple(_text(child) for child in node.named_children)
        return syntax.Command(place, words, silent)
    if node.type in _JUMPS:
        return syntax.Jump(place, _JUMPS[node.type])
    if node.type in ("global_operator", "persistent_operator"):
        return syntax.Global(place, tuple(_text(child) for child in node.named_children))
    if not node.is_named:
        return syntax.Broken(place)
    return syntax.Evaluate(place, expression(node), silent)


def _targets(left: Any) -> tuple[syntax.Node, ...]:
    if left.type != "multioutput_variable":
        return (expression(left),)
    parts = [child for child in left.named_children if child.type != "line_continuation"]
    return tuple(syntax.Tilde() if part.type == "ignored_argument" else expression(part) for part in parts)


def _if(node: Any, place: Place, depth: int) -> Statement:
    branches = [_branch(node, depth)]
    branches += [_branch(child, depth) for child in node.children if child.type in ("elseif_clause", "else_clause")]
    return syntax.If(place, tuple(branches))


def _switch(node: Any, place: Place, depth: int) -> Statement:
    clauses = [child for child in node.children if child.type in ("case_clause", "otherwise_clause")]
    branches = [_branch(child, depth) for child in clauses]
    before = _leading_comments(node, clauses)
    if before and branches:
        first = branches[0]
        branches[0] = replace(first, body=(*before, *first.body))
    return syntax.Switch(place, _condition(node), tuple(branches))


def _leading_comments(node: Any, clauses: list[Any]) -> tuple[Statement, ...]:
    stop = clauses[0].start_byte if clauses else node.end_byte
    inside = [child for child in node.children if child.type == "comment" and child.start_byte < stop]
    return tuple(syntax.Comment(_place(child), trailing=_stands_behind_code(child)) for child in inside)


def _branch(node: Any, depth: int) -> syntax.Branch:
    has_condition = node.type not in ("else_clause", "otherwise_clause")
    condition = _condition(node) if has_condition else None
    first, last = node.start_point[0] + 1, _last_line_of_header(node)
    # those of the first branch's header are comments of the whole statement
    inside = _header_comments(node) if node.type != "if_statement" else ()
    above = tuple(syntax.Comment(Place(first, last, text)) for text in inside)
    return syntax.Branch(condition, first, last, (*above, *_body(node, depth)))


def _header(node: Any) -> Iterator[Any]:
    """What stands before the body of a compound statement."""
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


def _body(node: Any, depth: int) -> tuple[Statement, ...]:
    _refuse_errors(node)
    return _statements([child for child in node.children if child.type in ("comment", "block")], depth)


def _refuse_errors(node: Any) -> None:
    if any(child.type == "ERROR" or child.is_missing for child in node.children):
        raise ParseFailure("cannot be parsed")


def _for(node: Any, place: Place, depth: int) -> Statement:
    iterator = next((child for child in node.children if child.type == "iterator"), None)
    parts = iterator.named_children if iterator is not None else []
    named = [part for part in parts if part.type != "line_continuation"]
    if len(named) != 2 or named[0].type != "identifier" or not _text(named[0]).isidentifier():
        raise ParseFailure("is a loop of an unknown form")
    return syntax.For(place, _text(named[0]), expression(named[1]), _body(node, depth))


def _while(node: Any, place: Place, depth: int) -> Statement:
    return syntax.While(place, _condition(node), _body(node, depth))


def _try(node: Any, place: Place, depth: int) -> Statement:
    handler = next((child for child in node.children if child.type == "catch_clause"), None)
    if handler is None:
        return syntax.Try(place, _body(node, depth), "", (), place.last)
    name = next((_text(child) for child in handler.children if child.type == "identifier"), "")
    return syntax.Try(place, _body(node, depth), name, _body(handler, depth), handler.start_point[0] + 1)


def _function(node: Any, place: Place, depth: int) -> Statement:
    _refuse_errors(node)
    name = node.child_by_field_name("name")
    if name is None:
        raise ParseFailure("is a function without a name")
    parts = {child.type: child for child in node.children}
    parameters = _names(parts.get("function_arguments"))
    outputs = _names(parts.get("function_output"))
    if not _text(name).isidentifier() or len(set(parameters) - {"~"}) < len(parameters) - parameters.count("~"):
        raise ParseFailure("is a function with names that cannot be")
    return syntax.Function(place, _text(name), parameters, outputs, _body(node, depth))


def _names(node: Any) -> tuple[str, ...]:
    return tuple(_identifiers(node)) if node is not None else ()


def _identifiers(node: Any) -> Iterator[str]:
    if node.type in ("identifier", "ignored_argument"):
        yield _text(node)
    for child in node.named_children:
        yield from _identifiers(child)


_COMPOUND: dict[str, Callable[[Any, Place, int], Statement]] = {
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
        return Place(first, max(first, last), _text(node), _header_comments(node), _last_line_of_header(node))
    comments = tuple(_inner_comments(node)) if node.type != "comment" else ()
    return Place(first, max(first, last), _text(node) if text is None else text, comments)


def _inner_comments(node: Any) -> Iterator[str]:
    cursor = [node]
    while cursor:
        child = cursor.pop()
        if child.type == "comment":
            yield _text(child)
        elif child.type == "line_continuation" and _continued_comment(child):
            yield "% " + _continued_comment(child).replace("\n", " ")
        else:
            cursor.extend(reversed(child.children))


def _stands_behind_code(node: Any) -> bool:
    before = node.prev_sibling
    while before is not None and before.type in (";", ","):
        before = before.prev_sibling
    if before is None:
        parent = node.parent
        return parent is not None and parent.start_point[0] == node.start_point[0] and parent.type != "source_file"
    return before.type not in ("\n", "comment") and before.end_point[0] == node.start_point[0]


def _text(node: Any) -> str:
    return node.text.decode("utf-8", "replace")
