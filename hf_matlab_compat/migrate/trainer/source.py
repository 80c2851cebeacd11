"""The text of a trainer as a syntax tree, and the few things that the rules ask of it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate.grammar import matlab_parser
from hf_matlab_compat.migrate.trainer.nodes import SILENT, Node, row, text_of, walk

_MOST_CHARACTERS = 500_000
_DEEPEST = 200


@dataclass(frozen=True)
class Assignment:
    """``target = value``, once for each target where there are several.

    Attributes
    ----------
    name : str
        The variable, or the last field of one (``drop`` of ``c.drop``).
    target, value, node : Node
    index : int
        Which of several outputs, from 0.
    """

    name: str
    target: Node
    value: Node
    node: Node
    index: int


class Source:
    """One or more files of a trainer, parsed."""

    def __init__(self, texts: Sequence[str]) -> None:
        whole = [_lf(text) for text in texts]
        self.starts = list(accumulate((text.count("\n") for text in whole), initial=0))[:-1]
        self.text = _checked("".join(whole))
        self.lines = self.text.split("\n")
        self.root: Node = matlab_parser().parse(self.text.encode("utf-8", "surrogatepass")).root_node
        _require_shallow(self.root)

    @cached_property
    def nodes(self) -> list[Node]:
        """All named nodes, in the order of the text."""
        return list(walk(self.root))

    @cached_property
    def assignments(self) -> list[Assignment]:
        """All assignments, in the order of the text."""
        return [one for node in self.nodes if node.type == "assignment" for one in _assignments(node)]

    @cached_property
    def calls(self) -> list[Node]:
        """All calls and indexings, in the order of the text."""
        return [node for node in self.nodes if node.type == "function_call"]

    @cached_property
    def functions(self) -> list[Node]:
        """All functions, nested ones too."""
        return [node for node in self.nodes if node.type == "function_definition"]

    def of(self, name: str) -> list[Assignment]:
        """Assignments to the variable (or field) `name`."""
        return [one for one in self.assignments if one.name == name]

    def line(self, node: Node) -> str:
        """The text of the line on which the node begins."""
        return self.lines[row(node) - 1].strip()

    def place(self, line: int) -> tuple[int, int]:
        """The file (from 0) and the line in it (from 1) of a line of all files together."""
        file = max(bisect_left(self.starts, line) - 1, 0)
        return file, line - self.starts[file]

    def broken_lines(self) -> list[int]:
        """Lines that are no MATLAB."""
        return sorted({row(node) for node in walk(self.root) if node.type == "ERROR" or node.is_missing})


def _lf(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return lines if lines.endswith("\n") else lines + "\n"


def _checked(text: str) -> str:
    if "\0" in text or len(text) > _MOST_CHARACTERS:
        got = "a binary file" if "\0" in text else f"{len(text)} characters"
        raise MigrationError(f"trainer: expected the text of nnet_train_2.m, got {got}. Name a .m file.")
    return text


def _require_shallow(root: Node) -> None:
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > _DEEPEST:
            raise MigrationError(
                f"trainer: expected at most {_DEEPEST} levels of nesting, got more in line {row(node)}. Look there "
                "for brackets or blocks that are not closed."
            )
        waiting.extend((child, depth + 1) for child in node.children)


def _assignments(node: Node) -> Iterator[Assignment]:
    parts = [child for child in node.named_children if child.type not in SILENT]
    if len(parts) < 2:
        return
    target, value = parts[0], parts[-1]
    listed = target.named_children if target.type == "multioutput_variable" else [target]
    for index, one in enumerate(each for each in listed if each.type not in SILENT):
        yield Assignment(_variable(one), one, value, node, index)


def _variable(target: Node) -> str:
    """``a`` of a, a(1), a{1}(:); ``b`` of a.b."""
    while target.type == "function_call" and target.named_children:
        target = target.named_children[0]
    fields = [child for child in target.named_children if child.type == "identifier"]
    return text_of(fields[-1]) if target.type == "field_expression" and fields else text_of(target)
