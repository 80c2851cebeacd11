"""CuPy pretended: the strict namespace, kernels compiled for the host, streams that copy as late as they may."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.backends import fused
from tests.backends.compiled_kernels import ElementwiseKernel
from tests.backends.strict_namespace import DeviceMemory, StrictArray, StrictNamespace

DEFAULT_MATH, TF32_MATH = 0, 3
COMPUTE_DEFAULT, COMPUTE_TF32 = 1, 7


class Stream:
    """Does what it was given only when somebody waits for it."""

    def __init__(self, non_blocking: bool = False) -> None:
        self.waiting: list[Callable[[], None]] = []
        self.events: list[Event] = []

    def record(self) -> Event:
        self.events.append(Event(self, len(self.waiting)))
        return self.events[-1]

    def wait_event(self, event: Event) -> None:
        event.synchronize()

    def synchronize(self) -> None:
        self.run(len(self.waiting))

    def run(self, count: int) -> None:
        for k in range(count):
            self.waiting[k]()
            self.waiting[k] = _nothing


def _nothing() -> None:
    return None


class Event:
    def __init__(self, stream: Stream, position: int) -> None:
        self._stream, self._position = stream, position
        self.was_waited_for = False

    def synchronize(self) -> None:
        self.was_waited_for = True
        self._stream.run(self._position)


class PretendedArray(StrictArray):
    """An array of the pretended CuPy; its memory is counted."""

    memory = DeviceMemory()

    def __init__(self, inside: Any) -> None:
        super().__init__(inside)
        self.memory.holds(self._inside)

    def set(self, values: Any, stream: Stream) -> None:
        """Like CuPy's: of one shape, precision and order, and not before `stream` comes to it."""
        assert isinstance(values, np.ndarray)
        assert values.dtype == self.dtype
        assert values.shape == self.shape
        assert self._inside.flags.c_contiguous
        assert values.flags.c_contiguous
        inside = self._inside

        def copy() -> None:
            inside[...] = values

        stream.waiting.append(copy)


class MathSwitches:
    """cuBLAS's mode and CuPy's compute type, and what they were at every product."""

    CUBLAS_DEFAULT_MATH, CUBLAS_TF32_TENSOR_OP_MATH = DEFAULT_MATH, TF32_MATH
    COMPUTE_TYPE_DEFAULT, COMPUTE_TYPE_TF32 = COMPUTE_DEFAULT, COMPUTE_TF32

    def __init__(self) -> None:
        self.mode, self.compute_type = DEFAULT_MATH, COMPUTE_DEFAULT
        self.at_products: set[tuple[int, int]] = set()

    def getMathMode(self, handle: int) -> int:
        return self.mode

    def setMathMode(self, handle: int, mode: int) -> None:
        self.mode = mode

    def get_compute_type(self, dtype: Any) -> int:
        return self.compute_type

    def set_compute_type(self, dtype: Any, compute_type: int) -> None:
        self.compute_type = compute_type


class PretendedCupy(StrictNamespace):
    """The module.

    Attributes
    ----------
    free : int
        Bytes that the device says are free.
    math : MathSwitches
    downloads : list of int
        Numbers in every array that went to the host.
    """

    ElementwiseKernel = ElementwiseKernel
    __version__ = "0"

    def __init__(self, free: int = 1 << 40) -> None:
        super().__init__(PretendedArray)
        self.free, self.math = free, MathSwitches()
        self.downloads: list[int] = []
        stream = Stream()
        runtime = SimpleNamespace(
            getDeviceCount=lambda: 1,
            CUDARuntimeError=RuntimeError,
            memGetInfo=lambda: (self.free, self.free),
            getDevice=lambda: 0,
            getDeviceProperties=lambda device: {"name": b"pretended", "totalGlobalMem": self.free},
            driverGetVersion=lambda: 0,
            runtimeGetVersion=lambda: 0,
        )
        self.cuda = SimpleNamespace(
            runtime=runtime,
            Stream=Stream,
            get_current_stream=lambda: stream,
            cublas=self.math,
            get_cublas_handle=lambda: 1,
        )
        self._core = SimpleNamespace(_routines_linalg=self.math)
        PretendedArray.memory = DeviceMemory()

    def get_default_memory_pool(self) -> Any:
        return SimpleNamespace(free_bytes=lambda: 0)

    def asnumpy(self, array: Any) -> Any:
        self.downloads.append(array.size)
        return array._inside.copy()

    def __getattr__(self, name: str) -> Callable[..., StrictArray]:
        if name in ("dot", "matmul"):
            self.math.at_products.add((self.math.mode, self.math.compute_type))
        return super().__getattr__(name)


def pretend(monkeypatch: pytest.MonkeyPatch, free: int = 1 << 40) -> PretendedCupy:
    """CuPy can be imported until the test ends."""
    cupy = PretendedCupy(free)

    def empty_pinned(shape: tuple[int, ...], dtype: Any) -> Any:
        return np.full(shape, np.nan, dtype)

    monkeypatch.setitem(sys.modules, "cupy", cupy)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "cupyx", SimpleNamespace(empty_pinned=empty_pinned))  # type: ignore[arg-type]
    monkeypatch.setattr(fused, "_known", {})
    return cupy
