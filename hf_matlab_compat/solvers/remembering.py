"""Rules that keep something from epoch to epoch: it is part of the method's memory, and so of checkpoints."""

from __future__ import annotations

from typing import Any, Protocol

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.solvers.rules import Path, Preconditioner
from hf_matlab_compat.state import Memory


class Remembering(Protocol):
    """A preconditioner with memory. The rule itself never changes; `of_epoch` makes one for each epoch."""

    def first_memory(self, theta: Vector) -> Memory:
        """Return the entries of the memory before the first epoch, under names that only this rule uses."""
        ...

    def of_epoch(self, memory: Memory, n: int) -> PreconditionerOfEpoch:
        """Return the rule of epoch n."""
        ...


class PreconditionerOfEpoch(Preconditioner, Protocol):
    """A preconditioner for one epoch, made from what the epochs before have left."""

    def kept(self, path: Path) -> Memory:
        """Return the entries for the next epoch, after the inner solver's run."""
        ...


def first_memory(rule: Any, theta: Vector) -> Memory:
    """Return what a rule remembers before the first epoch; nothing for most rules."""
    return rule.first_memory(theta) if hasattr(rule, "first_memory") else {}


def rule_of_epoch(rule: Any, memory: Memory, n: int) -> Any:
    """Return the rule with what it remembers; most rules are the same in every epoch."""
    return rule.of_epoch(memory, n) if hasattr(rule, "of_epoch") else rule


def kept_by(rule: Any, path: Path) -> Memory:
    """Return what a rule of an epoch remembers for the next one."""
    return rule.kept(path) if hasattr(rule, "kept") else {}
