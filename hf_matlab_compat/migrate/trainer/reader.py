"""`read_trainer`: from a user's copy of ``nnet_train_2.m`` to the options it implies."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from os import PathLike, stat
from pathlib import Path
from typing import Any, TypeVar

from hf_matlab_compat.errors import MigrationError, OptionError
from hf_matlab_compat.matlab.files.regular_file import kind_of_file
from hf_matlab_compat.matlab.source.program import Program
from hf_matlab_compat.matlab.source.tree import (
    Node,
    Source,
    called,
    function_of,
    name_of,
    parameters,
    text_of,
)
from hf_matlab_compat.matlab.vocabulary import TO_MATLAB, to_matlab_value
from hf_matlab_compat.migrate.trainer import method_rules, surroundings_rules, variable_rules
from hf_matlab_compat.migrate.trainer.comparison import differing_statements
from hf_matlab_compat.migrate.trainer.constants import constants
from hf_matlab_compat.migrate.trainer.findings import Finding, Implied, Unexpressed
from hf_matlab_compat.migrate.trainer.formula_rules import missing_formulas, unknown_formulas
from hf_matlab_compat.options import Options

RULES: tuple[Callable[[Program], Iterator[Finding]], ...] = (
    constants,
    *method_rules.RULES,
    *variable_rules.RULES,
    *surroundings_rules.RULES,
)

_DEFAULTS = Options()
_Found = TypeVar("_Found", Implied, Unexpressed)


@dataclass(frozen=True, kw_only=True)
class TrainerReport:
    """The options that a copy of the trainer implies, and its lines that no option expresses.

    Attributes
    ----------
    implied : tuple of Implied
        Every option for which a line was found, published values too.
    unexpressed : tuple of Unexpressed
        Lines whose effect no option has.
    unread : tuple of int
        Lines that cannot be parsed, counted through all files.
    gpu : str
        The GPU toolbox that the copy is written for: 'Jacket', 'gpuArray', 'GPUmat' or ''; ``jacket = 1`` in the
        call (``backend="cupy"``) does what each of them did.
    compared : bool
        Whether it was compared with an unedited copy. If not, only edits that a rule looks for are seen: constants,
        and formulas that are none of the known forms.
    signature : tuple of str
        The names of its arguments, in its order.
    """

    implied: tuple[Implied, ...]
    unexpressed: tuple[Unexpressed, ...]
    unread: tuple[int, ...]
    gpu: str
    compared: bool
    signature: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """Keywords of `train` by which this copy differs from the published file."""
        found = {one.option: one.value for one in self.implied}
        boost = found.get("lam_boost")
        if boost is not None and math.isclose(boost, 1 / found.get("lam_drop", _DEFAULTS.lam_drop), rel_tol=1e-4):
            found["lam_boost"] = None
        return {name: value for name, value in found.items() if value != getattr(_DEFAULTS, name)}

    @property
    def legacy_options(self) -> dict[str, Any]:
        """The same as keywords of `nnet_train`."""
        return {TO_MATLAB[name]: to_matlab_value(name, value) for name, value in self.options.items()}

    @property
    def as_published(self) -> tuple[str, ...]:
        """Constants that have their published value, as `nnet_train` calls them."""
        own = self.options
        return tuple(TO_MATLAB[one.option] for one in self.implied if one.option not in own)

    def in_words(self) -> list[str]:
        """Return one sentence on the constants found, and one on what was compared."""
        names = self.as_published
        found = f"{len(names)} constants were looked for and found as published: {', '.join(names)}"
        return [found if names else "no constant was found as published", _COMPARED if self.compared else _UNCOMPARED]


_COMPARED = "every statement was compared with the unedited copy"
_UNCOMPARED = (
    "formulas were not compared with the published file, only with known forms; to compare them: "
    "--original FILE (your own unedited copy: every statement), or hf-compat parity --reference DIR (runs the file and "
    "shows the formulas that differ)"
)


def read_trainer(
    *files: str | PathLike[str], original: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None
) -> TrainerReport:
    """Read the options that a user's copy of the trainer implies, and the lines that no option can express.

    Parameters
    ----------
    *files : path-like
        The copy of ``nnet_train_2.m``, and ``conjgrad_1.m`` where it is edited too.
    original : path-like or sequence of path-like, optional
        An unedited copy, in one file or two. With it, every statement of the copy that it does not have is reported,
        and none that it has.

    Returns
    -------
    TrainerReport

    Raises
    ------
    MigrationError
        A file cannot be read, or is not a Hessian-free trainer.
    """
    texts = [_read(path) for path in files]
    paths = [] if original is None else [original] if isinstance(original, str | PathLike) else list(original)
    return read_trainer_text(*texts, original=[_read(path) for path in paths] or None)


def read_trainer_text(*texts: str, original: str | Sequence[str] | None = None) -> TrainerReport:
    """Read a trainer from the contents of its files; see `read_trainer`."""
    unedited = (original,) if isinstance(original, str) else None if original is None else tuple(original)
    return _report(texts, unedited)


@lru_cache(maxsize=64)  # a folder's trainer is read again for each script beside it
def _report(texts: tuple[str, ...], original: tuple[str, ...] | None) -> TrainerReport:
    source = Program(texts)
    _require_trainer(source)
    findings = _findings(source)
    implied, refused = _possible([one for one in findings if isinstance(one, Implied)])
    unexpressed = [one for one in findings if isinstance(one, Unexpressed)] + refused
    if original is not None:
        unexpressed = list(_edited(source, original, implied, unexpressed))
    return TrainerReport(
        implied=tuple(_placed(source, implied)),
        unexpressed=tuple(_placed(source, sorted(dict.fromkeys(unexpressed), key=lambda one: one.line))),
        unread=tuple(source.broken_lines),
        gpu=surroundings_rules.gpu(source),
        compared=original is not None,
        signature=tuple(parameters(source.trainer)),
    )


def _edited(
    source: Program, original: Sequence[str], implied: Sequence[Implied], unexpressed: Iterable[Unexpressed]
) -> Iterator[Unexpressed]:
    """Yield the lines that no option expresses and that the unedited copy does not have."""
    unedited = Program(original)
    _require_trainer(Program(original[:1]))
    theirs = _findings(unedited)
    named = [one for one in theirs if isinstance(one, Implied)]
    same = {_words(one) for one in [*theirs, *_possible(named)[1]] if isinstance(one, Unexpressed)}
    own = [one for one in unexpressed if _words(one) not in same]
    yield from own
    seen = {one.line for one in [*implied, *own]}
    options = {one.option for one in implied}
    understood = {one.line for one in named if one.option in options}
    has_solver = _SOLVER.search(unedited.text) is not None
    added, missing = differing_statements(source, unedited, understood)
    yield from (one for one in added if one.line not in seen and (has_solver or source.place(one.line)[0] == 0))
    yield from missing


_SOLVER = re.compile(r"^\s*function\b[^\n%]*\bconjgrad\w*\s*\(", re.MULTILINE)


def _words(one: Unexpressed) -> tuple[str, str]:
    """Return a finding without its line."""
    return " ".join(one.text.split()), re.sub(r"\bline \d+", "line", one.why)


def _findings(source: Program) -> list[Finding]:
    found = [finding for rule in RULES for finding in rule(source)]
    told = {one.line for one in found if isinstance(one, Unexpressed) or one.option == "start_decay"}
    strange = list(unknown_formulas(source, told))
    near = [*strange, *(one for one in found if isinstance(one, Unexpressed))]
    return [*found, *strange, *missing_formulas(source, near)]


def _placed(source: Source, found: Iterable[_Found]) -> Iterator[_Found]:
    for one in found:
        file, line = source.place(one.line)
        yield replace(one, file=file, line=line)


def _read(path: str | PathLike[str]) -> str:
    try:
        if kind := kind_of_file(stat(path).st_mode):
            raise MigrationError(f"{path}: expected a file that can be read, got {kind}.")
        return Path(path).read_bytes().decode("utf-8", errors="replace")
    except OSError as error:
        raise MigrationError(f"{path}: expected a file that can be read, got '{error.strerror}'.") from error


def _require_trainer(source: Program) -> None:
    names = {text_of(node) for node in source.nodes if node.type == "identifier"}
    if {"y_hom2", "dEdx2"} & names or "minibatch_startsize" in names:
        raise MigrationError(
            "trainer: expected a Hessian-free trainer, got the later Kronecker-factored program (KFAC) of the same "
            "name, which is another algorithm. There is nothing to migrate it to."
        )
    trainer = source.trainer
    solves = any(_solves(source, node) for node in source.nodes)
    if trainer is None or not solves or len(parameters(trainer)) < 6:
        raise MigrationError(
            "trainer: expected a copy of nnet_train_2.m that calls a conjgrad function, got none. Name the trainer's "
            "own file; scripts that call it are migrated as scripts."
        )


def _solves(program: Program, node: Node) -> bool:
    """Return whether it calls a solver called conjgrad, or makes a handle of one, outside of solvers and reachable."""
    calls = node.type == "function_call" and called(node).startswith("conjgrad")
    calls = calls or (node.type == "handle_operator" and text_of(node).startswith("@conjgrad"))
    return calls and not name_of(function_of(node)).startswith("conjgrad") and program.reached(node)


def _possible(implied: list[Implied]) -> tuple[list[Implied], list[Unexpressed]]:
    """Return the first value of each option, and as lines without an option all others and impossible values."""
    kept: dict[str, Implied] = {}
    refused: list[Unexpressed] = []
    for one in implied:
        first = kept.get(one.option)
        try:
            Options(**{one.option: one.value})
        except OptionError as error:
            if error.argument == one.option:
                refused.append(Unexpressed(one.line, one.text, f"no value that an option takes: {error}"))
                continue
        if first is None:
            kept[one.option] = one
        elif _differ(first.value, one.value):
            refused.append(Unexpressed(one.line, one.text, f"{one.option} was {first.value} in line {first.line}"))
    return list(kept.values()), refused


def _differ(a: Any, b: Any) -> bool:
    if isinstance(a, float | int) and isinstance(b, float | int):
        return not math.isclose(a, b, rel_tol=1e-9)
    return a != b
