"""The checkpoint of both sides, variable by variable."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES
from hf_matlab_compat.parity.certificate import Line, Verdict
from hf_matlab_compat.parity.checkpoint import our_variables
from hf_matlab_compat.parity.engines.port import port_case, port_epochs
from tests.parity.judge.golden_recordings import judged, recorded

CASE = "k_softmax_rms0_gn_hy1_lam1"


def checkpoint(**changes: Any) -> bytes:
    """A checkpoint after the first epoch, as a reference would have left it."""
    recording = recorded(CASE)
    epochs: Any = list(port_epochs(port_case(recording.case, "double"), recording))
    variables = {**our_variables(epochs), **changes}
    stream = io.BytesIO()
    savemat(stream, {name: value for name, value in variables.items() if value is not None}, oned_as="column")
    return stream.getvalue()


def verdicts(content: bytes) -> dict[str, Line]:
    given = recorded(CASE)
    shown = {name: value for name, value in given.provenance.items() if "checkpoint" not in name}
    lines = judged(replace(given, checkpoint=content, provenance=shown)).lines
    return {line.detail: line for line in lines if line.stage == "checkpoint"}


def test_every_variable_of_an_equal_checkpoint_agrees() -> None:
    lines = verdicts(checkpoint())
    assert tuple(lines) == VARIABLES
    assert {line.verdict for line in lines.values()} == {Verdict.AGREES}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("paramsp", np.ones((3, 1), np.float32)),
        ("epoch", np.int64([[1]])),
        ("lambda", np.array([[1.0 + 1e-15]])),
        ("totalpasses", np.array([[7.0]])),
        ("llrecord", np.array([[-1.0, -1.0]])),
        ("times", np.zeros((2, 2))),
    ],
)
def test_a_variable_of_another_value_class_or_shape_differs(name: str, value: Any) -> None:
    lines = verdicts(checkpoint(**{name: value}))
    assert [detail for detail, line in lines.items() if line.verdict is Verdict.DIFFERS] == [name]


def test_a_variable_that_the_reference_does_not_save_differs() -> None:
    assert verdicts(checkpoint(ch=None))["ch"].bound_source == "the reference lacks this quantity"


def test_a_longer_vector_differs_even_if_zeros_are_what_it_has_more() -> None:
    epochs: Any = list(port_epochs(port_case(recorded(CASE).case, "double"), recorded(CASE)))
    for name in ("paramsp", "ch"):
        longer = np.append(our_variables(epochs)[name], np.zeros((1, 1), np.float32), axis=0)
        assert verdicts(checkpoint(**{name: longer}))[name].verdict is Verdict.DIFFERS


@pytest.mark.parametrize("shape", [(4, 1), (1, 4), (1, 1)])
def test_room_for_epochs_to_come_and_a_row_of_durations_agree(shape: tuple[int, int]) -> None:
    times = np.zeros(shape)
    times[0, 0] = 0.3
    assert verdicts(checkpoint(times=times))["times"].verdict is Verdict.AGREES


@pytest.mark.parametrize("value", ["text", np.array([[1 + 2j]]), np.array([[{}]], object)])
@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_that_is_no_array_of_numbers_is_no_agreement(name: str, value: Any) -> None:
    assert verdicts(checkpoint(**{name: value}))[name].verdict is Verdict.DIFFERS


def test_durations_are_not_compared() -> None:
    assert verdicts(checkpoint(times=np.array([[1e6]])))["times"].verdict is Verdict.AGREES


def test_a_file_that_is_no_checkpoint_differs_in_every_variable() -> None:
    assert {line.verdict for line in verdicts(b"no checkpoint").values()} == {Verdict.DIFFERS}
