"""Two mistakes that a comparison must show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.parity.judge.planting import rule, settings


class _OffByAThousandth:
    def __init__(self, published: Any) -> None:
        self._published = published

    def judge(self, *given: Any) -> Any:
        found = self._published.judge(*given)
        return replace(found, rho=1.001 * found.rho)


WRONG_RHO = rule("judge", _OffByAThousandth)
WRONG_LAMBDA = settings("damping", drop=0.66)
