"""The line of a user's trainer in which each stage is computed: where to look when it differs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.matlab.source.evaluation import literal, outputs_of
from hf_matlab_compat.matlab.source.grammar import is_installed
from hf_matlab_compat.matlab.source.tree import (
    Node,
    Source,
    arguments,
    assignments_of,
    called,
    function_of,
    head_of,
    is_call_of,
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
from hf_matlab_compat.matlab.source.values import UNKNOWN
from hf_matlab_compat.parity.certificate import START_OF_CG, TARGET_CHUNK

TRAINER, CG = "nnet_train_2.m", "conjgrad_1.m"
_CASTS = {"double", "single", "cast", "gather"}
_MOST_CODE = 60
_DEEPEST = 4
_EDITED_AT_MOST = 0.5
"""Share of a file's statements that may be unknown to the original for the rest to count as edits of it."""

_UNITS = {
    "logistic": r"1\s*\./\s*\(\s*1\s*\+\s*exp|\b(?:sigm\w*|logistic)\s*\(",
    "tanh": r"\btanh\s*\(",
    "softmax": r"=\s*exp\s*\(",
    "linear": r"\bforward|\bW\w*\s*(?:\{\w+\}|\(.*\))\s*\*",
}
_NAMES: Mapping[str, tuple[str, ...]] = {
    "ll": ("ll", "oldll"),
    "err": ("err",),
    "grad2": ("grad2",),
    "rho": ("rho",),
    "rate": ("rate",),
    "lambda": ("lambda",),
    "params": ("paramsp", "theta"),
}
"""Variables that hold a stage's quantity in people's files."""
_PRINTED = {"chose_iters": "Chose iters", "reductions": "Number of reductions"}
"""Quantities whose variables have other names in every file: the text before them in the log."""
_TEXTS = {
    TARGET_CHUNK: r"\bmod\(\s*epoch\b.*chunk",
    "log": r"Log likelihood",
    "checkpoint": r"\bsave\b\s*\(?.*paramsp|\bsave\b.*_nnet_running",
}
_PRODUCTS = {"gn": r"^compute_?G\w*V$", "hess": r"^compute_?H\w*V$", "empfish": r"^compute_?(?:F|E)\w*V$"}


@dataclass(frozen=True)
class _Statement:
    """A statement, or the head of a compound one."""

    file: str
    line: int
    text: str
    node: Node

    def __str__(self) -> str:
        text = self.text if len(self.text) <= _MOST_CODE else self.text[: _MOST_CODE - 3] + "..."
        return f"{self.file}:{self.line}: {text}"

    @cached_property
    def function(self) -> str:
        """The function that it is in, or that it begins."""
        return name_of(self.node if self.node.type == "function_definition" else function_of(self.node))

    @cached_property
    def assigned(self) -> list[str]:
        """The variables that it sets, in order; outputs that are dropped keep their place."""
        if self.node.type == "for_statement":
            return [text_of(head_of(self.node).named_children[0])]
        return [one.name for one in assignments_of(self.node)]

    @property
    def value(self) -> Node:
        """The right-hand side of an assignment."""
        return visible(self.node)[-1]

    @cached_property
    def calls(self) -> list[Node]:
        """Its own calls, without those in the block of a compound statement."""
        if self.node.type == "function_definition":
            return []
        own = self.node if self.node.type in ("assignment", "function_call", "command") else head_of(self.node)
        return [each for each in walk(own) if each.type == "function_call"]


def stage_places(
    sources: Mapping[str, str], original: Mapping[str, str], mattype: str, layertypes: Sequence[str]
) -> dict[str, str]:
    """Return ``file:line: statement`` for each stage that can be found, and for `START_OF_CG` and `TARGET_CHUNK`.

    Parameters
    ----------
    sources : mapping of file name to text
        The trainer's.
    original : mapping of file name to text
        A trainer that `sources` may be an edited copy of: an edit in the function that computes a stage is named
        before the statement that ends it.
    mattype : str
        The case's curvature.
    layertypes : sequence of str
        Of the case.

    Returns
    -------
    dict of str to str
        Empty if tree-sitter is not installed, or the files are too large or too deeply nested for it.
    """
    try:
        search = _Search(sources, original) if is_installed() else None
    except MigrationError:
        search = None
    if search is None:
        return {}
    found: dict[str, _Statement | None] = {
        **{stage: search.variable(names) for stage, names in _NAMES.items()},
        **{stage: search.printed(text) for stage, text in _PRINTED.items()},
        **{stage: search.text(pattern) for stage, pattern in _TEXTS.items()},
        **search.of_cg(),
        **search.products(mattype),
        "forward": next((hit for unit in layertypes if (hit := search.text(_UNITS.get(unit, unit)))), None),
        "entry": search.text(r"^function\b.*\bnnet_train_2\b"),
    }
    found["ll"] = search.output("computeLL", 0) or found["ll"]
    found["err"] = search.output("computeLL", 1) or found["err"]
    return {stage: str(search.edited_before(place)) for stage, place in found.items() if place is not None}


class _Search:
    def __init__(self, sources: Mapping[str, str], original: Mapping[str, str]) -> None:
        order = sorted(sources, key=lambda name: (name != TRAINER, name != CG, name))
        self.source = Source([sources[name] for name in order])
        self.statements = list(_statements(self.source, order))
        self._functions = {name_of(each): each for each in self.source.functions}
        known = _texts_of(tuple(original.values()))
        edited = [s for s in self.statements if "".join(s.text.split()) not in known] if known else []
        self._edited = edited if len(edited) <= _EDITED_AT_MOST * len(self.statements) else []

    def text(self, pattern: str, file: str = "") -> _Statement | None:
        """Return the first statement with a text; in the trainer rather than in other files."""
        return next((s for s in self.statements if (not file or s.file == file) and re.search(pattern, s.text)), None)

    def variable(self, names: Sequence[str]) -> _Statement | None:
        """Return where the first of these that is assigned at all gets its value."""
        return next((place for name in names if (place := self._last(name)) is not None), None)

    def _last(self, name: str, function: str | None = None) -> _Statement | None:
        found = [s for s in self.statements if name in s.assigned and function in (None, s.function)]
        return self._followed(_telling(name, found), name) if found else None

    def printed(self, text: str) -> _Statement | None:
        """Return where the variable gets its value that the log prints after a text."""
        line = next((s for s in self.statements if text in s.text), None)
        names = re.findall(r"num2str\(\s*(?:\w+\(\s*)?([A-Za-z]\w*)", line.text.partition(text)[2]) if line else []
        if line is None or not names:
            return line
        name, function = str(names[0]), self._functions.get(line.function)
        inputs = [] if function is None else parameters(function)
        if name in inputs:  # it comes from the caller
            line, call = next((pair for s in self.statements for pair in _pairs(s, line.function)), (line, None))
            given = [] if call is None else [text_of(each) for each in arguments(call)]
            name = dict(zip(inputs, given, strict=False)).get(name, name)
        return self._last(name, line.function) or line

    def output(self, function: str, at: int) -> _Statement | None:
        """Return where an output of a function gets its value."""
        outputs = outputs_of(self._functions[function]) if function in self._functions else []
        return self._last(outputs[at], function) if at < len(outputs) else None

    def of_cg(self) -> dict[str, _Statement | None]:
        """Return what CG is called with, and where it moves and stops."""
        moved = [s for s in self.statements if s.file == CG and "x" in s.assigned]
        stages: dict[str, _Statement | None] = {
            "cg_iterates": moved[-1] if moved else self.text(r"=", CG),
            "cg_steps": self.text(r"\bif\b.*(?:toler|term|gap|5e-4|0\.0005)", CG) or self.text(r"\bbreak\b", CG),
        }
        pairs = (pair for s in self.statements if s.file != CG for pair in _pairs(s, "conjgrad_1"))
        call, node = next(pairs, (None, None))
        given = [] if node is None else arguments(node)
        for stage, at in (("grad", 1), (START_OF_CG, 2), ("precon", 5)):
            name = (
                next((text_of(each) for each in walk(given[at]) if each.type == "identifier"), "")
                if at < len(given)
                else ""
            )
            if call is not None and name:
                before = [
                    s for s in self.statements if s.file == call.file and s.line < call.line and name in s.assigned
                ]
                stages[stage] = self._followed(before[-1], name) if before else call
        stages["Bv"] = self._ending(_first_call(given[0])) or call if given else call
        return stages

    def products(self, mattype: str) -> dict[str, _Statement | None]:
        """Return the undamped product of a mattype, where it has a function of its own."""
        name = next((name for name in self._functions if re.match(_PRODUCTS.get(mattype, "$^"), name)), "")
        return {"Bv_undamped": self._ending(name)} if name else {}

    def edited_before(self, place: _Statement) -> _Statement:
        """Return an edited statement of its function, or of those it calls, where the trainer is an edited copy."""
        made = [s for s in self._edited if s.assigned]  # what a caller prints changes nothing
        below = self._nearest(self._edited, place.function, self._called)
        above = self._nearest(made, place.function, self._callers)
        return below or above or (made[0] if len(made) == 1 else place)

    def _nearest(
        self, edited: Sequence[_Statement], first: str, others: Callable[[str], list[str]]
    ) -> _Statement | None:
        """Return the first of these in a function, or in those that it leads to, the nearest first."""
        waiting, seen = [first] if edited else [], set[str]()
        while waiting:
            function = waiting.pop(0)
            seen.add(function)
            if hit := next((s for s in edited if s.function == function), None):
                return hit
            waiting += [name for name in dict.fromkeys(others(function)) if name not in {*seen, *waiting}]
        return None

    def _called(self, function: str) -> list[str]:
        calls = (called(call) for s in self.statements if s.function == function for call in s.calls)
        return [name for name in calls if name in self._functions]

    def _callers(self, function: str) -> list[str]:
        return [s.function for s in self.statements for _ in _pairs(s, function) if s.function != function]

    def _ending(self, name: str, deep: int = 0) -> _Statement | None:
        """Return the last statement that sets a function's first output; of a handle, that of what it calls."""
        if name in self._functions:
            output = [*outputs_of(self._functions[name]), ""][0]
            found = [s for s in self.statements if s.function == name and output in s.assigned]
            return found[-1] if found else None
        handle = next((s for s in self.statements if name and name in s.assigned and "@" in s.text), None)
        inner = _first_call(handle.value) if handle is not None else ""
        return self._ending(inner, deep + 1) if inner and deep < _DEEPEST else handle

    def _followed(self, place: _Statement, name: str, deep: int = 0) -> _Statement:
        """Return the place inside the function whose output it is."""
        if place.node.type != "assignment" or deep > _DEEPEST or name in names_in(place.value):
            return place
        inner = next((called(call) for call in place.calls if called(call) in self._functions), "")
        outputs = outputs_of(self._functions[inner]) if inner else []
        at = place.assigned.index(name) if name in place.assigned else len(outputs)
        found = [s for s in self.statements if at < len(outputs) and s.function == inner and outputs[at] in s.assigned]
        return self._followed(_telling(outputs[at], found), outputs[at], deep + 1) if found else place


@cache
def _texts_of(original: tuple[str, ...]) -> frozenset[str]:
    """Return the texts of a trainer's statements, without blanks."""
    found = _statements(Source(original), [""] * len(original)) if original else ()
    return frozenset("".join(each.text.split()) for each in found)


def _statements(source: Source, names: Sequence[str]) -> Iterator[_Statement]:
    for node in source.nodes:
        alone = node.parent is not None and node.parent.type in ("block", "source_file")
        if alone or node.type in ("elseif_clause", "function_definition"):
            blocks = (
                each.start_byte for each in node.children if each.type == "block" or each.type.endswith("_clause")
            )
            text = node.text[: next(blocks, node.end_byte) - node.start_byte].decode("utf-8", "replace")
            file, line = source.place(row(node))
            yield _Statement(names[file], line, " ".join(re.sub(r"\.\.\.[^\n]*", "", text).split()).rstrip(";,"), node)


def _pairs(statement: _Statement, function: str) -> list[tuple[_Statement, Node]]:
    """Return the statement with each of its calls of a function."""
    return [(statement, call) for call in statement.calls if called(call) == function]


def _first_call(node: Node) -> str:
    """Return the first function called in the body of a handle."""
    body = visible(node)[-1] if node.type in ("lambda", "handle_operator") and visible(node) else node
    return next((called(each) for each in walk(body) if each.type == "function_call"), "")


def _telling(name: str, found: Sequence[_Statement]) -> _Statement:
    """Return the last statement that is more than a beginning or an end of the range: no constant, no conversion."""
    made = [s for s in found if s.node.type == "assignment"]
    more = [
        s
        for s in made
        if literal(s.value) is UNKNOWN and not (is_call_of(s.value, _CASTS) and name in names_in(s.value))
    ]
    moved = [s for s in more if any(_begins_with(name, each) for each in walk(s.value))]
    return (moved or more or found)[-1]


def _begins_with(name: str, node: Node) -> bool:
    parts = operands(node)
    return parts is not None and node.type == "binary_operator" and text_of(unwrapped(parts[0])) == name
