"""The layer sizes of a checkpoint as the log of its run names them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from hf_matlab_compat.errors import ArgumentError
from hf_matlab_compat.matlab.logs.parser import read_log
from hf_matlab_compat.model.packing import num_parameters

_OF_RUN = re.compile(r"(.+)_nnet_(?:running|epoch\d+)")


class LoggedSizes(NamedTuple):
    """Sizes s_0 … s_L, and the name of the log."""

    log: str
    sizes: tuple[int, ...]


def logged_sizes(path: str | os.PathLike[str], psize: int) -> LoggedSizes | None:
    """Layer sizes with `psize` parameters by ``<run>.txt`` beside ``<run>_nnet_running.mat``, its last run first."""
    named = _OF_RUN.fullmatch(Path(path).stem)
    log = Path(path).with_name(f"{named[1]}.txt") if named else None
    if log is None or not log.is_file():
        return None
    try:
        runs = read_log(log)
    except ArgumentError:
        return None
    for run in reversed(runs):
        sizes = run.constants.get("layersizes")
        if isinstance(sizes, tuple) and len(sizes) > 1 and min(sizes) > 0 and num_parameters(sizes) == psize:
            return LoggedSizes(log.name, sizes)
    return None
