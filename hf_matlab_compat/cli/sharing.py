"""`hf-compat share`: shared parameters, their keeper and their workers."""

from __future__ import annotations

import hashlib
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from hf_matlab_compat.cli.app import INTERRUPTED, MaybeWhole, Whole, app

share = App(name="share", help="Train one network from several processes that share its parameters.")
app.command(share)

_Strings = Annotated[list[str] | None, Parameter(consume_multiple=True, negative=())]


@share.command
def keep(
    state: str,
    *,
    merge: Literal["masked", "delta", "average"] | None = None,
    tolerance: float | None = None,
    portion: float | None = None,
    case: Path | None = None,
    run_name: str = "shared",
    out: Path = Path(),
    record: Whole = 1000,
    versions: MaybeWhole = None,
    idle: float | None = None,
    skip: _Strings = None,
    durable: bool = True,
) -> int:
    """Keep a run: apply the workers' updates in their order, and write the log and the checkpoints.

    Start it before the workers; started again, it goes on. A run has one keeper.

    Parameters
    ----------
    state
        Where the parameters are: redis://[:password@]host:port/run, or a folder that all machines see.
    merge
        The rule of a new run: masked writes the entries that nobody has changed since the worker read them, delta adds
        a portion of the difference, average takes a weighted mean. By default masked.
    tolerance
        Of masked: entries that changed by up to this count as unchanged.
    portion
        Of delta and average: 1 / number of workers, or .5. With average 1 the last writer wins.
    case
        A run file with the cases of all workers: log and checkpoints have the figures of the shared parameters on all
        its cases. Without it they have each worker's own, and none of test cases.
    run_name
        Stem of log and checkpoints.
    out
        Folder for them; made if missing.
    record
        The last updates that are kept at least, for replay; 0 keeps all.
    versions
        End with this version.
    idle
        End after this number of seconds without an update.
    skip
        Names of damaged updates to leave out.
    durable
        Of a folder: --no-durable does not wait for the disk, and may lose the last updates in a power cut.
    """
    from hf_matlab_compat.distributed.judge import Judge
    from hf_matlab_compat.distributed.keeper import Keeper
    from hf_matlab_compat.distributed.merges import merge_of
    from hf_matlab_compat.distributed.status import open_state
    from hf_matlab_compat.legacy.case_file import read_case
    from hf_matlab_compat.preflight.folder import folder_for

    given = {"tolerance": tolerance, "portion": portion}
    asked = merge is not None or any(value is not None for value in given.values())
    rule = merge_of(merge or "masked", **given) if asked else None
    judge = Judge(read_case(case)) if case else None
    with folder_for(out), closing(open_state(state, durable=durable)) as opened:
        keeper = Keeper(opened, rule, run_name=out / run_name, record=record, skip=skip or (), judge=judge)
        if told := opened.warning():
            print(told, file=sys.stderr)
        begun: list[int] = []

        def watch(kept: Any) -> None:
            if not begun:
                print(f"Keeping {opened.name} from version {kept.version} on.", flush=True)
            begun[:] = [kept.version]

        infinite = float("inf")
        kept = keeper.run(infinite if versions is None else versions, infinite if idle is None else idle, watch)
        print(f"Version {kept.version}." if kept else "No worker came.")
    return 0


@share.command
def work(
    case: Path,
    *,
    state: str,
    shard: str = "1/1",
    maxepoch: MaybeWhole = None,
    backend: Literal["numpy", "numba", "cupy"] | None = None,
    precision: Literal["single", "double"] = "single",
    seed: MaybeWhole = None,
    set_: Annotated[list[str] | None, Parameter("--set", consume_multiple=True, negative=())] = None,
    display: Literal["legacy", "rich", "none"] = "legacy",
    run_name: str = "",
    out: Path = Path(),
    patience: float = 60.0,
    durable: bool = True,
) -> int:
    """Train a run file's cases, or a share of them, on shared parameters.

    The parameters of the first worker are where all start.

    Parameters
    ----------
    case
        The run file, as for hf-compat train.
    state
        Where the parameters are: redis://[:password@]host:port/run, or a folder that all machines see.
    shard
        Which share of the cases, such as 2/4: every fourth case from the second on.
    maxepoch
        Updates of this worker, in place of the file's maxepoch.
    backend
        Where to compute.
    precision
        Working precision, the same for all workers.
    seed
        Seed of the random initialisation.
    set_
        Constants inside the trainer, as NAME=VALUE.
    display
        MATLAB's lines, a live view, or nothing.
    run_name
        Stem of this worker's own log and checkpoints; by default the name of the case and its shard.
    out
        Folder for them; made if missing.
    patience
        Seconds to wait for the keeper, or for a server that does not answer.
    durable
        Of a folder: --no-durable does not wait for the disk.
    """
    from hf_matlab_compat.distributed.status import open_state
    from hf_matlab_compat.distributed.worker import shard_of, sharded
    from hf_matlab_compat.distributed.worker import work as run
    from hf_matlab_compat.legacy.case_file import constants_from, read_case
    from hf_matlab_compat.matlab.vocabulary import to_matlab_value
    from hf_matlab_compat.state import Outcome

    own = sharded(read_case(case), shard_of(shard))
    constants = {**constants_from(set_ or ()), "precision": precision, "seed": seed}
    instead = {"maxepoch": maxepoch, "jacket": None if backend is None else to_matlab_value("backend", backend)}
    constants |= {name: value for name, value in instead.items() if value is not None}
    with closing(open_state(state, shard, patience=patience, durable=durable, new=False)) as opened:
        result, path = run(own, opened, out, run_name, display, **constants)
    print(f"Shared parameters: {path}")
    return INTERRUPTED if result.outcome is Outcome.INTERRUPTED else 0


@share.command
def status(state: str) -> int:
    """Show version, rule, keeper and workers of a run.

    Parameters
    ----------
    state
        Where the parameters are.
    """
    from hf_matlab_compat.distributed.status import open_state
    from hf_matlab_compat.distributed.status import status as told

    with closing(open_state(state, patience=0, new=False)) as opened:
        print(told(opened))
    return 0


@share.command
def replay(state: str) -> int:
    """Apply the record of updates again and compare the parameters with those of the run, bit for bit.

    The exit code is 0 only if they are equal.

    Parameters
    ----------
    state
        Where the parameters are.
    """
    from hf_matlab_compat.distributed.keeper import replay as run
    from hf_matlab_compat.distributed.status import open_state

    with closing(open_state(state, patience=0, new=False)) as opened:
        made = run(opened)
    print(f"Versions {made.start} to {made.kept.version}: {'equal' if made.equal else 'NOT equal'} bit for bit.")
    print(f"SHA-256 of the parameters: {hashlib.sha256(made.kept.theta.tobytes()).hexdigest()}")
    return 0 if made.equal else 1
