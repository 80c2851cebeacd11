"""Strings and numbers of a statement, counted on both sides: what MATLAB's holds, Python's holds, and nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.syntax import unescaped

_MEANS_SOMETHING = re.compile(r"[^\w\s.:/+*%@~^|&<>?!$-]")
"""Characters by which a string could be more than words to Python or to a translator."""
_NUMBERS_ONLY = re.compile(r"[\d\s.,;:\[\]eE+-]*")
_DIRECTIVE = re.compile(r"%[-+ 0#]*\d*(?:\.\d*)?l?[a-zA-Z]")
_NUMBER = re.compile(r"\d+(?:\.\d*)?(?:e[+-]?\d+)?")
_LEAST = 10_000
"""Whole numbers below it may be sizes, positions, axes or options that a translation brings along."""
_OWN_FRACTIONS = (0.5,)


class Account:
    """The strings and numbers of one statement; those of the statements inside it have accounts of their own.

    Parameters
    ----------
    statement : Statement
    trainers : collection of str
        Functions whose calls take numbers from another file.
    """

    def __init__(self, statement: syntax.Statement, trainers: Collection[str] = ()) -> None:
        nodes = list(_own(statement))
        self._text = statement.place.text
        self._texts = [node for node in nodes if isinstance(node, syntax.Text)]
        self._words = [node.words[1:] for node in nodes if isinstance(node, syntax.Command)]
        self._number_nodes = [node for node in nodes if isinstance(node, syntax.Number)]
        self._numbers_from_elsewhere = any(isinstance(node, syntax.Name) and node.name in trainers for node in nodes)
        self._constants: list[object] = []

    def leave_out(self, nodes: Iterable[syntax.Node]) -> None:
        """Parts of the statement that Python has no counterpart for, as a remark says."""
        gone = {id(part) for node in nodes for part in node.walk()}
        self._texts = [node for node in self._texts if id(node) not in gone]
        self._number_nodes = [node for node in self._number_nodes if id(node) not in gone]

    @property
    def _numbers(self) -> set[float]:
        return {_value(node.text) for node in self._number_nodes}

    def enter(self, tree: ast.stmt) -> None:
        """Enter a statement of Python, or the header of a block."""
        self._constants += [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]

    def difference(self, left_out: bool = False) -> str:
        """What one side holds and the other does not, as a phrase that follows the line's number; empty if nothing.

        Where a statement is left out, its Python need not hold what the statement held.
        """
        strings = [each for each in self._constants if isinstance(each, str)]
        numbers = {
            float(each) for each in self._constants if isinstance(each, int | float) and not isinstance(each, bool)
        }
        lost = () if left_out else self._lost(strings)
        other = next(chain(lost, self._foreign(strings)), None)
        if other is not None:
            return f"holds a string that would not be the same in Python ({other!r})"
        shown = {float(found) for each in strings for found in _NUMBER.findall(each)}
        lost_number = not left_out and self._is_lost(numbers | shown)
        return "holds numbers that would not be the same in Python" if lost_number or self._is_foreign(numbers) else ""

    def _lost(self, strings: list[str]) -> Iterator[str]:
        """Strings of MATLAB's that no string of Python's holds."""
        whole, everything = set(strings), "\0".join(strings)
        place = 0
        for node in self._texts:
            if node.text in whole or not _MEANS_SOMETHING.search(node.text) or _NUMBERS_ONLY.fullmatch(node.text):
                continue
            found = everything.find(node.text, place)  # most stand in the order of the source
            place = max(place, found)
            if found >= 0 or node.text in everything:
                continue
            if any(part not in everything for part in _printed(node) if _MEANS_SOMETHING.search(part)):
                yield node.text

    def _foreign(self, strings: list[str]) -> Iterator[str]:
        """Strings of Python's that no strings of MATLAB's explain."""
        known = {part for node in self._texts for part in (node.text, *_printed(node))}
        known |= {word for words in self._words for word in (*words, *(word.strip("'") for word in words))}
        telling = sorted((part for part in known if _MEANS_SOMETHING.search(part)), key=len, reverse=True)
        for each in strings:
            label = each.removesuffix(" =")
            explained = len(each) < 2 or each in known or label in self._text or label == "ans"
            rest = "" if explained else each
            for part in telling if _MEANS_SOMETHING.search(rest) else ():
                rest = rest.replace(part, " ")
            if _MEANS_SOMETHING.search(rest):
                yield each

    def _is_lost(self, numbers: set[float]) -> bool:
        return any(not _near(each, numbers) for each in filter(_is_telling, self._numbers))

    def _is_foreign(self, numbers: set[float]) -> bool:
        foreign = (each for each in filter(_is_telling, numbers - {*_OWN_FRACTIONS}) if not _near(each, self._numbers))
        return not self._numbers_from_elsewhere and any(foreign)


def _own(statement: syntax.Statement) -> Iterator[syntax.Node]:
    """The statement's nodes, those of other statements inside it left out."""
    waiting: list[syntax.Node] = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        inside = [child for child in node.children() if not isinstance(child, syntax.Statement)]
        waiting.extend(reversed(inside))


def _printed(node: syntax.Text) -> Iterable[str]:
    """What a string prints as a format, around its values; at the end of a line `print` brings the last newline."""
    text = node.text if node.double else unescaped(node.text)
    parts = _DIRECTIVE.split(text.replace("%%", "\0"))
    return [part.replace("\0", "%").removesuffix("\n") for part in parts]


def _value(text: str) -> float:
    return float(text.lower().replace("d", "e"))


def _is_telling(number: float) -> bool:
    return number != int(number) or abs(number) >= _LEAST if abs(number) < float("inf") else True


def _near(number: float, numbers: set[float]) -> bool:
    """Whether a number is among `numbers`, or next to one: positions count from 0, ranges end one further."""
    return bool({number, number - 1, number + 1} & numbers)
