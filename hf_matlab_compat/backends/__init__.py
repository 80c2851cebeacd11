"""The only door to numpy and CuPy: everything above computes through a `Backend`."""

from hf_matlab_compat.backends.backend import Backend, get_backend

__all__ = ["Backend", "get_backend"]
