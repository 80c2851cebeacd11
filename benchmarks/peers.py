"""Table 6: the Gauss-Newton product of other Python libraries, those that can be imported, against ours."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks import peer_hessianfree, peer_jax, peer_torch
from benchmarks.effort import Effort
from benchmarks.machine import machine
from benchmarks.octave import relative_difference
from benchmarks.peer import Peer, why_not
from benchmarks.table import JUDGED, Cell, Table, judged
from benchmarks.timing import Stopwatch, interleave, stopwatch
from benchmarks.workloads import WEIGHT_DECAY, Workload, cpu, cpu_backends

TARGETS = {"A": 1.1, "B": 1.3, "C": 1.1}
OURS = "ours, {}"
PEERS: tuple[Peer[Workload], ...] = (*peer_torch.PEERS, *peer_jax.PEERS, *peer_hessianfree.PEERS)


def table(effort: Effort, say: Callable[[str], None]) -> Table:
    """Measure every workload with ours and all peers in turn, in this process."""
    peers = [peer for peer in PEERS if effort.compile or not peer.compiles]
    missing = {peer.name: why_not(peer) for peer in peers}
    present = [peer for peer in peers if missing[peer.name] is None]
    rows: list[list[Cell]] = []
    for workload in effort.workloads:
        say(f"{workload.name}: Gauss-Newton product")
        rows += _workload(workload, present, effort)
    notes = [
        f"Medians of {effort.repeats} interleaved repeats, with a rest in between so that no other library's threads "
        "are still turning. Difference: ‖ours - theirs‖ / ‖theirs‖.",
        "Our product keeps the forward pass of θ, as `hessianfree` does and JAX's linearized one; the other rows "
        "compute it again for every product, as their users do.",
    ]
    notes += [f"{name}: {reason}" for name, reason in missing.items() if reason is not None]
    columns = ["workload", "library", "ms", "spread", "theirs / ours (numpy)", *JUDGED, "difference"]
    where = machine() | {peer.library: peer.version() for peer in present}  # after the imports: every BLAS is there
    return Table("peers", "Gauss-Newton product against other libraries", columns, rows, notes, where)


def _workload(workload: Workload, peers: list[Peer[Workload]], effort: Effort) -> list[list[Cell]]:
    watches: dict[str, Stopwatch] = {}
    differences: dict[str, float] = {}
    expected: np.ndarray | None = None
    for name in cpu_backends():
        backend = cpu(name=name)
        product = partial(workload.product(backend), workload.direction)
        watches[OURS.format(name)] = stopwatch(product, effort.spell, backend.quiet)
        with backend.quiet():
            result = product()
        expected = result if expected is None else expected
        differences[OURS.format(name)] = relative_difference(expected, result)
    failures: list[list[Cell]] = []
    for peer in peers:
        try:
            theirs = peer.product(workload)
            differences[peer.name] = relative_difference(expected, _with_decay(theirs(), workload))
            watches[peer.name] = stopwatch(theirs, effort.spell)
        except Exception as error:  # whatever another library does wrong is a line of the table
            failures.append([workload.name, f"{peer.name} failed: {type(error).__name__}", *[None] * 6])
    found = interleave(watches, effort.repeats, effort.pause)
    ours, own = found[OURS.format("numpy")], {OURS.format(name) for name in cpu_backends()}
    rows: list[list[Cell]] = []
    for name, taken in found.items():
        ratio = judged(taken.median / ours.median, None if name in own else TARGETS.get(workload.name))
        rows.append([workload.name, name, 1e3 * taken.median, taken.spread, *ratio, differences[name]])
    return rows + failures


def _with_decay(Gv: object, workload: Workload) -> np.ndarray:
    """The peers' products are without weight decay."""
    return np.asarray(Gv).ravel() + np.float32(WEIGHT_DECAY) * workload.direction
