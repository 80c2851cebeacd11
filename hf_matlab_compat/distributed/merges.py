"""Rules by which a worker's update is merged into shared parameters that others have changed in the meantime.

Notation
--------
θ : the shared parameters when the update is applied;  s : the shared parameters that the worker started from
w : the worker's parameters after its work;  Δ = w - s
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError, quoted
from hf_matlab_compat.kinds import ABOVE_0_TO_1, AT_LEAST_0, check_settings

Theta = NDArray[np.floating[Any]]


class Merged(NamedTuple):
    """Shared parameters after an update.

    Attributes
    ----------
    theta : (P,) array
    written : float
        Share of the entries that the update could write.
    """

    theta: Theta
    written: float


class Merge(Protocol):
    """One rule; all arrays are (P,) and of one dtype, and the same arrays give the same bits everywhere."""

    @property
    def num_vectors(self) -> int:
        """Number of vectors in an update."""
        ...

    def sent(self, seen: Theta, new: Theta) -> Sequence[Theta]:
        """Return the vectors of an update, from s and w."""
        ...

    def merged(self, theta: Theta, update: Sequence[Theta]) -> Merged:
        """Return the shared parameters after the update; θ is not changed in place."""
        ...


@dataclass(frozen=True)
class Masked:
    """Write the entries of w that nobody has changed since the worker read them.

    Parameters
    ----------
    tolerance : float
        Entries whose θ differs from s by up to this count as unchanged.

    Raises
    ------
    OptionError
        The tolerance is negative or not finite.
    """

    tolerance: float = 0.0

    def __post_init__(self) -> None:
        check_settings(self, tolerance=AT_LEAST_0)

    @property
    def num_vectors(self) -> int:
        """See `Merge`: s and w."""
        return 2

    def sent(self, seen: Theta, new: Theta) -> Sequence[Theta]:
        """See `Merge`."""
        return (seen, new)

    def merged(self, theta: Theta, update: Sequence[Theta]) -> Merged:
        """See `Merge`."""
        seen, new = update
        unchanged = np.abs(theta - seen) <= self.tolerance
        return Merged(np.where(unchanged, new, theta), float(unchanged.mean()))


@dataclass(frozen=True)
class Delta:
    """Add a portion of Δ.

    Parameters
    ----------
    portion : float
        1 adds the whole difference; 1 / number of workers averages what they did.

    Raises
    ------
    OptionError
        The portion is not above 0 and at most 1.
    """

    portion: float = 1.0

    def __post_init__(self) -> None:
        check_settings(self, portion=ABOVE_0_TO_1)

    @property
    def num_vectors(self) -> int:
        """See `Merge`: Δ."""
        return 1

    def sent(self, seen: Theta, new: Theta) -> Sequence[Theta]:
        """See `Merge`."""
        return (new - seen,)

    def merged(self, theta: Theta, update: Sequence[Theta]) -> Merged:
        """See `Merge`."""
        return Merged(theta + self.portion * update[0], 1.0)


@dataclass(frozen=True)
class Average:
    """Average w with the shared parameters; a portion of 1 overwrites them, so that the last writer wins.

    Parameters
    ----------
    portion : float
        Weight of w.

    Raises
    ------
    OptionError
        The portion is not above 0 and at most 1.
    """

    portion: float = 0.5

    def __post_init__(self) -> None:
        check_settings(self, portion=ABOVE_0_TO_1)

    @property
    def num_vectors(self) -> int:
        """See `Merge`: w."""
        return 1

    def sent(self, seen: Theta, new: Theta) -> Sequence[Theta]:
        """See `Merge`."""
        return (new,)

    def merged(self, theta: Theta, update: Sequence[Theta]) -> Merged:
        """See `Merge`."""
        return Merged((1 - self.portion) * theta + self.portion * update[0], 1.0)


MERGES: Mapping[str, Callable[..., Merge]] = {"masked": Masked, "delta": Delta, "average": Average}
"""Rules by name."""


def merge_of(name: str, **settings: float | None) -> Merge:
    """Return a rule by its name; settings that are None keep their defaults.

    Raises
    ------
    OptionError
        There is no such rule, or it has no such setting, or a setting has a wrong value.
    """
    if name not in MERGES:
        raise OptionError("merge", expected="one of " + ", ".join(map(repr, MERGES)), got=quoted(name))
    given = {setting: value for setting, value in settings.items() if value is not None}
    known = asdict(MERGES[name]())  # type: ignore[call-overload]
    for setting, value in given.items():
        if setting not in known:
            has = ", ".join(known)
            raise OptionError(setting, expected=f"nothing beside merge={name!r}, which has {has}", got=value)
    return MERGES[name](**given)


def plain(merge: Any) -> dict[str, Any]:
    """Return a rule in values that JSON can hold, as keywords of `merge_of`."""
    name = next(name for name, kind in MERGES.items() if kind is type(merge))
    return {"name": name, **asdict(merge)}


def shown(merge: Mapping[str, Any]) -> str:
    """Return a rule in words, from what `plain` returns."""
    return f"{merge['name']}, " + ", ".join(f"{name} {value:g}" for name, value in merge.items() if name != "name")
