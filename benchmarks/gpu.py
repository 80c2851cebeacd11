"""`python -m benchmarks.gpu`: all checks and timings on a CUDA device, as one table and as JSON.

Needs CUDA, CuPy, numpy and threadpoolctl, and nothing from the network. Exit status: 0 when every check holds and
every target is met, 1 when not, 2 when there is no device.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
_FRONT_PAGE_NEEDS = ("scipy", "rich")


def import_without_front_page() -> None:
    """Let `hf_matlab_compat`'s modules be imported where what its front page needs (files, screens) is missing."""
    if "hf_matlab_compat" in sys.modules or all(importlib.util.find_spec(name) for name in _FRONT_PAGE_NEEDS):
        return
    package = ModuleType("hf_matlab_compat")
    package.__path__ = [str(HERE.parent / "hf_matlab_compat")]
    sys.modules["hf_matlab_compat"] = package


def main(arguments: list[str] | None = None) -> int:
    """Check, measure, print, write; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description="Check and measure the GPU part.")
    parser.add_argument("--quick", action="store_true", help="checks and few repeats, no long run")
    parser.add_argument("--out", type=Path, default=HERE, help="where gpu_results.json and GPU_RESULTS.md go")
    given = parser.parse_args(arguments)
    import_without_front_page()
    from hf_matlab_compat.backends import get_backend
    from hf_matlab_compat.errors import OptionError

    try:
        get_backend("cupy")
    except OptionError as error:
        reason = error.got if error.got.startswith("no CUDA device") else f"no CUDA device ({error.got})"
        print("not run: " + " ".join(reason.split()))
        return 2
    return _measure(given.quick, given.out)


def _measure(quick: bool, folder: Path) -> int:
    from benchmarks import gpu_checks, gpu_timings
    from benchmarks.gpu_report import Report

    started = time.perf_counter()
    report = Report.on_this_machine()
    for measure in (gpu_checks.rows, gpu_timings.rows):
        for row in measure(quick):
            report.rows.append(row)
            print(row.line(), flush=True)
    report.seconds = time.perf_counter() - started
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gpu_results.json").write_text(json.dumps(report.to_json(), indent=1) + "\n", encoding="utf-8")
    (folder / "GPU_RESULTS.md").write_text(report.to_markdown(), encoding="utf-8")
    print(f"\n{report.to_markdown()}")
    return 0 if all(row.met is not False for row in report.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
