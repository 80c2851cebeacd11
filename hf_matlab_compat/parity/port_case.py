"""A case as this package trains it: problem, held-out cases and options, from the legacy arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_matlab_compat.backends.backend import Backend, get_backend
from hf_matlab_compat.legacy.arguments import refuse_new_units, to_field_terms
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.objective.feedforward import FeedforwardProblem, feedforward_problem
from hf_matlab_compat.options import Options
from hf_matlab_compat.parity.reference_run import Case
from hf_matlab_compat.preflight.data import check_test_data, check_training_data
from hf_matlab_compat.preflight.layout import check_layout
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.registry import method_of

_NOT_THE_CASE = ("runName", "runDesc", "resumeFile", "maxepoch", "jacket", "Win", "bin", "paramsp")
_DATA = ("inputs", "targets", "test_inputs", "test_targets", "hidden_sizes", "unit_types")
_WHOLE = ("max_cg_steps", "min_cg_steps")


@dataclass(frozen=True)
class PortCase:
    """A case, ready to be run.

    Attributes
    ----------
    problem : FeedforwardProblem
    held_out : FeedforwardProblem or None
        Evaluated only.
    options : Options
    """

    problem: FeedforwardProblem
    held_out: FeedforwardProblem | None
    options: Options

    @property
    def backend(self) -> Backend:
        """Where it runs."""
        return self.problem.backend

    @property
    def method(self) -> Any:
        """The rules that its options ask for."""
        return method_of(self.options, self.backend)

    def evaluate(self, theta: Any) -> Any:
        """Held-out score at θ, or None."""
        return None if self.held_out is None else self.held_out.score(theta, Cases())


def port_case(case: Case, precision: str, backend: str = "numpy") -> PortCase:
    """The case on a backend.

    Parameters
    ----------
    case : Case
    precision : {'single', 'double'}
    backend : {'numpy', 'numba', 'cupy'}

    Raises
    ------
    OptionError, DataError
        An argument does not fit, or there is no such backend.
    """
    given = {name: value for name, value in case.arguments.items() if name not in _NOT_THE_CASE}
    terms = {**to_field_terms({**given, **case.constants}), "precision": precision, "backend": backend}
    options = Options.from_keywords(**_options(terms))
    refuse_new_units(terms["unit_types"], options.faithful)
    hidden, units = check_layout(terms["hidden_sizes"], terms["unit_types"], options)
    data = check_training_data(terms["inputs"], terms["targets"], units[-1], options)
    held_out = check_test_data(terms.get("test_inputs"), terms.get("test_targets"), data, units[-1], options)
    sizes = [data.inputs.shape[0], *hidden, data.targets.shape[0]]
    network = build_network(sizes, units, options.loss, options.error_measure)
    device = get_backend(options.backend, options.precision, options.num_threads)
    problem, tested = (
        None if part is None else feedforward_problem(network, part, options, device, resident=not device.on_host)
        for part in (data, held_out)
    )
    assert problem is not None  # for the type checker: data is always there
    return PortCase(problem, tested, options)


def _options(terms: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in terms.items() if name not in _DATA}
    whole = {name: int(np.ceil(kept[name])) for name in _WHOLE if name in kept}  # as MATLAB rounds them
    return {**kept, **whole}
