"""`cupy.ElementwiseKernel` for the stand-in: the CUDA C of a kernel as a loop of C++, run on the host."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tests.backends.strict_namespace import StrictArray

COMPILER = shutil.which("g++") or shutil.which("clang++")
_TYPES = {"float": np.float32, "double": np.float64}


class Parameter(NamedTuple):
    """`[raw] T name` or `float64 name`."""

    raw: bool
    scalar: bool
    name: str


def parameters(text: str) -> list[Parameter]:
    """Those of a comma-separated list."""
    found = []
    for part in text.split(","):
        match = re.fullmatch(r"(raw )?(T|float64) (\w+)", part.strip())
        assert match, f"{part!r} is not understood"
        assert match[3] not in ("n", "i")  # CuPy's own names
        assert not match[3].startswith("_")
        found.append(Parameter(bool(match[1]), match[2] == "float64", match[3]))
    return found


class ElementwiseKernel:
    """Called like CuPy's, on contiguous arrays of one shape and precision."""

    def __init__(self, reads: str, writes: str, body: str, name: str) -> None:
        self.reads, self.writes, self.name = parameters(reads), parameters(writes), name
        self._given = (reads, writes, body)

    def __call__(self, *args: Any) -> Any:
        if len(args) == len(self.reads):
            like = next(a for a in args if isinstance(a, StrictArray))
            args = (*args, *(type(like)(np.empty_like(like._inside)) for _ in self.writes))
        given = list(zip([*self.reads, *self.writes], args, strict=True))
        arrays = [a for parameter, a in given if not parameter.scalar]
        assert all(isinstance(a, StrictArray) and a._inside.flags.c_contiguous for a in arrays)
        [dtype] = {a.dtype for a in arrays}
        [shape] = {a.shape for parameter, a in given if not parameter.scalar and not parameter.raw}
        compiled(*self._given)[np.dtype(dtype)](
            ctypes.c_long(int(np.prod(shape))),
            *(_passed(parameter, value) for parameter, value in given),
        )
        outputs = args[len(self.reads) :]
        return outputs[0] if len(outputs) == 1 else outputs


def _passed(parameter: Parameter, value: Any) -> Any:
    if parameter.scalar:
        assert type(value) is float, "only Python's numbers go by value"
        return ctypes.c_double(value)
    return ctypes.c_void_p(value._inside.ctypes.data)


@cache
def compiled(reads: str, writes: str, body: str) -> dict[Any, Callable[..., None]]:
    """The kernel for either precision."""
    assert COMPILER is not None
    folder = Path(tempfile.mkdtemp(prefix="kernels"))
    source, library = folder / "kernel.cpp", folder / "kernel.so"
    source.write_text(
        "#include <cmath>\nusing namespace std;\n"
        + "".join(_loop(T, parameters(reads), parameters(writes), body) for T in _TYPES),
        encoding="utf-8",
    )
    flags = ["-O1", "-ffp-contract=off", "-shared", "-fPIC"]
    subprocess.run([COMPILER, *flags, str(source), "-o", str(library)], check=True)
    loaded = ctypes.CDLL(str(library))
    shutil.rmtree(folder)
    return {np.dtype(dtype): getattr(loaded, f"run_{T}") for T, dtype in _TYPES.items()}


def _loop(T: str, reads: list[Parameter], writes: list[Parameter], body: str) -> str:
    """One function: raw parameters are pointers, others elements; what is written may be read first."""
    arguments, inside = [], []
    for p in reads:
        if p.scalar:
            arguments.append(f"double {p.name}")
        elif p.raw:
            arguments.append(f"const {T}* {p.name}")
        else:
            arguments.append(f"const {T}* _{p.name}")
            inside.append(f"const {T}& {p.name} = _{p.name}[i];")
    for p in writes:
        arguments.append(f"{T}* _{p.name}")
        inside.append(f"{T}& {p.name} = _{p.name}[i];")
    return (
        f'extern "C" void run_{T}(long n, {", ".join(arguments)}) {{ typedef {T} T;\n'
        f"for (long i = 0; i < n; i++) {{ {' '.join(inside)}\n{body}; }} }}\n"
    )
