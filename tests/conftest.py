"""What all tests share: skipping, with the reason, what this machine cannot run."""

from __future__ import annotations

import gc
import importlib.util
import os
import signal

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: its threads slow many small products down

import pytest
from hypothesis import settings

from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.errors import OptionError
from tests.hosts import why_no_hosts

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("repeatable")


def pytest_configure() -> None:
    """In the background of a shell Ctrl-C is ignored, and children inherit that; the tests send it to them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for marker, reason in (("octave", _no_octave()), ("gpu", _no_gpu()), ("hosts", why_no_hosts())):
        if reason is not None:
            for item in items:
                if item.get_closest_marker(marker):
                    item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish() -> None:
    """Thousands of collected tests live to the end: the collector of garbage need not look at them again."""
    gc.collect()
    gc.freeze()


def _no_octave() -> str | None:
    if importlib.util.find_spec("hf_matlab_compat.matlab.octave.session") is None:
        return "hf_matlab_compat.matlab.octave.session cannot be imported"
    from hf_matlab_compat.matlab.octave.session import octave_available

    return octave_available()


def _no_gpu() -> str | None:
    try:
        get_backend("cupy")
    except OptionError as error:
        return error.got
    return None
