"""What importing the package costs and brings along."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import hf_matlab_compat
from hf_matlab_compat import errors as errors_module
from hf_matlab_compat.moved import MOVED

ROOT = Path(hf_matlab_compat.__file__).parent

HEAVY = ("cupy", "numba", "matplotlib", "h5py", "scipy.io", "rich", "cyclopts", "autograd", "jax", "torch")
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
        began = os.times()
        fresh("import hf_matlab_compat")
        ended = os.times()  # of the processor: the time on the wall depends on what else the machine does
        return ended.children_user + ended.children_system - began.children_user - began.children_system

    assert min(seconds() for _ in range(3)) < 0.8  # the interpreter and numpy included


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
    raised = {name for name, value in vars(errors_module).items() if isinstance(value, type) and is_raised(value)}
    calls, classes = {"load", "nnet_train", "nnet_train_2", "train"}, {"Options", "Report", "Result", "State"}
    calls |= {"autodiff_problem", "check_derivatives", "controller", "ctc", "multiplicative", "recurrent", "rnn_train"}
    calls |= {"feedforward", "variational_problem"}
    assert set(offered) == {*calls, *classes, "CheckpointWarning", "__version__", *raised - {"NotFinite"}}
    assert all(callable(offered[name]) for name in calls | classes)
    assert offered["Options"]().max_epochs == 100
    assert offered["__version__"] == version("hf_matlab_compat")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        hf_matlab_compat.nothing  # noqa: B018


def is_raised(kind: type) -> bool:
    """Return True if a class of `errors` is an error or a warning."""
    return issubclass(kind, BaseException)


@pytest.mark.parametrize("old", MOVED)
def test_a_module_that_moved_is_imported_from_its_old_path_with_one_warning(old: str) -> None:
    for name in [each for each in sys.modules if each == f"hf_matlab_compat.{old}"]:
        del sys.modules[name]
    assert not (ROOT / old.replace(".", "/")).with_suffix(".py").exists()
    new = [f"hf_matlab_compat.{each}" for each in MOVED[old].split()]
    with pytest.warns(DeprecationWarning, match=re.escape(f"{old} has moved to {' and '.join(new)}. ")) as warned:
        found = importlib.import_module(f"hf_matlab_compat.{old}")
    assert len(warned) == 1
    for each in new:
        module = importlib.import_module(each)
        own = {name: value for name, value in vars(module).items() if getattr(value, "__module__", "") == each}
        assert own
        assert {name: vars(found)[name] for name in own} == own


def test_the_warning_names_the_line_that_imports_the_old_path(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text("import re\nfrom hf_matlab_compat.matlab.random_streams import OctaveStream\nprint(OctaveStream)")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert "hf_matlab_compat.matlab.random.octave_stream.OctaveStream" in done.stdout
    assert f"{script}:2: DeprecationWarning: hf_matlab_compat.matlab.random_streams has moved to" in done.stderr
    assert done.stderr.count("Warning") == 1


def test_other_names_are_not_found() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"hf_matlab_compat\.matlab\.nothing"):
        importlib.import_module("hf_matlab_compat.matlab.nothing")
