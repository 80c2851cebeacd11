"""Another library that can multiply by the Gauss-Newton matrix."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Generic, TypeVar

Multiplied = TypeVar("Multiplied")
"""A kind of workload."""


@dataclass(frozen=True)
class Peer(Generic[Multiplied]):
    """A way to call a library.

    Attributes
    ----------
    name : str
        Of the row.
    library : str
        What is imported.
    product : callable
        Workload → a call that computes G v / N, without weight decay, in the package's packing.
    compiles : bool
        It takes long to be compiled; a quick run leaves it out.
    """

    name: str
    library: str
    product: Callable[[Multiplied], Callable[[], object]]
    compiles: bool = False

    def version(self) -> str:
        """Of the library as it is installed."""
        try:
            return version(self.library)
        except PackageNotFoundError:
            return "unknown"


def why_not(peer: Peer[Any]) -> str | None:
    """Why it cannot be imported, or None where it can."""
    try:
        importlib.import_module(peer.library)
    except ModuleNotFoundError as error:
        return "not installed" if error.name == peer.library else f"cannot be imported: {error}"
    except Exception as error:  # an old library's import may fail in any way
        return f"cannot be imported: {error}"
    return None
