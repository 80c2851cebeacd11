"""`python -m benchmarks.gpu` runs to its end on a pretended device, and says so where there is none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import gpu, gpu_checks, gpu_timings
from benchmarks.workloads import Workload
from tests.backends.compiled_kernels import COMPILER
from tests.backends.pretended_cupy import pretend

ROOT = Path(gpu.__file__).parent.parent

BARE = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("scipy", "rich", "cyclopts", "h5py", "pytest"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name in ("scipy", "rich") else found(name, *more)
from benchmarks import gpu
gpu.import_without_front_page()
from benchmarks import gpu_checks, gpu_report, gpu_timings
assert not {"scipy", "rich"} & set(sys.modules)
sys.exit(gpu.main([]))
"""


def test_without_a_device_one_line_says_so_and_needs_only_numpy_and_threadpoolctl() -> None:
    if _has_device():
        pytest.skip("there is a device")
    done = subprocess.run([sys.executable, "-c", BARE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "")
    [line] = done.stdout.splitlines()
    assert line.startswith("not run: no CUDA device")


def _has_device() -> bool:
    from hf_matlab_compat.backends import get_backend
    from hf_matlab_compat.errors import OptionError

    try:
        get_backend("cupy")
    except OptionError:
        return False
    return True


@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler to run the kernels' code with")
def test_every_check_holds_and_every_timing_is_made_on_a_pretended_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch)
    for name, value in {"EPOCHS": 2, "EPOCH_CASES": 40, "A": _small("A"), "C": _small("C")}.items():
        monkeypatch.setattr(gpu_timings, name, value)
    stopwatch = gpu_timings._stopwatch
    monkeypatch.setattr(gpu_timings, "_stopwatch", lambda call, backend: stopwatch(call, backend, 0.001))
    gpu.main(["--out", str(tmp_path)])
    rows = json.loads((tmp_path / "gpu_results.json").read_text(encoding="utf-8"))["rows"]
    checks = [row for row in rows if row["unit"] != "ms" and "GV" not in row["what"]]
    assert [row["what"] for row in checks if row["met"] is False] == []
    assert {row["met"] for row in rows} >= {True, None}
    text = (tmp_path / "GPU_RESULTS.md").read_text(encoding="utf-8")
    assert text.count("\n| ") == len(rows) + 2


def _small(name: str) -> Workload:
    return Workload(name, (8, 5, 3, 5, 8), 40)


def test_a_check_that_fails_shows_in_the_exit_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch)
    for met, status in ((False, 1), (True, 0), (None, 0)):
        row = gpu_checks.Row("a check", 1.0, met=met)
        monkeypatch.setattr(gpu_checks, "rows", lambda quick, row=row: [row])
        monkeypatch.setattr(gpu_timings, "rows", lambda quick: [])
        assert gpu.main(["--out", str(tmp_path)]) == status


def test_a_figure_that_is_not_a_number_misses_its_bound() -> None:
    assert gpu_checks.Row.at_most("", float("nan"), 1.0).met is False
    assert gpu_checks.Row.at_least("", float("nan"), 1.0).met is False
