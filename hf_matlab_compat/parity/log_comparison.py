"""The text log of an epoch on both sides: words equal, digits equal but for what rounding may do to the last one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

from hf_matlab_compat.parity.envelope_rule import Bound

_NUMBER = re.compile(r"(?<![\w.])-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf|NaN)")
_DIFFERENCE = "Error rate difference"
_FIGURES: Mapping[str, tuple[str, ...]] = {
    "ch magnitude": ("ch_norm",),
    "rho": ("rho",),
    "epoch": ("ll", "err"),
    "TEST": ("test_ll", "test_err"),
    _DIFFERENCE: ("err", "test_err"),
}
"""What lines begin with, and the figures in them that rounding may move; all other lines are equal."""
_FORMAT = ("maxiters = ", "CG steps used: ", "ch magnitude : ", "Chose iters : ", "rho = ", "Number of reductions : ")
_FORMAT += ("New lambda: ", "epoch: ", "TEST Log likelihood: ", _DIFFERENCE)
"""What every line of the published format begins with."""


class LogComparison(NamedTuple):
    """The first line that differs by more than it may, else the one that differs most, else the last.

    `share` is the difference of two numbers over what it may be: a unit of the last digit printed and what the
    line's figures are allowed, as `source` says. It is inf where words or decisions differ, 0 for equal lines.
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
    b = [line for line in whole if line.startswith(_FORMAT)]
    error = _error_rate(theirs)
    found = [_compared(a, b, allowed, error) for a, b in zip_longest(a, b, fillvalue="")]
    beyond = [each for each in found if each.share > 1]
    worst = beyond[0] if beyond else max(reversed(found), key=lambda each: each.share)
    return worst._replace(aside=len(whole) - len(b))


def total_before(lines: Sequence[str], cg_steps: float) -> int:
    """CG steps of the run before this epoch, as the log tells; 0 where it does not."""
    for line in lines:
        if (found := re.search(r"total is: (\d+)", line)) and math.isfinite(cg_steps):
            return int(found[1]) - int(cg_steps)
    return 0


def _compared(a: str, b: str, allowed: Callable[[tuple[str, ...]], Bound], error: float) -> LogComparison:
    if a == b:
        return LogComparison(a, b, 0.0, "exact")
    figures = next((names for start, names in _FIGURES.items() if b.startswith(start)), ())
    if not figures or _NUMBER.sub("#", a) != _NUMBER.sub("#", b):
        return LogComparison(a, b, math.inf, "exact")
    tolerance, source = allowed(figures)
    scale = error if b.startswith(_DIFFERENCE) else 0.0  # two error rates cancel, their rounding does not
    shares = [0.0]
    for x, y in zip(_NUMBER.findall(a), _NUMBER.findall(b), strict=True):
        if x != y:
            unit = max(_last_digit(x), _last_digit(y))
            shares.append(abs(float(x) - float(y)) / (1.001 * unit + tolerance * max(abs(float(y)), scale)))
    share = math.inf if any(math.isnan(share) for share in shares) else max(shares)
    return LogComparison(a, b, share, f"a unit of the last digit, and {source}")


def _last_digit(text: str) -> float:
    mantissa, _, exponent = text.partition("e")  # of Inf and NaN anything: they make the share infinite
    decimals = len(mantissa.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - decimals)


def _error_rate(lines: Sequence[str]) -> float:
    rates = [float(found[1]) for line in lines if (found := re.search(r"error rate: ([-+.\de]+)", line))]
    return max(map(abs, rates), default=0.0)
