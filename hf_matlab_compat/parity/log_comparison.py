"""The text log of an epoch: its lines, their figures with all digits, and the comparison of two programs' lines.

Words must be equal, and digits must be equal except for what rounding may do to the last ones.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import NamedTuple

from hf_matlab_compat.matlab.logs.lines import DIFFERENCE_LINE, EPOCH_LINES, NUMBER, SCORE_LINE, TEST_LINE, number
from hf_matlab_compat.parity.envelope_rule import Bound

_NUMBER = re.compile(rf"(?<![\w.]){NUMBER}")
_INITIAL_LAMBDA = re.compile(rf"^initlambda: ({NUMBER})\r?$", re.MULTILINE)
_FIGURE_LINES = EPOCH_LINES[1:-1]  # not the limits of CG, and not the difference of two other figures


def epoch_lines(log: str, epoch: int) -> list[str]:
    """Return the lines of one epoch with the empty one that ends it, or none if the log lacks it."""
    lines = log.replace("\r\n", "\n").split("\n")
    rules = [at for at, line in enumerate(lines) if line and set(line) == {"="}]  # the last ends the header
    blocks: list[list[str]] = [[]]
    for line in lines[rules[-1] + 2 :] if rules else lines:
        blocks[-1].append(line)
        if not line and any(each.startswith(f"{SCORE_LINE.start} ") for each in blocks[-1]):
            blocks.append([])
    wanted = f"{SCORE_LINE.start} {epoch},"
    return next((block for block in blocks if any(line.startswith(wanted) for line in block)), [])


def without_test_lines(lines: Sequence[str]) -> list[str]:
    """Return the lines without those of an empty test set: the original logs NaN there, this package no line."""
    starts = (TEST_LINE.start, DIFFERENCE_LINE.start)
    return [line for line in lines if not (line.startswith(starts) and "NaN" in line)]


def printed_figures(lines: Sequence[str], words: Sequence[str], numbers: Sequence[float]) -> dict[str, float]:
    """Return the figures of an epoch by name.

    Parameters
    ----------
    lines : sequence of str
        Of the epoch.
    words, numbers : sequences
        The texts that num2str returned and the numbers that it was given, in order. A line's figure is the number of
        its text, if that is among them.
    """
    figures: dict[str, float] = {}
    at = 0
    for line in lines:
        found = next((read for known in _FIGURE_LINES if (read := known.read(line, whole=False))), {})
        for name, word in found.items():
            position = next((k for k in range(at, len(words)) if words[k] == word), None)
            at = at if position is None else position + 1
            figures[name] = number(word) if position is None else float(numbers[position])
    return figures


def initial_lambda(log: str) -> float | None:
    """Return λ before the first epoch, as the header has it."""
    match = _INITIAL_LAMBDA.search(log)
    return number(match[1]) if match else None


def total_before(lines: Sequence[str], cg_steps: float) -> int:
    """Return the CG steps of the run before this epoch as its log tells, or 0 if it does not."""
    total = printed_figures(lines, (), ()).get("total_cg_steps", math.nan)
    return int(total) - int(cg_steps) if math.isfinite(total) and math.isfinite(cg_steps) else 0


class LogComparison(NamedTuple):
    """The first line that differs by more than it may, else the one that differs most, else the last.

    `share` is the difference of two numbers over what it may be: a unit of the last digit printed and what the
    line's figures are allowed, as `source` says. It is inf if words or decisions differ, 0 for equal lines.
    `aside` counts the reference's lines of another format, which are not compared.
    """

    ours: str
    theirs: str
    share: float
    source: str
    aside: int = 0

    @property
    def detail(self) -> str:
        """How many lines were set aside; empty for none."""
        return f"{self.aside} line{'s' * (self.aside > 1)} of another format set aside" if self.aside else ""


def compare_logs(
    ours: Sequence[str], theirs: Sequence[str], allowed: Callable[[tuple[str, ...]], Bound]
) -> LogComparison:
    """Compare the lines of one epoch.

    Parameters
    ----------
    ours, theirs : sequence of str
        Without line ends; empty lines do not count.
    allowed : callable
        Names of figures → by how much, relative, they may differ; asked only about lines that do.
    """
    a, whole = ([line.rstrip() for line in side if line.strip()] for side in (ours, theirs))
    b = [line for line in whole if line.startswith(tuple(f"{known.start} " for known in EPOCH_LINES))]
    errors = [abs(figures["error"]) for line in theirs if "error" in (figures := printed_figures([line], (), ()))]
    found = [_compared(a, b, allowed, max(errors, default=0.0)) for a, b in zip_longest(a, b, fillvalue="")]
    beyond = [each for each in found if each.share > 1]
    worst = beyond[0] if beyond else max(reversed(found), key=lambda each: each.share)
    return worst._replace(aside=len(whole) - len(b))


def _compared(a: str, b: str, allowed: Callable[[tuple[str, ...]], Bound], error: float) -> LogComparison:
    if a == b:
        return LogComparison(a, b, 0.0, "exact")
    line = next((known for known in EPOCH_LINES if known.rounded and b.startswith(known.start)), None)
    if line is None or _NUMBER.sub("#", a) != _NUMBER.sub("#", b):
        return LogComparison(a, b, math.inf, "exact")
    of_difference = line is DIFFERENCE_LINE  # two error rates cancel, their rounding does not
    names = ("error", "test_error") if of_difference else (name for name in line.figures if name != "epoch")
    tolerance, source = allowed(tuple(names))
    shares = [0.0]
    for x, y in zip(_NUMBER.findall(a), _NUMBER.findall(b), strict=True):
        if x != y:
            unit = max(_last_digit(x), _last_digit(y))
            scale = max(abs(number(y)), error if of_difference else 0.0)
            shares.append(abs(number(x) - number(y)) / (1.001 * unit + tolerance * scale))
    share = math.inf if any(math.isnan(share) for share in shares) else max(shares)
    return LogComparison(a, b, share, f"a unit of the last digit, and {source}")


def _last_digit(text: str) -> float:
    mantissa, _, exponent = text.partition("e")  # of Inf and NaN anything: they make the share infinite
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
