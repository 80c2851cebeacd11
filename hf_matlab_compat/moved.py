"""Old import paths: for one release a module that moved can be imported by its old path, with a DeprecationWarning."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_PACKAGE = "hf_matlab_compat."

MOVED: Mapping[str, str] = {
    "matlab.atomic_file": "matlab.files.atomic_file",
    "matlab.checkpoint": "matlab.files.checkpoint",
    "matlab.checkpoint_conversion": "matlab.files.checkpoint_conversion",
    "matlab.checkpoint_summary": "matlab.files.checkpoint_summary matlab.files.checkpoint_conversion",
    "matlab.checkpoint_variables": "matlab.files.checkpoint_variables",
    "matlab.data_file": "matlab.files.mat_formats",
    "matlab.layer_sizes": "matlab.files.layer_sizes",
    "matlab.mapped_data": "matlab.files.mapped_data",
    "matlab.mat_formats": "matlab.files.mat_formats",
    "matlab.mat_values": "matlab.files.mat_values",
    "matlab.npz_file": "matlab.files.npz_file",
    "matlab.sidecar": "matlab.files.sidecar",
    "matlab.variable_listing": "matlab.files.mat_formats matlab.files.mat_values",
    "matlab.log_audit": "matlab.logs.audit matlab.logs.laws",
    "matlab.log_export": "matlab.logs.export",
    "matlab.log_parser": "matlab.logs.parser matlab.logs.lines",
    "matlab.logged_sizes": "matlab.logs.parser",
    "matlab.num2str": "matlab.logs.num2str",
    "matlab.text_log": "matlab.logs.text_log matlab.logs.lines",
    "matlab.matlab_stream": "matlab.random.matlab_stream",
    "matlab.octave_stream": "matlab.random.octave_stream",
    "matlab.random_streams": "matlab.random.streams",
    "parity.checkpoint_comparison": "parity.checkpoint",
    "parity.made_cases": "parity.cases",
    "parity.octave": "matlab.octave.session",
    "parity.octave_values": "matlab.octave.values",
    "parity.recording_file": "parity.recording",
}
"""Old path to new path, or to several with spaces between, relative to the package."""


class Finder:
    """Finds modules by their old paths; Python asks it after every other finder, so that it costs others nothing."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return a specification for an old path, and None for any other name."""
        del path, target
        return ModuleSpec(name, self) if name.removeprefix(_PACKAGE) in MOVED else None  # pyright: ignore[reportArgumentType]

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the making of the module to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module with the names of those that replaced it."""
        old = module.__name__
        new = [_PACKAGE + each for each in MOVED[old.removeprefix(_PACKAGE)].split()]
        advice = "Import it from there: the old path goes with the next release."
        warnings.warn(f"{old} has moved to {' and '.join(new)}. {advice}", DeprecationWarning, stacklevel=2)
        for each in reversed(new):
            vars(module).update(_names(import_module(each)))


def _names(module: ModuleType) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if not name.startswith("__")}


def install() -> None:
    """Make the old paths importable."""
    if not any(type(finder) is Finder for finder in sys.meta_path):
        sys.meta_path.append(Finder())  # pyright: ignore[reportArgumentType]
