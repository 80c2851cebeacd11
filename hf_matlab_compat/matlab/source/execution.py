"""A run of a trainer's source on what is known before it is called: which values each expression can have.

Statements run in order, calls of the source's own functions included. A branch whose condition is undecided runs beside
its alternatives; a loop of unknown length runs until no variable gains a value. Nothing outside of the source is read
or executed. Two things are assumed about the call: it starts afresh (``resumeFile`` is empty), and it has at most the
22 arguments of the published trainer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hf_matlab_compat.matlab.source.evaluation import Evaluator, Parts, State
from hf_matlab_compat.matlab.source.tree import (
    LOOPS,
    Node,
    Source,
    arguments,
    called,
    function_of,
    head_of,
    name_of,
    parameters,
    row,
    text_of,
    unwrapped,
    visible,
    walk,
)
from hf_matlab_compat.matlab.source.values import (
    ANYTHING,
    EMPTY,
    STRUCT,
    UNKNOWN,
    Values,
    assigned,
    computed,
    exactly,
    joined,
    only,
    truths,
)
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS

_MOST_STEPS = 60_000
_MOST_ROUNDS = 2
_MOST_TURNS = 100
_JUMPS = {"break_statement": "break", "continue_statement": "continue", "return_statement": "return"}
_STOPS = {"error", "rethrow", "quit", "exit"}
_TOPLEVEL = (*LOOPS, "if_statement", "switch_statement", "try_statement", "assignment", "command", "function_call")


class _TooLong(Exception):
    """The run takes more steps than a trainer needs."""


@dataclass
class _Exits:
    """States at the jumps out of a loop or function."""

    at: dict[str, list[State]] = field(default_factory=lambda: {"break": [], "continue": [], "return": []})


class Run(Evaluator):
    """The values that were seen while the source ran.

    Attributes
    ----------
    entries, heads : dict of int to State
        By id of a loop: the variables when it is entered, and at the head of any of its turns.
    finished : bool
        Whether the run came to its end within `_MOST_STEPS` steps; if not, nothing it saw is reliable.
    """

    def __init__(self, source: Source) -> None:
        super().__init__(source.functions)
        self.entries: dict[int, State] = {}
        self.heads: dict[int, State] = {}
        self.finished = True
        self._ends: dict[tuple[str, frozenset[tuple[str, Values]]], State] = {}
        self._reached: set[str] = set()
        self._exits: list[_Exits] = [_Exits()]
        self._errors: list[list[State]] = [[]]
        self._steps = 0
        try:
            self._play(source)
        except (_TooLong, RecursionError):
            self.finished = False

    def _play(self, source: Source) -> None:
        top = [child for child in source.root.children if child.type in _TOPLEVEL]
        end = self.block(top, {}) or {}
        if source.trainer is not None:
            names = parameters(source.trainer)
            state = dict.fromkeys(names, ANYTHING) | {"resumeFile": exactly(EMPTY)}
            state["nargin"] = exactly(float(min(len(names), len(TRAINER_ARGUMENTS))))
            end = self.body(source.trainer, state)
        for function in source.functions:  # reached by handles alone, or not at all
            if name_of(function) not in self._reached:
                inner = dict(end) if function_of(function) is not None else {}
                self.body(function, inner | dict.fromkeys(parameters(function), ANYTHING))

    def body(self, function: Node, state: State) -> State:
        """Run a function's body; return the variables at its end."""
        name = name_of(function)
        key = (name, frozenset(state.items()))
        if key in self._ends:
            return dict(self._ends[key])
        self._reached.add(name)
        self.active.append(name)
        self._exits.append(_Exits())
        end = self.block(_block_of(function), state)
        returned = self._exits.pop().at["return"]
        self.active.pop()
        self._ends[key] = _merged([*returned, *([] if end is None else [end])]) or {}
        return dict(self._ends[key])

    def block(self, statements: Iterable[Node], state: State | None) -> State | None:
        """Run statements in order; return None if the run never comes to their end.

        Raises
        ------
        _TooLong
            The run has taken too many steps.
        """
        for statement in statements:
            if state is None:
                return None
            self._steps += 1
            if self._steps > _MOST_STEPS:
                raise _TooLong
            state = self._STATEMENTS.get(statement.type, Run._expression)(self, statement, state)
        return state

    def _inner(self, node: Node, state: State) -> State | None:
        return self.block(_block_of(node), state)

    def _expression(self, node: Node, state: State) -> State | None:
        if node.is_named and node.type not in ("comment", "line_continuation", "function_definition"):
            self.values(node, state)
            if node.type == "function_call" and called(node) in _STOPS:
                self._errors[-1].append(dict(state))
                return None
        return state

    def _jump(self, node: Node, state: State) -> None:
        self._exits[-1].at[_JUMPS[node.type]].append(state)

    def _command(self, node: Node, state: State) -> State:
        words = [text_of(child) for child in visible(node)]
        if words[0] == "load":
            self.load(words[2:], state)
        elif len(words) == 3 and words[1] in ("+=", "-=", "*=", "/=", "^="):  # Octave's
            self.run_text(f"{words[0]} = {words[0]} {words[1][0]} ({words[2]});", row(node), state)
        return state

    def _global(self, node: Node, state: State) -> State:
        return state | {text_of(child): exactly(UNKNOWN, row(node)) for child in visible(node)}

    def _if(self, node: Node, state: State) -> State | None:
        ends: list[State] = []
        waiting: State | None = state
        for clause in [node, *(child for child in node.children if child.type in ("elseif_clause", "else_clause"))]:
            if waiting is None:
                break
            either = {True} if clause.type == "else_clause" else truths(self.values(head_of(clause), waiting))
            if True in either and (end := self._inner(clause, dict(waiting))) is not None:
                ends.append(end)
            waiting = waiting if False in either else None
        return _merged([*ends, *([] if waiting is None else [waiting])])

    def _switch(self, node: Node, state: State) -> State | None:
        subject = self.values(head_of(node), state)
        ends: list[State] = []
        waiting: State | None = state
        for clause in (child for child in node.children if child.type in ("case_clause", "otherwise_clause")):
            if waiting is None:
                break
            listed = self.values(head_of(clause), waiting) if clause.type == "case_clause" else None
            either = {True} if listed is None else truths(computed(_matches, [subject, listed]))
            if True in either and (end := self._inner(clause, dict(waiting))) is not None:
                ends.append(end)
            waiting = waiting if False in either else None
        return _merged([*ends, *([] if waiting is None else [waiting])])

    def _try(self, node: Node, state: State) -> State | None:
        """Run the body, and the handler from every state at which the body may have stopped."""
        stops = [dict(state)]
        self._errors.append([])
        end: State | None = dict(state)
        for statement in _block_of(node):
            end = self.block([statement], end)
            stops += [] if end is None else [dict(end)]
        errors = self._errors.pop()
        start = _merged([*errors, *([] if end is None else stops)]) or state
        handler = next((child for child in node.children if child.type == "catch_clause"), None)
        caught = start if handler is None else self._inner(handler, dict(start))
        return _merged([each for each in (end, caught) if each is not None])

    def _for(self, node: Node, state: State) -> State | None:
        parts = visible(head_of(node))
        if len(parts) != 2:
            return state
        turns = only(self.values(parts[1], state))
        known = [(turns,)] if isinstance(turns, float) else [turns] if isinstance(turns, tuple) else []
        name = text_of(parts[0])
        if known and not _jumps_out(node):
            for value in known[0]:
                state[name] = exactly(value)
                end = self._inner(node, state)
                if end is None:
                    return None
                state = end
            return state
        return self._until_stable(node, state, lambda here: here.__setitem__(name, ANYTHING) or {True, False})

    def _while(self, node: Node, state: State) -> State | None:
        head = head_of(node)
        turns = 0
        while not _jumps_out(node) and turns < _MOST_TURNS:
            either = truths(self.values(head, state))
            if either == {False}:
                return state
            if either != {True} or (end := self._inner(node, dict(state))) is None:
                break
            state, turns = end, turns + 1
        return self._until_stable(node, state, lambda here: truths(self.values(head, here)))

    def _until_stable(self, node: Node, state: State, begins: Callable[[State], set[bool]]) -> State | None:
        """Run a loop of unknown length until no variable gains a value."""
        entry = self.entries.get(node.id)
        self.entries[node.id] = dict(state) if entry is None else _merged([entry, state]) or {}
        head, ends = state, list[State]()
        for turn in range(_MOST_STEPS):
            here = dict(head)
            either = begins(here)
            if False in either:
                ends.append(dict(here))
            if True not in either:
                break
            self._exits.append(_Exits())
            end = self._inner(node, here)
            exits = self._exits.pop()
            ends += exits.at["break"]
            self._exits[-1].at["return"] += exits.at["return"]
            new = _merged([head, *exits.at["continue"], *([] if end is None else [end])]) or {}
            stable = all(_adds_nothing(value, head.get(key)) for key, value in new.items())
            head = new if stable or turn < _MOST_ROUNDS else _widened(head, new)
            if stable:
                break
        before = self.heads.get(node.id)
        self.heads[node.id] = head if before is None else _merged([before, head]) or {}
        return _merged(ends)

    def _assignment(self, node: Node, state: State) -> State:
        parts = visible(node)
        if len(parts) < 2:
            return state
        target, value = parts[0], parts[-1]
        if target.type != "multioutput_variable":
            self._assign(target, self.parts(value, state), node, state)
            return state
        targets = visible(target)
        outputs = self.outputs(unwrapped(value), state, len(targets))
        self.see(unwrapped(value), outputs[0].get("", ANYTHING))
        for each, found in zip(targets, outputs, strict=False):
            if each.type != "ignored_argument":
                self._assign(each, found, node, state)
        return state

    def _assign(self, target: Node, found: Parts, node: Node, state: State) -> None:
        path, line = self.path(target, state), row(node)
        if path is None:
            self._assign_part(target, found, line, state)
            return
        copied = unwrapped(visible(node)[-1]).type in ("identifier", "field_expression")
        for key in [key for key in state if key.startswith((f"{path}.", f"{path}?"))]:
            del state[key]
        for suffix, values in found.items():
            state[path + suffix] = assigned(values, line, copied=copied or bool(suffix))
        for end in (at for at, letter in enumerate(path) if letter == "."):
            state.setdefault(path[:end], exactly(STRUCT))

    def _assign_part(self, target: Node, found: Parts, line: int, state: State) -> None:
        """Assign an element, or a field whose name is not known."""
        places = [self.values(each, state) for each in arguments(target)]
        base = target
        while base.type in ("function_call", "field_expression") and base.named_children:
            base = base.named_children[0]
        name = text_of(base)
        if target.type == "function_call" and self.path(target.named_children[0], state) is not None:
            whole = self.path(target.named_children[0], state) or name
            first = [only(place) for place in places] == [1.0] and isinstance(only(state.get(whole, ANYTHING)), float)
            value = found.get("", ANYTHING) if first else exactly(UNKNOWN, line)
            state[whole] = assigned(value, line, copied=False)
            return
        for key in [key for key in state if key.startswith(f"{name}.")]:
            state[key] = joined(state[key], exactly(UNKNOWN, line))

    _STATEMENTS: Mapping[str, Callable[[Any, Node, State], State | None]] = {
        "assignment": _assignment,
        "if_statement": _if,
        "switch_statement": _switch,
        "for_statement": _for,
        "while_statement": _while,
        "try_statement": _try,
        "command": _command,
        "global_operator": _global,
        "persistent_operator": _global,
        **dict.fromkeys(_JUMPS, _jump),
    }


def _block_of(node: Node) -> list[Node]:
    return [each for child in node.children if child.type == "block" for each in child.children]


def _merged(states: Sequence[State]) -> State | None:
    """Return what holds where one of the states does; a variable that one state lacks cannot be read there."""
    if len(states) < 2:
        return states[0] if states else None
    keys = {key for state in states for key in state}
    missing = {f"{key}?": ANYTHING for key in keys if key[-1] != "?" and any(key not in state for state in states)}
    return missing | {key: joined(*(state[key] for state in states if key in state)) for key in keys}


def _widened(old: State, new: State) -> State:
    """Return the new state with every variable unknown that still gains values."""
    return {
        key: value if _adds_nothing(value, old.get(key)) else exactly(UNKNOWN, max(line for _, line in value))
        for key, value in new.items()
    }


def _adds_nothing(new: Values, old: Values | None) -> bool:
    """Return whether all new values were among the old, lines aside; an unknown value stands for any."""
    before = {value for value, _ in old or ()}
    return UNKNOWN in before or before == {value for value, _ in new}


def _matches(subject: object, listed: object) -> bool:
    return subject in listed if isinstance(listed, tuple) else subject == listed


def _jumps_out(loop: Node) -> bool:
    return any(each.type in _JUMPS for each in walk(loop))
