"""Figures of every epoch for TensorBoard, through tensorboardX (the extra ``tensorboard``)."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.observers.observer import Observer
from hf_matlab_compat.state import Report, State


class TensorBoard(Observer):
    """Writes log-likelihood, error and the method's own figures as scalars, an epoch a step.

    Parameters
    ----------
    folder : path
        Where the event file is written.

    Raises
    ------
    OptionError
        tensorboardX is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise OptionError(
                "tensorboardX",
                expected="it to be installed",
                got="no such package",
                advice="Run pip install 'hf_matlab_compat[tensorboard]'.",
            ) from error
        self._writer: Any = SummaryWriter(os.fspath(folder))

    def epoch(self, report: Report, state: State) -> None:
        """Write the figures of this epoch."""
        for name, value in _scalars(report):
            self._writer.add_scalar(name, value, report.epoch)
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


def _scalars(report: Report) -> Iterator[tuple[str, float]]:
    for which, score in (("train", report.train), ("test", report.test)):
        if score is not None:
            yield f"log_likelihood/{which}", score.log_likelihood
            yield f"error/{which}", score.error
    for name, value in report.figures.items():
        if isinstance(value, int | float) and math.isfinite(value):
            yield f"method/{name}", float(value)
