"""Threads of a rank: by the scheduler's variable, else a share of the host; never more than it may use."""

from __future__ import annotations

import pytest

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.ranks.allocation import allotted, share

EIGHT = range(8)


@pytest.mark.parametrize(
    ("environ", "threads"),
    [
        ({}, None),
        ({"SLURM_CPUS_PER_TASK": "8"}, 8),
        ({"OMP_NUM_THREADS": "4"}, 4),
        ({"OMP_NUM_THREADS": "4,2"}, 4),
        ({"SLURM_CPUS_PER_TASK": "8", "OMP_NUM_THREADS": "1"}, 8),
        ({"SLURM_CPUS_PER_TASK": "", "OMP_NUM_THREADS": " 3 "}, 3),
    ],
)
def test_the_scheduler_says_how_many_threads(environ: dict[str, str], threads: int | None) -> None:
    assert allotted(environ) == threads


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "8(x2)"])
def test_what_is_no_number_of_threads_is_refused_by_name(value: str) -> None:
    with pytest.raises(OptionError) as error:
        allotted({"SLURM_CPUS_PER_TASK": value})
    assert str(error.value) == (
        f"SLURM_CPUS_PER_TASK: expected a number of threads of at least 1, got '{value}'. Set it, or unset it."
    )


@pytest.mark.parametrize(
    ("allowed", "wanted", "threads"),
    [
        ([EIGHT], None, 8),
        ([EIGHT] * 2, None, 4),
        ([EIGHT] * 3, None, 2),
        ([EIGHT] * 16, None, 1),
        ([range(4), range(4, 8)], None, 4),  # bound, each to processors of its own
        ([range(4), range(4), range(4, 8), range(4, 8)], None, 2),  # bound by sockets
        ([EIGHT] * 2, 3, 3),
        ([EIGHT], 64, 8),  # more threads than processors slow every pass
        ([[5]], 8, 1),  # a task that Slurm bound to one processor, in a job with more a task
    ],
)
def test_a_rank_has_its_share_of_the_processors(allowed: list[range], wanted: int | None, threads: int) -> None:
    assert share(allowed, 0, wanted) == threads
