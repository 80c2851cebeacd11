"""What importing the package costs and brings along."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib.metadata import version

import hf_matlab_compat
from hf_matlab_compat import errors as errors_module

HEAVY = ("cupy", "numba", "matplotlib", "h5py", "scipy.io", "rich", "cyclopts")
"""Needed by some runs only, so imported by those."""


def fresh(program: str) -> str:
    """What a new interpreter prints."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout


def test_importing_brings_nothing_heavy_along() -> None:
    loaded = json.loads(fresh("import sys, json, hf_matlab_compat; print(json.dumps(sorted(sys.modules)))"))
    assert [name for name in HEAVY if name in loaded] == []
    assert "numpy" in loaded


def test_importing_is_quick() -> None:
    def seconds() -> float:
        began = time.monotonic()
        fresh("import hf_matlab_compat")
        return time.monotonic() - began

    assert min(seconds() for _ in range(3)) < 1.5  # the interpreter and numpy included, on a busy machine


def test_importing_changes_no_global_setting() -> None:
    program = """
import signal, warnings, numpy as np
settings = lambda: (np.geterr(), np.get_printoptions(), warnings.filters[:], signal.getsignal(signal.SIGINT))
before = settings()
state = np.random.get_state()[1].tobytes()
import hf_matlab_compat
print(settings() == before and np.random.get_state()[1].tobytes() == state)
"""
    assert fresh(program) == "True\n"


def test_the_package_offers_its_calls_its_settings_and_its_errors() -> None:
    offered = {name: getattr(hf_matlab_compat, name) for name in hf_matlab_compat.__all__}
    errors = {name for name, value in vars(errors_module).items() if isinstance(value, type) and is_error(value)}
    calls = {"load", "nnet_train", "nnet_train_2", "train"}
    assert set(offered) == {*calls, "Options", "Result", "__version__", *errors - {"NotFinite"}}
    assert all(callable(offered[name]) for name in calls)
    assert offered["Options"]().max_epochs == 100
    assert offered["__version__"] == version("hf_matlab_compat")


def is_error(kind: type) -> bool:
    """Whether a class of `errors` is raised; warnings are not."""
    return issubclass(kind, BaseException) and not issubclass(kind, Warning)
