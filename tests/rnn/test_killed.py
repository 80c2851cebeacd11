"""A run on fresh sequences that is killed and resumed ends with the bits of one that was left alone."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from tests.rnn import killed_run


def child(kind: str, directory: Path) -> Any:
    directory.mkdir(exist_ok=True)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.rnn.killed_run"])
    process = context.Process(target=killed_run.run, args=(kind, str(directory)))
    process.start()
    return process


def epochs_done(directory: Path) -> int:
    checkpoint = directory / killed_run.RUNNING
    return read_checkpoint(checkpoint).epoch if checkpoint.exists() else 0


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
@pytest.mark.parametrize("kind", killed_run.KINDS)
def test_a_killed_run_goes_on_to_the_same_bits(kind: str, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    undisturbed = child(kind, whole)
    undisturbed.join(60)
    assert undisturbed.exitcode == 0
    draw, ends = random.Random(5), list[int]()
    while not (killed / "final.npy").exists():
        process, begun = child(kind, killed), epochs_done(killed)
        while process.is_alive() and epochs_done(killed) <= begun + len(ends):
            time.sleep(0.001)
        time.sleep(draw.uniform(0, 0.005))
        if len(ends) < 6:
            process.kill()
        process.join(60)
        ends.append(epochs_done(killed))
    assert sum(0 < end < killed_run.EPOCHS for end in ends) >= 3, ends
    np.testing.assert_array_equal(np.load(killed / "final.npy"), np.load(whole / "final.npy"))
