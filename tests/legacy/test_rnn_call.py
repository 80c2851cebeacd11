"""`rnn_train`: the same runs as `train` on `recurrent`, from MATLAB's arguments and files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from hf_matlab_compat import recurrent, rnn_train, train
from hf_matlab_compat.errors import ArgumentError
from hf_matlab_compat.matlab.logs.parser import read_log
from hf_matlab_compat.state import Outcome
from tests.rnn.nets import arguments

GIVEN = arguments()
CALL: dict[str, Any] = {
    "indata": GIVEN["inputs"],
    "outdata": GIVEN["targets"],
    "lengths": GIVEN["lengths"],
    "loss_mask": GIVEN["loss_weights"],
    "layersizes": [5],
    "layertypes": ["tanh", "softmax"],
    "numchunks": 3,
    "weightcost": 1e-2,
    "maxepoch": 3,
    "maxiters": 10.5,
    "precision": "double",
    "seed": 4,
    "display": "none",
}


def test_it_is_train_on_recurrent() -> None:
    options: dict[str, Any] = {"seed": 4, "precision": "double", "max_epochs": 3, "max_cg_steps": 11}
    result = train(problem=recurrent(**GIVEN), **options)
    found = rnn_train(**CALL)
    np.testing.assert_array_equal(found.ravel(), result.theta)
    assert (found.shape, found.outcome, found.interrupted) == ((63, 1), Outcome.FINISHED, False)
    problem = recurrent(
        **{**GIVEN, "curvature": "hessian", "initial_state": "bias", "decay_biases": False, "per": "sequence"}
    )
    more: dict[str, Any] = {"structural_damping": 0.2, "initial_lam": 0.4, "preconditioner_exponent": 0.75}
    result = train(problem=problem, **options, **more)
    found = rnn_train(**CALL, mattype="hess", initial_state="bias", mask_biases=1, per="sequence", mu=0.2,
                      initlambda=np.array([[0.4]]), precon_exponent=0.75)  # fmt: skip
    np.testing.assert_array_equal(found.ravel(), result.theta)


def test_it_takes_the_variables_of_a_mat_file_and_goes_on_from_its_own_files(tmp_path: Path) -> None:
    cells = {name: np.empty((1, 12), dtype=object) for name in ("indata", "outdata", "loss_mask")}
    for n, length in enumerate(GIVEN["lengths"]):
        cells["indata"][0, n] = GIVEN["inputs"][:, :length, n]
        cells["outdata"][0, n] = GIVEN["targets"][:, :length, n]
        cells["loss_mask"][0, n] = GIVEN["loss_weights"][:length, n]
    savemat(tmp_path / "data.mat", {**cells, "layersizes": [[5.0]], "numchunks": 3.0})
    m = loadmat(tmp_path / "data.mat")
    of_file = {name: m[name] for name in (*cells, "layersizes", "numchunks")}
    whole = rnn_train(**{**CALL, **of_file, "lengths": np.zeros((0, 0))})
    np.testing.assert_array_equal(whole, rnn_train(**CALL))
    held_out = {"intest": m["indata"], "outtest": m["outdata"], "loss_mask_test": m["loss_mask"]}
    name = str(tmp_path / "run")
    rnn_train(**{**CALL, "maxepoch": 2, "runName": name, "runDesc": "sequences", **held_out})
    rest = rnn_train(**CALL, resumeFile=f"{name}_nnet_running.mat")
    np.testing.assert_array_equal(rest, whole)
    (logged,) = read_log(tmp_path / "run.txt")
    np.testing.assert_allclose(logged.epochs["test_log_likelihood"], logged.epochs["log_likelihood"])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"lengths": [0] * 12},
            "lengths: expected whole numbers from 1 to 7, the steps in indata, got 0 for sequence 0",
        ),
        ({"loss_mask": np.ones((7, 12))}, "loss_mask: expected 0 after the end of each sequence, got 1"),
        ({"numchunks": 5}, "numchunks: expected a divisor of the 12 sequences in indata, got 5."),
        ({"layertypes": ["softmax", "linear"]}, "layertypes: expected 'softmax' at the output only"),
        ({"mu": -1}, "mu: expected a finite number of at least 0, got -1."),
        ({"mattype": "gauss"}, "mattype: expected one of 'gn', 'hess', 'empfish', got 'gauss'."),
        ({"lambda0": 1}, "lambda0: expected an argument of rnn_train, got an unknown name."),
        (
            {"loss_maks": 5},
            "loss_maks: expected an argument of rnn_train, got an unknown name. Did you mean loss_mask?",
        ),
        ({"numconn": 5}, "numconn: expected an argument of rnn_train, got an unknown name."),
        ({"paramsp": np.ones(3)}, "paramsp: expected 63 numbers, as the problem has parameters, got shape (3,)."),
        (
            {"intest": np.ones((3, 7, 2)), "outtest": np.ones((3, 7, 2)) / 3},
            "intest: expected 2 features, as the net was",
        ),
        ({"intest": GIVEN["inputs"]}, "outtest: expected held-out sequences, as intest is given, got none."),
        ({"lengths_test": [6] * 12}, "intest: expected held-out sequences, as lengths_test is given, got none."),
        (
            {"intest": GIVEN["inputs"], "outtest": GIVEN["targets"], "lengths_test": [9] * 12},
            "lengths_test: expected whole numbers from 1 to 7, the steps in intest",
        ),
        ({"mask_biases": 7}, "mask_biases: expected 0 or 1, got 7."),
        ({"loss_weights": 5}, "loss_weights: expected an argument of rnn_train, got an unknown name. Did you mean lo"),
    ],
)
def test_what_does_not_fit_is_refused_in_matlabs_words(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{re.escape(sentence)}"):
        rnn_train(**{**CALL, **changes})
