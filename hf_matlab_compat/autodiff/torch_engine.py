"""Derivatives by PyTorch on the CPU: products differentiate kept backward passes once more."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.autodiff.engines import CHANGED_IN_PLACE, Block, Functions, Refusal
from hf_matlab_compat.autodiff.nested import leaves, mapped

_AT_ONCE = 2**17
"""Cases times parameters whose squares are formed at once: more do not fit the processor's cache."""


class TorchEngine:
    """See `engines.Engine`.

    Parameters
    ----------
    functions : Functions
    """

    vectorises = True

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def array(self, values: NDArray[Any], dtype: Any) -> Any:
        """See `Engine.array`; whole numbers become the 64-bit ones that torch takes as labels and indices."""
        import torch

        own = {"f": dtype, "i": np.int64, "u": np.int64}.get(values.dtype.kind, values.dtype)
        return torch.tensor(values.astype(own, copy=False))

    def measured(self, theta: NDArray[Any], block: Block) -> tuple[float, float]:
        """See `Engine.measured`."""
        import torch

        with torch.no_grad():
            loss, error = self._functions.measured(torch.tensor(theta), block)
        return float(loss), float(error)

    def gradient(self, theta: NDArray[Any], block: Block) -> tuple[float, NDArray[Any]]:
        """See `Engine.gradient`."""
        import torch

        t = torch.tensor(theta, requires_grad=True)
        loss = self._functions.total(t, block)
        (gradient,) = torch.autograd.grad(loss, t)
        return float(loss.detach()), gradient.numpy()

    def product(self, theta: NDArray[Any], block: Block, curvature: str) -> Callable[[NDArray[Any]], NDArray[Any]]:
        """See `Engine.product`."""
        import torch
        from torch.nn.attention import SDPBackend, sdpa_kernel

        def derivative(of: Any, by: Any, along: Any) -> Any:
            if not of.requires_grad:  # it does not depend on `by`
                return torch.zeros_like(by)
            return torch.autograd.grad(of, by, along, retain_graph=True)[0]

        f, t = self._functions, torch.tensor(theta, requires_grad=True)
        if curvature == "hessian":
            with sdpa_kernel(SDPBackend.MATH):  # the other kernels of attention have no second derivative
                (gradient,) = torch.autograd.grad(f.total(t, block), t, create_graph=True)
            return lambda v: derivative(gradient, t, torch.tensor(v)).numpy()
        with sdpa_kernel(SDPBackend.MATH):
            outputs = f.outputs(t, block)
        free = torch.zeros_like(outputs, requires_grad=True)
        # Jᵀ free is linear in `free`: its transposed derivative is v → J v
        (transposed,) = torch.autograd.grad(outputs, t, free, create_graph=True)
        y = outputs.detach().requires_grad_(True)
        (of_loss,) = torch.autograd.grad(f.loss_of(y, block), y, create_graph=True)

        def product(v: NDArray[Any]) -> NDArray[Any]:
            Jv = derivative(transposed, free, torch.tensor(v))
            return derivative(outputs, t, derivative(of_loss, y, Jv)).numpy()

        return product

    def squares(self, theta: NDArray[Any], block: Block) -> NDArray[Any]:
        """See `Engine.squares`.

        Raises
        ------
        RuntimeError
            torch cannot differentiate the functions.
        """
        import torch
        from torch.nn.attention import SDPBackend, sdpa_kernel

        f, t = self._functions, torch.tensor(theta)

        def of_case(inputs: Any, targets: Any) -> Any:
            alone = mapped(lambda values: values.unsqueeze(f.axis), (inputs, targets))
            return torch.func.grad(f.total)(t, alone) ** 2

        if block[0] is None:
            return self.gradient(theta, block)[1] ** 2
        axes = tuple(None if part is None else f.axis for part in block)
        n, k = next(leaves(block))[1].shape[f.axis], max(1, _AT_ONCE // len(theta))
        total = torch.zeros_like(t)
        for start in range(0, n, k):
            few = mapped(lambda values, s=start: values.narrow(f.axis, s, min(k, n - s)), block)
            try:
                with sdpa_kernel(SDPBackend.MATH), warnings.catch_warnings():
                    warnings.filterwarnings("ignore", "There is a performance drop", UserWarning)  # as in nn.LSTM
                    total += torch.func.vmap(of_case, in_dims=axes)(*few).sum(dim=0)
            except RuntimeError as error:  # torch cannot take many cases of all its operations, such as nn.GRU
                if self.refused(error):
                    raise
                return self._squares_in_turn(theta, block, n)
        return total.numpy()

    def _squares_in_turn(self, theta: NDArray[Any], block: Block, n: int) -> NDArray[Any]:
        axis, total = self._functions.axis, np.zeros_like(theta)
        for case in range(n):
            alone = mapped(lambda values, case=case: values.narrow(axis, case, 1), block)
            total += self.gradient(theta, alone)[1] ** 2
        return total

    @staticmethod
    def refused(error: Exception) -> Refusal | None:
        """See `Engine.refused`."""
        text = str(error)
        if "is not implemented" in text and "derivative" in text:
            return Refusal(text.split(".")[0], "Write it by other operations.")
        if "does not require grad" in text or "call numpy()" in text:
            advice = "Write it by operations of torch, without detach() or numpy()."
            return Refusal("an operation of another library", advice)
        if any(part in text for part in _OTHER_DTYPE):
            return Refusal(f"others: {text}", "Convert buffers and constants: a.to(x.dtype).", _EXPECTED_DTYPE)
        if "called random operation" in text:
            return Refusal("a random one", "Set module.eval(), without dropout.")
        if "more than 1 value per channel" in text:
            expected = "outputs of a case that do not depend on other cases"
            return Refusal("batch normalisation in training mode", "Set module.eval().", expected)
        return CHANGED_IN_PLACE if "in-place operation" in text or "inplace operation" in text else None


_OTHER_DTYPE = ("expected scalar type", "the same dtype", "Input type")
_EXPECTED_DTYPE = "arrays in the precision of parameters and inputs, float64 in the trial and with precision='double'"


KIND = TorchEngine
