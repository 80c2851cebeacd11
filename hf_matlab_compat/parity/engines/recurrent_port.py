"""A recurrent case as this package trains it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hf_matlab_compat.backends.backend import get_backend
from hf_matlab_compat.legacy.arguments import to_field_terms
from hf_matlab_compat.matlab.vocabulary import WORDS
from hf_matlab_compat.options import Options
from hf_matlab_compat.parity.engines.port_case import OtherUnit, PortCase
from hf_matlab_compat.parity.recording import Case, Vector
from hf_matlab_compat.problem import Curvature, Gradient
from hf_matlab_compat.result import Result
from hf_matlab_compat.rnn import recurrent
from hf_matlab_compat.rnn.workspace import Workspace
from hf_matlab_compat.training import train


@dataclass(frozen=True)
class RecurrentPortCase(PortCase):
    """A recurrent case; see `PortCase`.

    Attributes
    ----------
    asked : mapping
        Keywords of `train`.
    """

    asked: Mapping[str, Any] = field(default_factory=dict)

    def train(self, theta: Vector, epochs: int) -> Result:
        """Make the call that users make."""
        return train(problem=self.problem, initial_theta=theta, max_epochs=epochs, **self.asked)

    def forward(self, theta: Any, chunk: int) -> list[Any]:
        """Return the states and the outputs of a chunk, a sequence in each column, zeros after its end."""
        problem, xp = self.problem, self.backend.xp
        T = problem.data.inputs.shape[1]
        found: list[list[Any]] = []
        for block in problem.data.blocks(chunk, 1):
            at = problem.model.at(theta, block, Workspace(self.backend))
            steps, n = block.num_steps, len(block)
            pages = (at.layers[0].h.transpose(2, 0, 1), at.y.reshape(-1, steps, n))
            exists = np.arange(T)[:, None] < block.lengths
            found.append([self._columns(page, exists) for page in pages])
        return [xp.concatenate(parts, axis=1) for parts in zip(*found, strict=True)]

    def _columns(self, page: Any, exists: Any) -> Any:
        """Return (s, steps, n) as (T·s, n), the units of one step below those of the step before."""
        xp = self.backend.xp
        out = xp.zeros((*exists.shape, len(page)), page.dtype)
        out[: page.shape[1]] = page.transpose(1, 2, 0)
        out *= self.backend.asarray(exists[..., None].astype(page.dtype))
        return out.transpose(0, 2, 1).reshape(-1, exists.shape[1])

    def squares(self, gradient: Gradient, curvature: Curvature) -> Any:
        """Return the squared gradients of the sequences, with the weight decay, as the preconditioner takes them."""
        return curvature.diagonal(0.0)

    def parts(self, vector: Vector) -> Iterator[tuple[str, Vector]]:
        """Yield the blocks of a vector of parameters, with their names."""
        D, H, outs = self.problem.model.sizes
        starts = 0 if self.problem.model.initial_state == "zero" else H
        sizes = {"W_hx": D * H, "W_hh": H * H, "b_h": H, "the start": starts, "W_oh": H * outs, "b_o": outs}
        ends = np.cumsum([*sizes.values()])
        yield from ((name, part) for name, part in zip(sizes, np.split(vector, ends[:-1]), strict=True) if part.size)

    def in_other_rounding(self, seed: int, other: OtherUnit) -> PortCase:
        """Return the case, which is on the CPU, with its sequences permuted within chunks and with other units."""
        model, data = self.problem.model, self.problem.data
        order = np.random.default_rng(seed).permuted(np.arange(len(data)).reshape(data.num_chunks, -1), axis=1).ravel()
        moved = replace(
            data,
            inputs=data.inputs[..., order].copy(),
            targets=data.targets[..., order].copy(),
            lengths=data.lengths[order],
            loss_weights=None if data.loss_weights is None else data.loss_weights[:, order].copy(),
        )
        model = replace(model, units=tuple(map(other, model.units)))
        return replace(self, problem=replace(self.problem, model=model, data=moved))


def recurrent_port_case(case: Case, precision: str, backend: str) -> RecurrentPortCase:
    """Prepare a recurrent case to be run on a backend, with the checks of a user's call.

    Raises
    ------
    OptionError
        An option does not fit, or there is no such backend.
    DataError
        The data do not fit.
    """
    given = case.arguments
    problem = recurrent(
        given["indata"],
        given["outdata"],
        hidden_sizes=given["layersizes"],
        unit_types=given["layertypes"],
        lengths=given["lengths"],
        loss_weights=given["loss_mask"],
        initial_state=given["initial_state"],
        num_chunks=given["numchunks"],
        weight_decay=given["weightcost"],
        error_measure=str(WORDS["error_measure"][given["errtype"]]),
    )
    terms = to_field_terms({"decay": given["decay"], **case.constants})
    del terms["num_test_chunks"]
    asked = {**terms, "structural_damping": given["mu"], "precision": precision, "backend": backend}
    options = Options.from_keywords(**asked)
    on = get_backend(options.backend, options.precision, options.num_threads)
    return RecurrentPortCase(problem.placed(on), None, options, asked)
