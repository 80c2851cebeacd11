"""The lines of somebody's trainer in which a stage is computed, found in its text: where to look when it differs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from hf_matlab_compat.matlab.source.text import code_only, function_line, without_comments
from hf_matlab_compat.parity.certificate import START_OF_CG, TARGET_CHUNK

TRAINER, CG = "nnet_train_2.m", "conjgrad_1.m"
_FUNCTION = re.compile(r"^\s*function\b")
_ASSIGNED = re.compile(
    r"^(?:for\s+)?(?:\[(?P<several>[^\]]*)\]|(?P<one>[A-Za-z]\w*)(?:\.\w+)*(?:[({][^=]*[)}])?)\s*=(?!=)"
)
_CALL = re.compile(r"(?<![\w.])([A-Za-z]\w*)\s*\(")
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
"""Quantities whose variables have names of their own: what stands before them in the log."""
_TEXTS = {
    TARGET_CHUNK: r"\bmod\(\s*epoch\b.*chunk",
    "log": r"Log likelihood",
    "checkpoint": r"\bsave\b\s*\(?.*paramsp|\bsave\b.*_nnet_running",
}
_PRODUCTS = {"gn": r"^compute_?G\w*V$", "hess": r"^compute_?H\w*V$", "empfish": r"^compute_?(?:F|E)\w*V$"}


class Statement(NamedTuple):
    """A statement, its continued lines put together."""

    file: str
    line: int
    text: str
    function: str

    def __str__(self) -> str:
        text = " ".join(self.text.split())
        return f"{self.file}:{self.line}: {text if len(text) <= _MOST_CODE else text[: _MOST_CODE - 3] + '...'}"


def stage_places(
    sources: Mapping[str, str], original: Mapping[str, str], mattype: str, layertypes: Sequence[str]
) -> dict[str, str]:
    """For each stage that can be found, and for `START_OF_CG` and `TARGET_CHUNK`, ``file:line: statement``.

    Parameters
    ----------
    sources : mapping of file name to text
        The trainer's.
    original : mapping of file name to text
        A trainer that `sources` may be an edited copy of: an edit in the function that computes a stage is named
        before the statement that ends it.
    mattype : str
    layertypes : sequence of str
        Of the case.
    """
    search = _Search(sources, original)
    found: dict[str, Statement | None] = {
        **{stage: search.variable(names) for stage, names in _NAMES.items()},
        **{stage: search.printed(text) for stage, text in _PRINTED.items()},
        **{stage: search.text(pattern) for stage, pattern in _TEXTS.items()},
        **search.of_cg(),
        **search.products(mattype),
        "forward": next((hit for unit in layertypes if (hit := search.text(_UNITS.get(unit, unit)))), None),
        "entry": search.text(r"^\s*function\b.*\bnnet_train_2\b"),
    }
    found["ll"], found["err"] = (
        search.output("computeLL", 0) or found["ll"],
        search.output("computeLL", 1) or found["err"],
    )
    return {stage: str(search.edited_before(place)) for stage, place in found.items() if place is not None}


class _Search:
    def __init__(self, sources: Mapping[str, str], original: Mapping[str, str]) -> None:
        order = sorted(sources, key=lambda name: (name != TRAINER, name != CG, name))
        self.statements = [statement for name in order for statement in statements(name, sources[name])]
        self._original = {_plain(s.text) for name, source in original.items() for s in statements(name, source)}

    @cached_property
    def _functions(self) -> dict[str, tuple[list[str], list[str]]]:
        """Inputs and outputs by name."""
        heads = (function_line(s.text) for s in self.statements if _FUNCTION.match(s.text))
        return {head[0]: (head[1], head[2]) for head in heads if head is not None}

    def text(self, pattern: str, file: str = "") -> Statement | None:
        """The first statement that has it; in the trainer rather than in other files."""
        return next((s for s in self.statements if (not file or s.file == file) and re.search(pattern, s.text)), None)

    def variable(self, names: Sequence[str]) -> Statement | None:
        """Where the first of these that is assigned at all gets its value."""
        for name in names:
            found = [s for s in self.statements if name in _assigned(s.text)]
            if found:
                return self._followed(_telling(name, found), name)
        return None

    def printed(self, text: str) -> Statement | None:
        """Where the variable gets its value that the log prints after a text."""
        line = next((s for s in self.statements if text in s.text), None)
        names = re.findall(r"num2str\(\s*(?:\w+\(\s*)?([A-Za-z]\w*)", line.text.partition(text)[2]) if line else []
        if line is None or not names:
            return line
        name, function = str(names[0]), line.function
        if name in self._functions.get(function, ([], []))[0]:  # it comes from the caller
            call = next((s for s in self.statements if _calls(s, function)), line)
            given = dict(zip(self._functions[function][0], _arguments(call.text, function), strict=False))
            name, line = given.get(name, name), call
        found = [s for s in self.statements if s.function == line.function and name in _assigned(s.text)]
        return self._followed(_telling(name, found), name) if found else line

    def output(self, function: str, at: int) -> Statement | None:
        """Where an output of a function gets its value."""
        outputs = self._functions.get(function, ([], []))[1]
        found = [
            s for s in self.statements if s.function == function and set(outputs[at : at + 1]) & {*_assigned(s.text)}
        ]
        return self._followed(_telling(outputs[at], found), outputs[at]) if found else None

    def of_cg(self) -> dict[str, Statement | None]:
        """What CG is called with, and where it moves and stops."""
        moved = [s for s in self.statements if s.file == CG and "x" in _assigned(s.text)]
        stages: dict[str, Statement | None] = {
            "cg_iterates": moved[-1] if moved else self.text(r"=", CG),
            "cg_steps": self.text(r"\bif\b.*(?:toler|term|gap|5e-4|0\.0005)", CG) or self.text(r"\bbreak\b", CG),
        }
        call = next((s for s in self.statements if re.search(r"\bconjgrad_1\s*\(", s.text) and s.file != CG), None)
        given = _arguments(call.text, "conjgrad_1") if call else []
        for stage, at in (("grad", 1), (START_OF_CG, 2), ("precon", 5)):
            name = re.search(r"[A-Za-z]\w*", given[at]) if call and at < len(given) else None
            if call and name:
                before = [s for s in self.statements if s.file == call.file and s.line < call.line]
                found = [s for s in before if name[0] in _assigned(s.text)]
                stages[stage] = self._followed(found[-1], name[0]) if found else call
        product = next(iter(_CALL.findall(given[0].partition(")")[2])), "") if given else ""
        stages["Bv"] = self._ending(product) or call
        return stages

    def products(self, mattype: str) -> dict[str, Statement | None]:
        """The undamped product of a mattype, where it has a function of its own."""
        name = next((name for name in self._functions if re.match(_PRODUCTS.get(mattype, "$^"), name)), "")
        return {"Bv_undamped": self._ending(name)} if name else {}

    def edited_before(self, place: Statement) -> Statement:
        """An edited statement of its function, or of those that it calls, where the trainer is an edited copy."""
        edited = [s for s in self.statements if _plain(s.text) not in self._original] if self._original else []
        if not edited or len(edited) > _EDITED_AT_MOST * len(self.statements):
            return place
        made = [s for s in edited if _assigned(s.text)]  # what a caller prints changes nothing
        below, above = (
            self._nearest(edited, place.function, self._called),
            self._nearest(made, place.function, self._callers),
        )
        return below or above or (made[0] if len(made) == 1 else place)

    def _nearest(self, edited: Sequence[Statement], first: str, others: Callable[[str], list[str]]) -> Statement | None:
        """The first of these in a function, or in those that it leads to, the nearest first."""
        waiting, seen = [first], set[str]()
        while waiting:
            function = waiting.pop(0)
            seen.add(function)
            if hit := next((s for s in edited if s.function == function), None):
                return hit
            waiting += [name for name in dict.fromkeys(others(function)) if name not in {*seen, *waiting}]
        return None

    def _called(self, function: str) -> list[str]:
        calls = (word for s in self.statements if s.function == function for word in _CALL.findall(s.text))
        return [word for word in calls if word in self._functions]

    def _callers(self, function: str) -> list[str]:
        return [s.function for s in self.statements if s.function != function and _calls(s, function)]

    def _ending(self, name: str, deep: int = 0) -> Statement | None:
        """The last statement that gives a function's first output its value; of a handle, that of what it calls."""
        if name in self._functions:
            output = (self._functions[name][1] or [""])[0]
            found = [s for s in self.statements if s.function == name and output in _assigned(s.text)]
            return found[-1] if found else None
        handle = next((s for s in self.statements if name and name in _assigned(s.text) and "@" in s.text), None)
        called = _CALL.findall(handle.text.partition("@")[2].partition(")")[2]) if handle else []
        return self._ending(called[0], deep + 1) if called and deep < _DEEPEST else handle

    def _followed(self, place: Statement, name: str, deep: int = 0) -> Statement:
        """Into the function whose output it is."""
        called = next((word for word in _CALL.findall(place.text.partition("=")[2]) if word in self._functions), "")
        outputs = _assigned(place.text)
        right = place.text.partition("=")[2]
        if not called or deep > _DEEPEST or name not in outputs or re.search(rf"\b{name}\b", right):
            return place
        theirs = self._functions[called][1]
        output = theirs[outputs.index(name)] if outputs.index(name) < len(theirs) else ""
        found = [s for s in self.statements if s.function == called and output in _assigned(s.text)]
        return self._followed(_telling(output, found), output, deep + 1) if found else place


def statements(file: str, source: str) -> Iterator[Statement]:
    """All of a file, continued lines put together, with the function that each is in."""
    function, text, blanked, start = "", "", "", 0
    lines = zip(source.splitlines(), without_comments(source), code_only(source), strict=True)
    for number, (raw, code, blank) in enumerate(lines, start=1):
        start = start if text else number
        text, blanked = f"{text}{code} ", f"{blanked}{blank} "
        if raw[len(code.rstrip()) :].lstrip().startswith("..."):
            continue
        if _FUNCTION.match(text) and (head := function_line(text)) is not None:
            function = head[0]
        for part in _parts(text, blanked):
            yield Statement(file, start, part, function)
        text, blanked = "", ""


def _parts(text: str, blanked: str) -> Iterator[str]:
    """Statements of a line: what stands between semicolons that are in no bracket and no string."""
    depth, start = 0, 0
    for at, character in enumerate(f"{blanked};"):
        depth += (character in "([{") - (character in ")]}")
        if character == ";" and (depth <= 0 or at == len(blanked)):
            if part := text[start:at].strip():
                yield part
            start = at + 1


def _assigned(text: str) -> list[str]:
    """Names on the left of an assignment, in order; outputs that are dropped keep their place."""
    match = _ASSIGNED.match(text)
    if match is None:
        return []
    return re.findall(r"[A-Za-z]\w*(?:\.\w+)*|~", match["several"]) if match["several"] is not None else [match["one"]]


def _telling(name: str, found: Sequence[Statement]) -> Statement:
    """The last statement that is more than a beginning or an end of the range: no constant, no conversion."""
    plain = re.compile(rf"=\s*(?:[-+]?(?:[\d.e]+|Inf|NaN)|\[\]|(?:double|single|cast|gather)\(\s*{name}\b.*\))\s*;?$")
    more = [s for s in found if not plain.search(s.text)]
    moved = [s for s in more if re.search(rf"=.*\b{name}\b\s*\.?[-+*/]", s.text)]
    return (moved or more or found)[-1]


def _arguments(text: str, name: str) -> list[str]:
    """What a function is called with in a statement."""
    rest = text[text.index(name) + len(name) :].lstrip()
    parts, depth = [""], 0
    for character in rest:
        depth += (character in "([{") - (character in ")]}")
        if not depth:
            break
        if character == "," and depth == 1:
            parts.append("")
        elif depth > 1 or character != "(":
            parts[-1] += character
    return [part.strip() for part in parts]


def _calls(statement: Statement, function: str) -> bool:
    return bool(re.search(rf"(?<!\w){function}\s*\(", statement.text)) and not _FUNCTION.match(statement.text)


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", text).rstrip(";")
