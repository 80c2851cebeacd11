"""The only door to numpy and CuPy: all other folders compute through a `Backend`."""

from hf_matlab_compat.backends.backend import Backend, get_backend

__all__ = ["Backend", "get_backend"]
