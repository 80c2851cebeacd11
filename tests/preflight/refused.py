"""What a refused argument looks like, and the sentences that refuse it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Refused(NamedTuple):
    """Arguments under MATLAB's names, what `nnet_train_2` says of them, and how `train`'s sentence begins."""

    changes: dict[str, Any]
    error: type[Exception]
    legacy: str
    field: str
