"""What of CuPy's documented interface the package uses: the names, the keywords, and the page that documents them."""

from __future__ import annotations

_PAGE = "https://docs.cupy.dev/en/stable/reference/generated/{}.html"

_ELEMENTWISE = {"out"}
FUNCTIONS: dict[str, set[str]] = {
    **{name: _ELEMENTWISE for name in ("add", "subtract", "multiply", "divide", "negative", "maximum", "minimum")},
    **{name: _ELEMENTWISE for name in ("exp", "log", "expm1", "log1p", "tanh", "sign", "isfinite", "sqrt")},
    "dot": {"out"},
    "matmul": {"out"},
    "concatenate": {"axis"},
    "array": {"dtype", "order"},
    "asarray": {"dtype", "order"},
    "empty": {"dtype"},
    "zeros": {"dtype"},
    "ones": {"dtype"},
    "empty_like": {"dtype"},
    "zeros_like": {"dtype"},
    "ones_like": {"dtype"},
}
"""Functions of the array namespace and the keywords with which they may be called."""

METHODS: dict[str, set[str]] = {
    "sum": {"axis", "out", "keepdims"},
    "max": {"axis", "out", "keepdims"},
    "mean": {"axis", "dtype", "out", "keepdims"},
    "astype": {"order", "copy"},
    "clip": {"out"},
    "copy": set(),
    "reshape": set(),
    "transpose": set(),
}
"""Methods of arrays and the keywords with which they may be called."""

PRODUCTS = ("dot", "matmul")
"""Their `out` must be C-contiguous, of the result's shape and precision, and apart from the operands: where bounds of
memory overlap CuPy computes into new memory and copies, and anything else it refuses."""

PAGES = {
    **{name: _PAGE.format(f"cupy.{name}") for name in FUNCTIONS},
    **{f"ndarray.{name}": _PAGE.format("cupy.ndarray") for name in METHODS},
    "asnumpy": _PAGE.format("cupy.asnumpy"),
    "ndarray.set": _PAGE.format("cupy.ndarray"),
    "ElementwiseKernel": _PAGE.format("cupy.ElementwiseKernel"),
    "cuda.Stream": _PAGE.format("cupy.cuda.Stream"),
    "cuda.Event": _PAGE.format("cupy.cuda.Event"),
    "cuda.get_current_stream": _PAGE.format("cupy.cuda.get_current_stream"),
    "cuda.runtime.memGetInfo": _PAGE.format("cupy.cuda.runtime.memGetInfo"),
    "cupyx.scipy.special.ndtr": _PAGE.format("cupyx.scipy.special.ndtr"),
    "get_default_memory_pool": _PAGE.format("cupy.get_default_memory_pool"),
    "cupyx.empty_pinned": _PAGE.format("cupyx.empty_pinned"),
}
