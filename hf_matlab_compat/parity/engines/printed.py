"""The figures of an epoch as its log prints them, with the digits that the log leaves out."""

from __future__ import annotations

import re
from collections.abc import Sequence

_N = r"([-+.\w]+)"

_LINES: Sequence[tuple[re.Pattern[str], tuple[str, ...]]] = (
    (re.compile(rf"CG steps used: {_N}, total is: {_N}"), ("cg_steps", "total_cg_steps")),
    (re.compile(rf"ch magnitude : {_N}"), ("ch_norm",)),
    (re.compile(rf"Chose iters : {_N}"), ("chose_iters",)),
    (re.compile(rf"rho = {_N}"), ("rho",)),
    (re.compile(rf"Number of reductions : {_N}, chosen rate: {_N}"), ("reductions", "rate")),
    (re.compile(rf"New lambda: {_N}"), ("lambda",)),
    (re.compile(rf"epoch: {_N}, Log likelihood: {_N}, error rate: {_N}"), ("epoch", "ll", "err")),
    (re.compile(rf"TEST Log likelihood: {_N}, error rate: {_N}"), ("test_ll", "test_err")),
)
_TEST_LINES = ("TEST Log likelihood", "Error rate difference (test - train)")
_INITIAL_LAMBDA = re.compile(rf"^initlambda: {_N}\r?$", re.MULTILINE)


def epoch_lines(log: str, epoch: int) -> list[str]:
    """The lines of one epoch, the empty one that ends it included; none where the log lacks it."""
    blocks: list[list[str]] = [[]]
    for line in _body(log):
        blocks[-1].append(line)
        if not line and any(each.startswith("epoch: ") for each in blocks[-1]):
            blocks.append([])
    for block in blocks:
        if any(line.startswith(f"epoch: {epoch},") for line in block):
            return block
    return []


def without_test_lines(lines: Sequence[str]) -> list[str]:
    """The lines less those on a test set, where there is none: NaN in the original's log, nothing in this package's."""
    return [line for line in lines if not (line.startswith(_TEST_LINES) and "NaN" in line)]


def printed_figures(lines: Sequence[str], words: Sequence[str], numbers: Sequence[float]) -> dict[str, float]:
    """Figures by name.

    Parameters
    ----------
    lines : sequence of str
        Of the epoch.
    words, numbers : sequences
        What num2str gave for what, in order: where a line has such a word, the number counts.
    """
    figures: dict[str, float] = {}
    at = 0
    for line in lines:
        for pattern, names in _LINES:
            match = pattern.match(line)
            for name, word in zip(names, match.groups() if match else (), strict=False):
                position = _position(word, words, at)
                at = at if position is None else position + 1
                value = float(word) if position is None else float(numbers[position])
                figures[name] = value
    return figures


def initial_lambda(log: str) -> float | None:
    """As the header has it."""
    match = _INITIAL_LAMBDA.search(log)
    return float(match[1]) if match else None


def _position(word: str, words: Sequence[str], start: int) -> int | None:
    return next((at for at in range(start, len(words)) if words[at] == word), None)


def _body(log: str) -> list[str]:
    """What follows the header."""
    lines = log.replace("\r\n", "\n").split("\n")
    rules = [at for at, line in enumerate(lines) if line and set(line) == {"="}]
    return lines[rules[-1] + 2 :] if rules else lines
