"""A worker: trains on its share of the cases by any method of this package, from shared parameters."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.backends.backend import Backend, get_backend
from hf_matlab_compat.distributed.shared_state import SharedState
from hf_matlab_compat.errors import DataError, OptionError, speaking
from hf_matlab_compat.hessian_free import HessianFree
from hf_matlab_compat.legacy.arguments import to_field_terms
from hf_matlab_compat.legacy.case_file import SPOKEN_AT_THE_COMMAND_LINE, Case, train_case
from hf_matlab_compat.method import Epoch, Method
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.description import plain_settings
from hf_matlab_compat.problem import Problem
from hf_matlab_compat.registry import method_of
from hf_matlab_compat.result import Result
from hf_matlab_compat.state import Memory, Watch
from hf_matlab_compat.training import train


class Sharing:
    """A method around another one: each epoch starts from the shared parameters and sends what it made of them.

    Figures of an epoch are those of its own cases, before the merge.

    Parameters
    ----------
    state : SharedState
        The shared parameters.
    method : Method, optional
        What runs the epochs, by default Hessian-free as published; its memory stays with this worker.
    backend : Backend, optional
        The backend of the run, if it is not on the CPU.
    about : mapping, optional
        Of the network, for the log of the keeper: ``sizes``, ``unit_types``, ``settings``.
    """

    def __init__(
        self,
        state: SharedState,
        method: Method | None = None,
        backend: Backend | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self._state, self._method, self._about = state, method or HessianFree(), about or {}
        self._to_host = np.asarray if backend is None else backend.to_host
        self._placed: Callable[[Any], Vector] = np.array
        if backend is not None:
            self._placed = lambda theta: backend.xp.array(backend.asarray(theta))

    def start(self, problem: Problem, theta: Vector) -> Memory:
        """See `Method.start`: take part in the run; the first worker's θ is where all start."""
        self._state.join(self._to_host(theta), self._about)
        return self._method.start(problem, theta)

    def epoch(self, problem: Problem, theta: Vector, memory: Memory, n: int, watch: Watch) -> Epoch:
        """See `Method.epoch`; the parameters that it returns are the shared ones, with its update in them."""
        started, (base, seen) = time.perf_counter(), self._state.fetch()
        done = self._method.epoch(problem, self._placed(seen), memory, n, watch)
        told = {name: float(value) for name, value in done.figures.items() if isinstance(value, _NUMBER)}
        told |= {"log_likelihood": float(done.score.log_likelihood), "error": float(done.score.error)}
        told["seconds"] = time.perf_counter() - started
        self._state.push(base, seen, self._to_host(done.theta), told)
        version, theta = self._state.fetch()
        return done._replace(theta=self._placed(theta), figures={**done.figures, "base": base, "version": version})


_NUMBER = (int, float, np.integer, np.floating)


def shard_of(text: str) -> tuple[int, int]:
    """Return k and n of ``k/n``.

    Raises
    ------
    OptionError
        The text is none.
    """
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    k, n = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= k <= n:
        raise OptionError("shard", expected="K/N, the K-th of N shares of the cases, such as 2/4", got=repr(text))
    return k, n


def sharded(case: Case, shard: tuple[int, int]) -> Case:
    """Return the run file with every n-th of its training cases, from the k-th on; its name tells the shard.

    Raises
    ------
    DataError
        It has fewer cases than there are shards.
    """
    k, n = shard
    count = min(np.shape(case.arguments[name])[-1] if np.ndim(case.arguments[name]) == 2 else 0 for name in _CASES)
    if count < n:
        raise DataError("case", expected=f"at least {n} cases, one for each shard", got=f"{case.name} with {count}")
    own = {name: np.asarray(case.arguments[name])[:, k - 1 :: n] for name in _CASES}
    return replace(case, name=f"{case.name}_shard{k}of{n}", arguments={**case.arguments, **own})


_CASES = ("indata", "outdata")


def work(
    case: Case, state: SharedState, out: Path, run_name: str = "", display: str = "legacy", **instead: Any
) -> tuple[Result, Path]:
    """Train a run file's cases on shared parameters; the arguments are those of `train_case`.

    Parameters
    ----------
    case : Case
        The run file, with this worker's cases.
    state : SharedState
        The shared parameters.
    out : Path
        Folder for this worker's log and checkpoints.
    run_name : str
        Stem of the files; by default the name of the case.
    display : {'legacy', 'rich', 'none'}
        What the screen shows.
    **instead
        Arguments of `nnet_train`, under MATLAB's names, that replace those of the file.

    Returns
    -------
    result : Result
        Its θ is the shared one after this worker's last update.
    path : Path
        ``<run name>_paramsp.mat``.

    Raises
    ------
    OptionError, DataError, CheckpointError, NonFiniteError
        As `train_case`.
    SharedStateError
        The shared parameters cannot be reached, or are of another network.
    """
    with speaking(SPOKEN_AT_THE_COMMAND_LINE):
        given = to_field_terms({**case.arguments, **instead})
        options = given.keys() - inspect.signature(train).parameters.keys()
        settings = Options.from_keywords(**{name: given[name] for name in options})
        backend = get_backend(settings.backend, settings.precision, settings.num_threads)
        sizes = [np.shape(given["inputs"])[0], *(given["hidden_sizes"] or []), np.shape(given["targets"])[0]]
        about = {
            "sizes": [int(size) for size in sizes],
            "unit_types": list(given["unit_types"]),
            "settings": plain_settings(settings),
        }
        method = Sharing(state, method_of(settings, backend), backend, about)
    return train_case(case, out, run_name or case.name, display, **{**instead, "method": method})
