"""The fused kernels in CUDA C, in the form that `cupy.ElementwiseKernel` takes.

T is the precision of a call's arrays. Scalars arrive as doubles and are rounded to T first, as numpy does with Python
numbers. An output parameter that the body reads before it writes has the array's previous value.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.backends.fused import DeviceCGVectors, Scalars


class Source(NamedTuple):
    """One kernel: the parameters it reads, the parameters it writes, and the work on each element."""

    reads: str
    writes: str
    body: str


_CG_STEP = """
const T pAp = now[0], rAy = before[2];
if (pAp > T(0) && isfinite(pAp) && rAy != T(0)) {
    const T alpha = rAy / pAp;
    x += alpha * p;
    r += alpha * Ap;
    y = r / M;
}
model = (r - b) * x;
residual = r * y;
"""

SOURCES = {
    "logistic": Source("T x", "T y", "y = T(1) / (T(1) + exp(-x))"),
    "logistic_slope": Source("T y", "T slope", "slope = (T(1) - y) * y"),
    "tanh_slope": Source("T y", "T slope", "slope = (T(1) - y) * (T(1) + y)"),
    "softplus": Source("T x", "T y", "y = (x < T(0) ? T(0) : x) + log1p(exp(x < T(0) ? x : -x))"),
    "softplus_slope": Source("T y", "T slope", "slope = -expm1(-y)"),
    "elu": Source("T x", "T y", "y = x < T(0) ? expm1(x) : x"),
    "elu_slope": Source("T y", "T slope", "slope = y < T(0) ? T(1) + y : T(1)"),
    "gelu": Source("T x", "T y", "y = T(0.5) * x * erfc(-x * T(0.7071067811865476))"),
    "gelu_slope": Source(
        "T x",
        "T slope",
        "slope = T(0.5) * erfc(-x * T(0.7071067811865476)) + x * T(0.3989422804014327) * exp(T(-0.5) * x * x)",
    ),
    "add_scaled": Source("float64 scale, T v", "T total", "total += T(scale) * v"),
    "add_scaled_masked": Source("float64 scale, T v, T mask", "T total", "total += T(scale) * (mask * v)"),
    "cg_step": Source(
        "T p, T Ap, T b, T M, raw T now, raw T before", "T x, T r, T y, T model, T residual", _CG_STEP.strip()
    ),
    "cg_turn": Source("T y, raw T now, raw T before", "T p", "p = now[2] / before[2] * p - y"),
}
"""All kernels by name."""


class CupyFused:
    """`Fused` for CuPy. CuPy compiles a kernel at its first call, once for each precision, and caches it on disk.

    Parameters
    ----------
    cupy : module
    """

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy

    @cached_property
    def _kernels(self) -> dict[str, Any]:
        make = self._cupy.ElementwiseKernel
        return {name: make(s.reads, s.writes, s.body, f"hf_{name}") for name, s in SOURCES.items()}

    def add_scaled(self, scale: float, v: Array, total: Array, mask: Array | None = None) -> Array:
        """See `Fused.add_scaled`."""
        if mask is None:
            return self._kernels["add_scaled"](float(scale), v, total)
        return self._kernels["add_scaled_masked"](float(scale), v, mask, total)

    def inner(self, a: Array, b: Array, room: Array, out: Array) -> None:
        """See `Fused.inner`."""
        self._cupy.multiply(a, b, out=room)
        room.sum(out=out)

    def cg_step(self, scalars: Scalars, vectors: DeviceCGVectors, Ap: Array) -> None:
        """See `Fused.cg_step`."""
        v, (model, residual) = vectors, vectors.rooms
        self.inner(v.p, Ap, model, scalars.now[0, ...])
        reads = (v.p, Ap, v.b, v.M, scalars.now, scalars.before)
        self._kernels["cg_step"](*reads, v.x, v.r, v.y, model, residual)
        model.sum(out=scalars.now[1, ...])
        residual.sum(out=scalars.now[2, ...])

    def cg_turn(self, scalars: Scalars, vectors: DeviceCGVectors) -> None:
        """See `Fused.cg_turn`."""
        self._kernels["cg_turn"](vectors.y, scalars.now, scalars.before, vectors.p)

    def fetch(self, array: Array) -> list[float]:
        """See `Fused.fetch`."""
        return [float(value) for value in self._cupy.asnumpy(array)]

    def cg_start(self, x: Array, r: Array, b: Array, M: Array | None) -> tuple[DeviceCGVectors, Scalars]:
        """See `Fused.cg_start`."""
        vectors = DeviceCGVectors(x, r, b, self._cupy.ones_like(r) if M is None else M)
        now, before = (self._cupy.zeros(3, dtype=x.dtype) for _ in range(2))
        self.inner(r, vectors.y, vectors.rooms[0], before[2, ...])
        return vectors, Scalars(now, before)

    def of_one(self, name: str, a: Array, out: Array | None = None) -> Array:
        """See `Fused.of_one`."""
        return self._kernels[name](a) if out is None else self._kernels[name](a, out)
