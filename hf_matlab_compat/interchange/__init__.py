"""Trained networks in other programs' formats: safetensors, ONNX (the extra ``export``) and PyTorch."""

from hf_matlab_compat.interchange.onnx_file import read_onnx, write_onnx
from hf_matlab_compat.interchange.safetensors_file import read_safetensors, write_safetensors
from hf_matlab_compat.interchange.torch_modules import from_torch, to_torch

__all__ = ["from_torch", "read_onnx", "read_safetensors", "to_torch", "write_onnx", "write_safetensors"]
