"""A resume that differs from the run that wrote the checkpoint, and is told by name."""

from __future__ import annotations

import json
import shutil
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from hf_matlab_compat import nnet_train, train
from hf_matlab_compat.matlab.files.checkpoint import CheckpointWarning, read_description
from hf_matlab_compat.methods.lissa import LiSSA
from hf_matlab_compat.preflight import description
from hf_matlab_compat.preflight.description import fingerprint
from hf_matlab_compat.solvers.trust_region import TrustRegion
from tests.cases import PRECISIONS
from tests.small_run import INPUTS, TARGETS, THETA, field_arguments, legacy_arguments

RUNNING = "run_nnet_running.mat"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    train(**field_arguments(run_name=tmp_path / "run"))
    return tmp_path / RUNNING


def told(checkpoint: Path, **changes: Any) -> list[str]:
    """What a resume with changed arguments warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train(**field_arguments(max_epochs=3, resume_from=checkpoint, **changes))
    assert all(each.category is CheckpointWarning for each in caught)
    return [str(each.message) for each in caught]


CHANGES = {
    "units": (
        {"unit_types": ["tanh", "logistic"]},
        "unit_types (MATLAB's layertypes): was logistic logistic, is tanh log",
    ),
    "weight decay": ({"weight_decay": 0.5}, "weight_decay (MATLAB's weightcost): was 2e-05, is 0.5"),
    "chunks": ({"num_chunks": 3}, "num_chunks (MATLAB's numchunks): was 2, is 3"),
    "loss": ({"loss": "squared"}, "loss (MATLAB's rms): was matching, is squared"),
    "error": ({"error_measure": "none"}, "error_measure (MATLAB's errtype): was squared, is none"),
    "curvature": ({"curvature": "hessian"}, "curvature (MATLAB's mattype): was gauss_newton, is hessian"),
    "boost": ({"lam_boost": 2.0}, "lam_boost (MATLAB's boost): was None, is 2.0"),
    "radius": (
        {"damping": "trust_region", "solver": "steihaug", "preconditioner": "none"},
        "solver: was conjgrad, is steihaug; preconditioner: was martens, is none; damping (MATLAB's autodamp): was "
        "True, is trust_region, so its last lambda is taken as the trust radius.",
    ),
    "inputs": ({"inputs": INPUTS + 1e-3}, "inputs (MATLAB's indata): other numbers"),
    "order of cases": ({"inputs": INPUTS[:, ::-1]}, "inputs (MATLAB's indata): other numbers"),
    "targets": ({"targets": TARGETS[:, ::-1]}, "targets (MATLAB's outdata): other numbers"),
    "fewer cases": (
        {"inputs": INPUTS[:, :8], "targets": TARGETS[:, :8]},
        "inputs (MATLAB's indata): other numbers; targets (MATLAB's outdata): other numbers",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_differs_is_named(name: str, checkpoint: Path) -> None:
    changes, sentence = CHANGES[name]
    (warning,) = told(checkpoint, **changes)
    assert warning.startswith(f"{checkpoint}: the run that wrote it had other settings. {sentence}")
    assert warning.endswith("This run continues with its own settings.")


def test_other_settings_of_a_method_of_ones_own_are_named(tmp_path: Path) -> None:
    train(**field_arguments(run_name=tmp_path / "run"), method=LiSSA(depth=3))
    assert told(tmp_path / RUNNING, method=LiSSA(depth=3)) == []
    (warning,) = told(tmp_path / RUNNING, method=LiSSA(depth=5, seed=4, line_search=None))
    assert "method: was LiSSA(depth=3), is LiSSA(depth=5, seed=4, line_search=None)" in warning
    radius = {"solver": "steihaug", "preconditioner": "none", "damping": TrustRegion(initial_radius=2.0)}
    (warning, _) = told(tmp_path / RUNNING, **radius)
    assert "is TrustRegion(initial_radius=2.0), so its last lambda is taken as the trust radius" in warning


def test_the_last_lambda_of_a_result_that_becomes_a_radius_is_named(tmp_path: Path) -> None:
    radius = {"damping": "trust_region", "solver": "steihaug", "preconditioner": "none"}
    results = [train(**field_arguments(), **each) for each in ({}, radius)]
    for result, changes, sentence in (
        (results[0], radius, "resume_from: its last lambda is taken as the trust radius."),
        (results[1], {}, "resume_from: its last trust radius is taken as lambda."),
    ):
        result.save(tmp_path / "saved.npz")
        for source in (result, tmp_path / "saved.npz"):
            with pytest.warns(CheckpointWarning, match=sentence):
                train(**field_arguments(max_epochs=3, resume_from=source, **changes))
    train(**field_arguments(max_epochs=3, resume_from=results[1], **radius))


def test_other_layers_with_as_many_parameters_are_named(tmp_path: Path) -> None:
    # 6-4-3 has 43 parameters, and so has 4-5-3 with its biases
    train(**field_arguments(run_name=tmp_path / "run"))
    shape = {"inputs": INPUTS[:4], "hidden_sizes": [5], "test_inputs": INPUTS[:4, :4]}
    (warning,) = told(tmp_path / RUNNING, **shape)
    assert "hidden_sizes (MATLAB's layersizes): was 6 4 3, is 4 5 3" in warning


def test_all_that_differs_is_one_warning(checkpoint: Path) -> None:
    (warning,) = told(checkpoint, weight_decay=1.0, num_chunks=4)
    assert "num_chunks (MATLAB's numchunks): was 2, is 4; weight_decay" in warning


@pytest.mark.parametrize("precision", PRECISIONS)
def test_what_may_differ_is_not_named(precision: str, tmp_path: Path) -> None:
    train(**field_arguments(run_name=tmp_path / "run", precision=precision))
    free = {"num_threads": 1, "checkpoint_period": 3, "initial_lam": 1.0, "seed": 4, "description": "another"}
    for inputs in (INPUTS.copy(order="F"), INPUTS.astype("f4"), INPUTS.tolist()):
        shown = told(tmp_path / RUNNING, inputs=inputs, precision=precision, **free)
        assert shown == []


def test_a_checkpoint_alone_or_of_an_unknown_run_is_gone_on_from_without_a_word(
    checkpoint: Path, tmp_path: Path
) -> None:
    shutil.copy(checkpoint, tmp_path / "alone.mat")
    assert told(tmp_path / "alone.mat", weight_decay=0.5) == []
    with zipfile.ZipFile(tmp_path / "run_nnet_running.sidecar.npz") as archive:
        text = json.loads(archive.read("sidecar.json"))
    assert text["entries"][0]["run"]["unit_types"] == ["logistic", "logistic"]
    del text["entries"][0]["run"]["settings"]["weight_decay"]  # as a version without this setting wrote it
    with zipfile.ZipFile(tmp_path / "run_nnet_running.sidecar.npz", "w") as archive:
        archive.writestr("sidecar.json", json.dumps(text))
    assert told(checkpoint, weight_decay=0.5) == []


def test_the_old_call_is_told_as_well(checkpoint: Path) -> None:
    with pytest.warns(CheckpointWarning, match=r"weight_decay \(MATLAB's weightcost\): was 2e-05, is 0\.5"):
        nnet_train(**legacy_arguments(resumeFile=str(checkpoint)[:-4], weightcost=0.5, maxepoch=3), display="none")


def test_a_description_holds_what_prediction_needs(checkpoint: Path) -> None:
    run = read_description(checkpoint)
    assert (run["sizes"], run["unit_types"]) == ([6, 4, 3], ["logistic", "logistic"])
    assert run["settings"]["loss"] == "matching"


def test_a_seed_of_any_kind_is_no_part_of_it(tmp_path: Path) -> None:
    train(**field_arguments(run_name=tmp_path / "run", initial_theta=None, seed=np.random.default_rng(1)))
    assert "seed" not in read_description(tmp_path / RUNNING)["settings"]


def test_fingerprints_follow_the_numbers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = np.random.default_rng(0).random((3, 50))
    whole = fingerprint(matrix)
    assert (
        whole
        == fingerprint(np.asfortranarray(matrix))
        == fingerprint(matrix.astype("f4"))
        == fingerprint(matrix.copy())
    )
    assert len({whole, fingerprint(matrix[:, :-1]), fingerprint(matrix.reshape(5, 30)), fingerprint(THETA)}) == 4
    assert fingerprint(np.zeros((2, 2))) == fingerprint(-np.zeros((2, 2)))
    monkeypatch.setattr(description, "_MOST_NUMBERS", 30)  # evenly spaced cases stand for all
    other = matrix.copy()
    other[:, -1] += 1
    assert fingerprint(other) != fingerprint(matrix)


def test_what_another_program_wrote_over_the_checkpoint_is_not_described(checkpoint: Path) -> None:
    written = {name: value for name, value in loadmat(checkpoint).items() if not name.startswith("__")}
    for name in ("paramsp", "ch", "times", "llrecord", "errrecord"):
        written[name] = written[name] + written[name].dtype.type(0.5)
    savemat(checkpoint, written, oned_as="column")
    assert told(checkpoint, weight_decay=0.5) == []
