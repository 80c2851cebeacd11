"""Every device kernel compiles for the GPUs it will meet: NVRTC, which CuPy compiles with too, needs no device."""

from __future__ import annotations

import ctypes
import importlib.util
import locale
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hf_matlab_compat.backends.cupy_kernels import SOURCES, Source
from tests.backends.compiled_kernels import parameters


def library() -> Path | None:
    """NVRTC of the wheel nvidia-cuda-nvrtc-cu12 or its successors; None where none is installed."""
    found = importlib.util.find_spec("nvidia")
    places = [] if found is None else list(found.submodule_search_locations or [])
    return next((path for place in places for path in Path(place).glob("*/lib/libnvrtc.so.*")), None)


pytestmark = pytest.mark.skipif(library() is None, reason="no NVRTC here: pip install nvidia-cuda-nvrtc-cu12")
BOTH = pytest.mark.parametrize("T", ["float", "double"])
GPUS = pytest.mark.parametrize("gpu", ["sm_80", "sm_90"])


@cache
def nvrtc() -> Any:
    return ctypes.CDLL(str(library()))


def as_cupy_writes_it(name: str, kernel: Source, T: str) -> str:
    """The kernel around a body: what is read is constant, an element of its array or, if raw, the array itself."""
    arguments, elements = [], []
    for const, given in (("const ", parameters(kernel.reads)), ("", parameters(kernel.writes))):
        for p in given:
            arguments.append(f"const double {p.name}" if p.scalar else f"{const}{T}* {'' if p.raw else '_'}{p.name}")
            if not p.scalar and not p.raw:
                elements.append(f"{const}{T} &{p.name} = _{p.name}[i];")
    return (
        f'typedef {T} T;\nextern "C" __global__ void hf_{name}({", ".join(arguments)}, const ptrdiff_t n) {{\n'
        "for (ptrdiff_t i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x) {\n"
        f'{" ".join(elements)}\n#line 1 "{name}"\n{kernel.body};\n}}\n}}\n'
    )


def compiled(source: str, gpu: str) -> tuple[bytes, str]:
    """The machine code, empty where there is none, and what NVRTC says.

    NVRTC sets the locale of its thread to "C" and leaves it so: it gets a thread of its own.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_compiled, source, gpu).result()


def _compiled(source: str, gpu: str) -> tuple[bytes, str]:
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    options = [b"--std=c++14", b"--gpu-architecture=" + gpu.encode(), b"-default-device"]
    assert nvrtc().nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernel.cu", 0, None, None) == 0
    answer = nvrtc().nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    nvrtc().nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log, code = ctypes.create_string_buffer(size.value), ctypes.create_string_buffer(0)
    nvrtc().nvrtcGetProgramLog(program, log)
    if answer == 0:
        nvrtc().nvrtcGetCUBINSize(program, ctypes.byref(size))
        code = ctypes.create_string_buffer(size.value)
        nvrtc().nvrtcGetCUBIN(program, code)
    nvrtc().nvrtcDestroyProgram(ctypes.byref(program))
    return code.raw, log.value.decode()


@GPUS
@BOTH
def test_every_kernel_compiles_without_a_warning(T: str, gpu: str) -> None:
    code, said = compiled("".join(as_cupy_writes_it(name, kernel, T) for name, kernel in SOURCES.items()), gpu)
    assert said == ""
    assert [name for name in SOURCES if f".text.hf_{name}\0".encode() not in code] == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("y = T(1) / (T(1) + exp(-x)", 'wrong(1): error: expected a ")"'),
        ("y = T(1) / (T(1) + expo(-x))", 'wrong(1): error: identifier "expo" is undefined'),
        ("x = y", "must be a modifiable lvalue"),
        ("y = now[0]", 'identifier "now" is undefined'),
        ("const T twice = 2 * x; y = x", "never referenced"),
    ],
)
def test_what_is_wrong_in_a_kernel_is_found(body: str, said: str) -> None:
    code, log = compiled(as_cupy_writes_it("wrong", Source("T x", "T y", body), "float"), "sm_90")
    assert said in log
    assert not code or "warning" in log


def test_compiling_leaves_the_encoding_of_this_thread() -> None:
    before = locale.getencoding()
    assert compiled("int x;", "sm_80")
    assert locale.getencoding() == before
