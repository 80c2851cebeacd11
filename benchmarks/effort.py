"""How much is measured: everything that a full run and a quick one differ in."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.recurrent_net import LONG, SHORT, RecurrentWorkload
from benchmarks.workloads import DERIVED, SMALL, A, B, C, Workload


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Settings of a run of the benchmarks.

    Attributes
    ----------
    workloads : tuple of Workload
    repeats : int
        Interleaved repeats of a product or a gradient.
    epoch_repeats : int
        Interleaved repeats of a whole epoch.
    spell : float
        Seconds that one timing lasts at least; what is shorter is called several times in it.
    octave_spell : float
        The same for products beside Octave's.
    pause : float
        Seconds between timings of different programs or thread pools, so that one's idle threads come to rest.
    cg_steps : int
        CG steps of the epochs that are compared with Octave.
    share_epochs : int
        Epochs over which the share outside the passes is taken.
    small : Workload
    small_epochs : int
    memory_cases : int
        Cases of a chunk of A in the memory table.
    memory_chunks : tuple of int
    larger_gigabytes, larger_limit : float
        Cases on disk, and memory of the run that trains on them, in the table of what is larger than memory.
    larger_epochs : int
    growth_cases, growth_widths, growth_depths : tuples of int
        Where the time of a gradient and a product is measured.
    recurrent : tuple of RecurrentWorkload
    autodiff : Workload
    compile : bool
        Whether PyTorch's product is measured compiled too.
    """

    workloads: tuple[Workload, ...] = (A, B, C)
    repeats: int = 7
    epoch_repeats: int = 3
    spell: float = 0.05
    octave_spell: float = 1.0
    pause: float = 0.1
    cg_steps: int = 10
    share_epochs: int = 2
    small: Workload = SMALL
    small_epochs: int = 200
    memory_cases: int = 5000
    memory_chunks: tuple[int, ...] = (1, 4, 16)
    larger_gigabytes: float = 12.0
    larger_limit: float = 4.0
    larger_epochs: int = 2
    growth_cases: tuple[int, ...] = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
    growth_widths: tuple[int, ...] = (64, 128, 256, 512, 1024)
    growth_depths: tuple[int, ...] = (2, 4, 8, 16, 32)
    recurrent: tuple[RecurrentWorkload, ...] = (LONG, SHORT)
    autodiff: Workload = DERIVED
    compile: bool = True


FULL = Effort()
QUICK = Effort(
    workloads=(A, B),
    repeats=5,
    epoch_repeats=1,
    octave_spell=0.5,
    cg_steps=6,
    share_epochs=1,
    small_epochs=40,
    memory_cases=1000,
    larger_gigabytes=2.0,
    larger_limit=1.0,
    larger_epochs=1,
    growth_cases=(1_000, 3_000, 10_000, 30_000, 100_000),
    growth_widths=(64, 128, 256, 512),
    growth_depths=(2, 4, 8, 16),
    recurrent=(SHORT,),
    compile=False,
)
