"""A run of the benchmarks that takes no time: one tiny workload, one repeat of everything."""

from __future__ import annotations

from benchmarks.effort import Effort
from benchmarks.recurrent_net import RecurrentWorkload
from benchmarks.workloads import Workload

TOY = Workload("toy", (6, 4, 2, 4, 6), 30)
EFFORT = Effort(
    workloads=(TOY,),
    repeats=2,
    epoch_repeats=1,
    spell=0.001,
    octave_spell=0.001,
    pause=0.0,
    cg_steps=3,
    share_epochs=1,
    small=TOY,
    small_epochs=2,
    memory_cases=8,
    memory_chunks=(2,),
    larger_gigabytes=0.03,
    larger_limit=1.0,
    larger_epochs=1,
    growth_cases=(20, 40),
    growth_widths=(4, 8),
    growth_depths=(2, 4),
    autodiff=TOY,
    recurrent=(RecurrentWorkload("toy", 4, 5, 6),),
)
