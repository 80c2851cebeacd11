"""Octave for the tests: a warm session for small questions, and the marks of a test that needs it."""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path

import pytest

from hf_matlab_compat.matlab.octave.session import OctaveSession, octave_available

NEEDS_OCTAVE = pytest.mark.skipif(octave_available() is not None, reason=str(octave_available()))
live = [pytest.mark.octave, NEEDS_OCTAVE]


@cache
def session() -> OctaveSession:
    """Return the Octave of this test process, which is started by the first call."""
    warm = OctaveSession(timeout=120)
    atexit.register(warm.close)
    return warm


def octave(script: str, folder: Path) -> str:
    """Return what Octave prints when it runs the script in a folder, without variables of earlier scripts."""
    if missing := octave_available():
        pytest.skip(missing)
    return session().run(f"clear\n{script}", folder)
