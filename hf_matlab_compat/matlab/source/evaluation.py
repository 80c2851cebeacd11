"""The values of a trainer's expressions in a given state of its variables, calls included."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES
from hf_matlab_compat.matlab.source.grammar import matlab_parser
from hf_matlab_compat.matlab.source.tree import (
    Node,
    ancestors,
    arguments,
    called,
    name_of,
    names_in,
    operands,
    parameters,
    row,
    text_of,
    unwrapped,
    visible,
    walk,
)
from hf_matlab_compat.matlab.source.values import (
    ANYTHING,
    BINARY,
    FUNCTIONS,
    STRUCT,
    UNKNOWN,
    WORDS,
    Handle,
    Values,
    cell_of,
    computed,
    element,
    exactly,
    joined,
    only,
    range_of,
    row_of,
    truths,
)

State = dict[str, Values]
"""Variables by name, fields of structs by their whole path (``c.drop``); ``c.drop?`` for one that may be missing."""

Parts = Mapping[str, Values]
"""Targets of one assignment: the variable itself under '', its fields under '.name'."""

_MOST_CALLS = 12
_ASSIGNS = re.compile(r"([A-Za-z]\w*)\s*=(?!=)")


class Evaluator(ABC):
    """Evaluates expressions; a subclass runs the statements of the functions that they call.

    Parameters
    ----------
    functions : iterable of Node
        The source's own.

    Attributes
    ----------
    seen : dict of int to Values
        By id of the expression's node: all values that it had. Expressions that were never reached are missing.
    """

    def __init__(self, functions: Iterable[Node]) -> None:
        self.seen: dict[int, Values] = {}
        self.functions = {name_of(each): each for each in functions}
        self.active: list[str] = []
        self._names_shared: dict[str, set[str]] = {}
        self._captured: dict[int, State] = {}
        self._evaluated: list[Node] = []

    @abstractmethod
    def body(self, function: Node, state: State) -> State:
        """Run a function's body; return the variables at its end."""

    @abstractmethod
    def block(self, statements: Iterable[Node], state: State | None) -> State | None:
        """Run statements in order; return None if the run never comes to their end."""

    def values(self, node: Node, state: State) -> Values:
        """Return the values of an expression in a state, and keep them in `seen`."""
        inner = unwrapped(node)
        found = self._EXPRESSIONS.get(inner.type, Evaluator._unread)(self, inner, state)
        self.see(inner, found)
        return found

    def see(self, node: Node, found: Values) -> None:
        """Keep the values of an expression."""
        before = self.seen.get(node.id)
        self.seen[node.id] = found if before is None else joined(before, found)

    def _unread(self, node: Node, state: State) -> Values:
        for child in visible(node):
            self.values(child, state)
        return ANYTHING

    def _number(self, node: Node, state: State) -> Values:
        text = text_of(node).lower()
        if text.startswith("0x"):
            return exactly(float(int(text, 16)))
        return exactly(float(text.replace("d", "e"))) if text[-1] not in "ij" else ANYTHING

    def _string(self, node: Node, state: State) -> Values:
        text = text_of(node)
        return exactly(text[1:-1].replace(text[0] * 2, text[0]))

    def _name(self, node: Node, state: State) -> Values:
        path = self.path(node, state) or ""
        if path in state:
            return state[path]
        if node.type == "field_expression":
            return self._unread(node, state)
        if path in self.functions:
            return self._call(path, [], 1, state)[0].get("", ANYTHING)
        return exactly(WORDS[path]) if path in WORDS else ANYTHING

    def _signed(self, node: Node, state: State) -> Values:
        sign = text_of(node.children[0])
        value = self.values(node.named_children[-1], state)
        operation = {"-": FUNCTIONS["uminus"], "+": BINARY["+"], "~": FUNCTIONS["not"], "!": FUNCTIONS["not"]}[sign]
        return computed(operation, [exactly(0.0), value] if sign == "+" else [value])

    def _binary(self, node: Node, state: State) -> Values:
        parts = operands(node)
        if parts is None:
            return self._unread(node, state)
        left, sign, right = parts
        if sign in ("^", ".^") and left.type == "unary_operator":  # -a^2 is -(a^2), which the grammar reads as (-a)^2
            power = computed(BINARY["^"], [self.values(visible(left)[-1], state), self.values(right, state)])
            return computed(FUNCTIONS["uminus"], [power]) if text_of(left.children[0]) == "-" else power
        first = self.values(left, state)
        if sign in ("&&", "||", "&", "|"):
            return self._logical(sign, truths(first), right, state)
        second = self.values(right, state)
        return computed(BINARY[sign], [first, second]) if sign in BINARY else ANYTHING

    def _logical(self, sign: str, left: set[bool], right: Node, state: State) -> Values:
        decides = sign in ("||", "|")
        if left == {decides} and len(sign) == 2:
            return exactly(float(decides))
        both = truths(self.values(right, state))
        choose = any if decides else all
        found = {choose((a, b)) for a in left for b in both}
        return exactly(float(found.pop())) if len(found) == 1 else ANYTHING

    def _range(self, node: Node, state: State) -> Values:
        return computed(range_of, [self.values(child, state) for child in visible(node)])

    def _matrix(self, node: Node, state: State) -> Values:
        rows = [child for child in visible(node) if child.type == "row"]
        parts = [self.values(child, state) for each in rows for child in visible(each)]
        make = (lambda *values: row_of(values)) if node.type == "matrix" else cell_of
        return computed(make, parts) if len(rows) < 2 else ANYTHING

    def _handle(self, node: Node, state: State) -> Values:
        """Run the body of a handle where it is made, with arguments that are not known."""
        if node.type == "lambda":
            names = [text_of(child) for child in arguments(node)]
            self.values(visible(node)[-1], state | dict.fromkeys(names, ANYTHING))
        elif text_of(visible(node)[-1]) in self.functions:
            name = text_of(visible(node)[-1])
            self._call(name, [{"": ANYTHING} for _ in parameters(self.functions[name])], 1, state)
        self._captured[node.id] = dict(state)
        return exactly(Handle(node.id, node))

    def _applied(self, node: Node, state: State) -> Values:
        return self.outputs(node, state, 1)[0].get("", ANYTHING)

    def path(self, node: Node, state: State) -> str | None:
        """Return the key of a variable or field; None where an index or an unknown name is part of it."""
        if node.type == "identifier":
            return text_of(node)
        if node.type != "field_expression":
            return None
        words: list[str] = []
        for child in visible(node):
            named = child.type == "indirect_access" and bool(child.named_children)
            word = only(self.values(child.named_children[0], state)) if named else text_of(child)
            if not isinstance(word, str) or (not named and child.type not in ("identifier", "field_expression")):
                return None
            words.append(word)
        return ".".join(words)

    def parts(self, node: Node, state: State) -> Parts:
        """Return what an expression gives, the fields of a struct included."""
        inner = unwrapped(node)
        path = self.path(inner, state) if inner.type in ("identifier", "field_expression") else None
        if path in state:
            self.values(node, state)
            return _parts_of(path, state)
        parts = self.outputs(inner, state, 1)[0]
        self.see(inner, parts.get("", ANYTHING))
        return parts

    def outputs(self, node: Node, state: State, count: int) -> Sequence[Parts]:
        """Return the first outputs of an expression, `count` at most."""
        name = called(node) if node.type == "function_call" else text_of(node) if node.type == "identifier" else ""
        if not name:
            return [{"": self._unread(node, state) if node.type == "function_call" else self.values(node, state)}]
        if name in state:
            return [{"": self._indexed(node, name, state)}]
        given = [self.parts(each, state) for each in arguments(node)]
        if name in self.functions:
            return self._call(name, given, count, state)
        plain = [each.get("", ANYTHING) for each in given]
        if name == "deal" and given:
            return given if len(given) > 1 else given * count
        if name == "struct":
            return [_fields(given)]
        if name in _SPECIAL:
            return [{"": _SPECIAL[name](self, node, plain, state)}]
        if name in FUNCTIONS and plain:
            return [{"": computed(FUNCTIONS[name], plain)}]
        return [{"": self._name(node, state) if node.type == "identifier" else ANYTHING}]

    def _indexed(self, node: Node, name: str, state: State) -> Values:
        if node.type == "identifier":
            return self.values(node, state)
        given = [self.values(each, state) for each in arguments(node)]
        handle = only(state[name])
        if isinstance(handle, Handle):
            return self._through(handle, given)
        return computed(element, [state[name], given[0]]) if len(given) == 1 else ANYTHING

    def _through(self, handle: Handle, given: Sequence[Values]) -> Values:
        """Call a handle with the variables of the place where it was made."""
        state = self._captured[handle.id]
        target = visible(handle.node)[-1]
        if handle.node.type == "handle_operator":
            name = text_of(target)
            if name in self.functions:
                return self._call(name, [{"": each} for each in given], 1, state)[0].get("", ANYTHING)
            return computed(FUNCTIONS[name], given) if name in FUNCTIONS and given else ANYTHING
        names = [text_of(child) for child in arguments(handle.node)]
        if len(self.active) > _MOST_CALLS:
            return ANYTHING
        self.active.append("@")
        found = self.values(target, state | dict(zip(names, given, strict=False)))
        self.active.pop()
        return found

    def _call(self, name: str, given: Sequence[Parts], count: int, state: State) -> Sequence[Parts]:
        """Run a function of the source; a nested one shares the variables of `state`."""
        function = self.functions[name]
        outputs = outputs_of(function)
        if name in self.active or len(self.active) > _MOST_CALLS:
            return [{"": ANYTHING} for _ in range(max(count, 1))]
        names = parameters(function)
        shared = self._shared(name) - {"nargin", *names, *outputs}
        inner = {key: value for key, value in state.items() if key.partition(".")[0].rstrip("?") in shared}
        inner["nargin"] = exactly(float(len(given)))
        for key, parts in zip(names, given, strict=False):
            inner |= {key + suffix: value for suffix, value in parts.items()}
        end = self.body(function, inner)
        state.update({key: value for key, value in end.items() if key.partition(".")[0].rstrip("?") in shared})
        return [_parts_of(each, end) or {"": ANYTHING} for each in outputs] or [{"": ANYTHING}]

    def _shared(self, name: str) -> set[str]:
        """Return the variables of the function around a nested one that this one, or one that it calls, mentions."""
        if name not in self._names_shared:
            outer = [each for each in ancestors(self.functions[name]) if each.type == "function_definition"]
            mentioned, waiting = set[str](), [name] if outer else []
            while waiting:
                words = names_in(self.functions[waiting.pop()]) - mentioned
                mentioned |= words
                waiting += [word for word in words if word in self.functions]
            self._names_shared[name] = mentioned & set[str]().union(*map(_own_names, outer))
        return self._names_shared[name]

    def _exist(self, node: Node, plain: Sequence[Values], state: State) -> Values:
        name = only(plain[0]) if plain else UNKNOWN
        about = only(plain[1]) if len(plain) > 1 else UNKNOWN
        if not isinstance(name, str) or f"{name}?" in state or (name not in state and about != "var"):
            return ANYTHING
        return exactly(float(name in state))

    def _isfield(self, node: Node, plain: Sequence[Values], state: State) -> Values:
        path = self.path(arguments(node)[0], state) if len(plain) > 1 else None
        field = f"{path}.{only(plain[1])}" if path in state and isinstance(only(plain[1]), str) else "?"
        known = path in state and only(state[path]) is STRUCT and not {"?", f"{field}?"} & {field, *state}
        return exactly(float(field in state)) if known else ANYTHING

    def _fieldnames(self, node: Node, plain: Sequence[Values], state: State) -> Values:
        path = self.path(arguments(node)[0], state) if plain else None
        keys = [key[len(path or "") + 1 :] for key in state if key.startswith(f"{path}.")]
        known = path in state and only(state[path]) is STRUCT and not any(key.endswith("?") for key in keys)
        return exactly(tuple(key for key in keys if "." not in key)) if known else ANYTHING

    def _load_call(self, node: Node, plain: Sequence[Values], state: State) -> Values:
        if node.parent.type != "assignment":
            self.load([word for word in map(only, plain[1:]) if isinstance(word, str)], state)
        return ANYTHING

    def load(self, names: Sequence[str], state: State) -> None:
        """Forget what a file may set: the variables named, or a checkpoint's, which has no constants."""
        state.update(dict.fromkeys([name for name in names if name.isidentifier()] or VARIABLES, ANYTHING))

    def _eval_call(self, node: Node, plain: Sequence[Values], state: State) -> Values:
        text = only(plain[0]) if plain else UNKNOWN
        if isinstance(text, str):
            return self.run_text(text, row(node), state)
        pieces = [text_of(each)[1:-1] for each in walk(node) if each.type == "string"]
        spoiled = {name for piece in pieces for name in _ASSIGNS.findall(piece)}
        if any(re.match(r"\s*=(?!=)", piece) for piece in pieces):  # [name ' = 1;']
            spoiled = set(state)
        state.update((name, joined(state.get(name, ANYTHING), exactly(UNKNOWN, row(node)))) for name in spoiled)
        return ANYTHING

    def run_text(self, text: str, line: int, state: State) -> Values:
        """Run a text; return its value if it is an expression."""
        data = ("\n" * (line - 1) + text + "\n").encode("utf-8", "surrogatepass")
        root = matlab_parser().parse(data).root_node
        self._evaluated.append(root)  # keeps its nodes' ids apart from those of later texts
        end = dict(self.block(root.children, state) or state)
        state.clear()
        state.update(end)
        return self.seen.get(unwrapped(root.named_children[0]).id, ANYTHING) if root.named_children else ANYTHING

    _EXPRESSIONS: Mapping[str, Callable[[Any, Node, State], Values]] = {
        "number": _number,
        "string": _string,
        **dict.fromkeys(("identifier", "boolean", "field_expression"), _name),
        **dict.fromkeys(("unary_operator", "not_operator"), _signed),
        **dict.fromkeys(("binary_operator", "comparison_operator", "boolean_operator"), _binary),
        "range": _range,
        **dict.fromkeys(("matrix", "cell"), _matrix),
        **dict.fromkeys(("lambda", "handle_operator"), _handle),
        "function_call": _applied,
    }


_SPECIAL: Mapping[str, Callable[[Evaluator, Node, Sequence[Values], State], Values]] = {
    "exist": Evaluator._exist,
    "isfield": Evaluator._isfield,
    "fieldnames": Evaluator._fieldnames,
    "load": Evaluator._load_call,
    **dict.fromkeys(("eval", "evalc"), Evaluator._eval_call),
}


class _Literals(Evaluator):
    """Evaluates expressions without variables or functions."""

    def body(self, function: Node, state: State) -> State:
        return state

    def block(self, statements: Iterable[Node], state: State | None) -> State | None:
        return state


def literal(node: Node) -> Any:
    """Return the value of an expression of literals alone; `UNKNOWN` for any other."""
    return only(_LITERALS.values(node, {})) if unwrapped(node).type not in _NEVER_LITERAL else UNKNOWN


_LITERALS = _Literals(())
_NEVER_LITERAL = {"postfix_operator", "lambda", "handle_operator", "comparison_operator", "boolean_operator", "range"}


def outputs_of(function: Node) -> list[str]:
    """Return the names of a function's outputs, in order."""
    listed = next((child for child in function.children if child.type == "function_output"), None)
    return [] if listed is None else [text_of(each) for each in walk(listed) if each.type == "identifier"]


def _own_names(function: Node) -> set[str]:
    """Return the identifiers of a function that are not within its nested functions."""
    names, waiting = set[str](), list(function.named_children)
    while waiting:
        node = waiting.pop()
        if node.type == "identifier":
            names.add(text_of(node))
        waiting += [child for child in node.named_children if child.type != "function_definition"]
    return names


def _parts_of(path: str, state: State) -> Parts:
    return {key[len(path) :]: value for key, value in state.items() if f"{key}.".startswith(f"{path}.")}


def _fields(given: Sequence[Parts]) -> Parts:
    """Return the parts of ``struct('a', 1, 'b', 2)``."""
    names = [only(parts.get("", ANYTHING)) for parts in given[::2]]
    found = {f".{name}": parts.get("", ANYTHING) for name, parts in zip(names, given[1::2], strict=False)}
    return {"": exactly(STRUCT), **found}
