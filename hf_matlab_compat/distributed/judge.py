"""Figures of the shared parameters themselves, on all cases of a run file, for the keeper's log and records."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hf_matlab_compat.distributed.kept import FIGURES, Kept
from hf_matlab_compat.distributed.merges import Theta
from hf_matlab_compat.errors import DataError, speaking
from hf_matlab_compat.legacy.arguments import to_field_terms
from hf_matlab_compat.legacy.case_file import SPOKEN_AT_THE_COMMAND_LINE, Case
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.subject import NetworkData, network_subject
from hf_matlab_compat.training import train


class Judge:
    """Scores parameters on all training and test cases of a run file, in double precision.

    Parameters
    ----------
    case : Case
        The run file, with the cases of all workers.

    Raises
    ------
    OptionError, DataError
        As `train`.
    """

    def __init__(self, case: Case) -> None:
        with speaking(SPOKEN_AT_THE_COMMAND_LINE):
            given = to_field_terms({**case.arguments, "precision": "double"})
            options = given.keys() - inspect.signature(train).parameters.keys()
            settings = Options.from_keywords(**{name: given[name] for name in options})
            names = ("inputs", "targets", "test_inputs", "test_targets", "hidden_sizes", "unit_types")
            given_data: dict[str, Any] = {name: given.get(name) for name in names}
            data = NetworkData(**given_data)
            self._subject = network_subject(data, (None, None, None), None, settings, settings)
        self._name = case.name

    def figures(self, theta: Theta) -> Mapping[str, float]:
        """Return log-likelihood and error of training and test cases.

        Raises
        ------
        DataError
            The parameters are of another network.
        """
        problem, held_out = self._subject.problem, self._subject.held_out
        if theta.size != problem.num_parameters:
            expected, got = f"a network of {theta.size} parameters", f"{self._name} with {problem.num_parameters}"
            raise DataError("case", expected=expected, got=got)
        vector = self._subject.backend.asarray(theta.astype(np.float64))
        train_score = problem.score(vector, Cases())
        found = {"log_likelihood": float(train_score.log_likelihood), "error": float(train_score.error)}
        if held_out is not None:
            test = held_out.score(vector, Cases())
            found |= {"test_log_likelihood": float(test.log_likelihood), "test_error": float(test.error)}
        return found

    def judged(self, kept: Kept) -> Kept:
        """Return the state with these figures in the row of its version, in place of the worker's.

        Raises
        ------
        DataError
            The parameters are of another network.
        """
        records = kept.records.copy()
        for name, value in self.figures(kept.theta).items():
            records[-1, FIGURES.index(name)] = value
        return replace(kept, records=records)
