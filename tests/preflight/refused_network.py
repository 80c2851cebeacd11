"""Networks, parameters and settings that are refused before the first epoch."""

from __future__ import annotations

import numpy as np

from hf_matlab_compat.errors import DataError, OptionError
from tests.preflight.refused import Refused
from tests.small_run import ONE_HOT, PSIZE, THETA

UNITS = "'logistic', 'tanh', 'linear', 'softmax'"
NEW_UNITS = "'relu', 'softplus', 'gelu', 'elu'"
NO_FORMULA = "The MATLAB program has no formula for it and stops; nnet_train's faithful=False computes it."
HIDDEN_ONLY = "layersizes describes the hidden layers only, layertypes the hidden layers and the output."

LAYOUT = {
    "layertypes too short": Refused(
        {"layertypes": ["logistic"]},
        OptionError,
        "layertypes: expected 2 names, one for each hidden layer (layersizes has 1) and one for the output, got 1 "
        f"('logistic'). {HIDDEN_ONLY}",
        "unit_types: expected 2 names, one for each hidden layer (hidden_sizes has 1)",
    ),
    "sizes of all layers": Refused(
        {"layersizes": [6, 4, 3]},
        OptionError,
        "layertypes: expected 4 names, one for each hidden layer (layersizes has 3) and one for the output, got 2 "
        f"('logistic', 'logistic'). {HIDDEN_ONLY}",
        "unit_types: expected 4 names",
    ),
    "no layertypes": Refused(
        {"layertypes": []},
        OptionError,
        "layertypes: expected 2 names, one for each hidden layer (layersizes has 1) and one for the output, got none. "
        f"{HIDDEN_ONLY}",
        "unit_types: expected 2 names",
    ),
    "layertypes in one string": Refused(
        {"layertypes": "logistic"},
        OptionError,
        "layertypes: expected a list of names, got 'logistic'.",
        "unit_types: expected a list of names, got 'logistic'.",
    ),
    "unknown unit": Refused(
        {"layertypes": ["logistic", "sofmax"]},
        OptionError,
        f"layertypes: expected names from {UNITS}, got 'sofmax'. Did you mean 'softmax'?",
        f"unit_types: expected names from {UNITS}, {NEW_UNITS}, got 'sofmax'. Did you mean 'softmax'?",
    ),
    "unit with a capital": Refused(
        {"layertypes": ["Tanh", "logistic"]},
        OptionError,
        f"layertypes: expected names from {UNITS}, got 'Tanh'. Did you mean 'tanh'?",
        "unit_types: ",
    ),
    "unit like no other": Refused(
        {"layertypes": ["logistic", "xyz"]},
        OptionError,
        f"layertypes: expected names from {UNITS}, got 'xyz'.",
        "unit_types: ",
    ),
    "hidden softmax": Refused(
        {"layertypes": ["softmax", "logistic"]},
        OptionError,
        "layertypes: expected 'softmax' at the output only, got 'softmax' in a hidden layer. Use 'logistic', 'tanh' "
        "or 'linear' there.",
        "unit_types: expected 'softmax' at the output only",
    ),
    "fraction of a unit": Refused(
        {"layersizes": [4.5]},
        OptionError,
        "layersizes: expected whole numbers of at least 1, one for each hidden layer, got [4.5]. The sizes of input "
        "and output come from the data.",
        "hidden_sizes: expected whole numbers of at least 1",
    ),
    "no unit": Refused({"layersizes": [0]}, OptionError, "layersizes: expected whole numbers of ", "hidden_sizes: "),
    "NaN units": Refused({"layersizes": [np.nan]}, OptionError, "layersizes: expected whole numb", "hidden_sizes: "),
    "Inf units": Refused({"layersizes": [np.inf]}, OptionError, "layersizes: expected whole numb", "hidden_sizes: "),
    "units as text": Refused({"layersizes": "4"}, OptionError, "layersizes: expected whole number", "hidden_sizes: "),
    "hess with tanh": Refused(
        {"mattype": "hess", "layertypes": ["tanh", "logistic"]},
        OptionError,
        f"layertypes: expected no 'tanh' with mattype='hess', got 'tanh' in layer 1. {NO_FORMULA}",
        "unit_types: expected no 'tanh' with curvature='hessian', got 'tanh' in layer 1. The MATLAB "
        "program has no formula "
        "for it and stops; faithful=False computes it.",
    ),
    "empfish with rms": Refused(
        {"mattype": "empfish", "rms": 1},
        OptionError,
        f"mattype: expected mattype='gn' or mattype='hess' with rms=1, got the empirical Fisher. {NO_FORMULA}",
        "curvature: expected curvature='gauss_newton' or curvature='hessian' with loss='squared', got",
    ),
    "gn with softmax and rms": Refused(
        {"rms": 1, "layertypes": ["logistic", "softmax"], "outdata": ONE_HOT},
        OptionError,
        f"layertypes: expected no 'softmax' output with rms=1 and mattype='gn', got 'softmax'. {NO_FORMULA}",
        "unit_types: expected no 'softmax' output with loss='squared' and curvature='gauss_newton', got",
    ),
    "tanh output without rms": Refused(
        {"layertypes": ["logistic", "tanh"]},
        OptionError,
        "layertypes: expected an output unit with a log-likelihood of its own, or rms=1, got 'tanh'. Set rms=1, "
        "or use a 'linear' output.",
        "unit_types: expected an output unit with a log-likelihood of its own, or loss='squared'",
    ),
}

PARAMETERS = {
    "psize": Refused(
        {"paramsp": np.zeros((PSIZE + 1, 1))},
        DataError,
        "paramsp: expected 43 numbers in one column, as the layers 6 4 3 have, got 44. Check layersizes, and that "
        "cases are in columns.",
        "initial_theta: expected 43 numbers in one column, as the layers 6 4 3 have, got 44. Check hidden_sizes",
    ),
    "NaN in paramsp": Refused(
        {"paramsp": THETA * np.nan}, DataError, "paramsp: expected finite numbers, got nan at (0, 0)", "initial_theta: "
    ),
    "bin missing": Refused(
        {"paramsp": [], "Win": [np.zeros((4, 6)), np.zeros((3, 4))]},
        DataError,
        "bin: expected both Win and bin, or neither, got nothing.",
        "initial_biases: expected both initial_weights and initial_biases, or neither, got nothing.",
    ),
    "Win turned": Refused(
        {"paramsp": [], "Win": [np.zeros((6, 4)), np.zeros((3, 4))], "bin": [np.zeros(4), np.zeros(3)]},
        DataError,
        "Win: expected shape (4, 6) in layer 1, got (6, 4).",
        "initial_weights: expected shape (4, 6) in layer 1, got (6, 4).",
    ),
    "too few Win": Refused(
        {"paramsp": [], "Win": [np.zeros((4, 6))], "bin": [np.zeros(4)]},
        DataError,
        "Win: expected 2 arrays, one for each layer, got 1.",
        "initial_weights: expected 2 arrays",
    ),
    "bin of other layers": Refused(
        {"paramsp": [], "Win": [np.zeros((4, 6)), np.zeros((3, 4))], "bin": [np.zeros(4), np.zeros(4)]},
        DataError,
        "bin: expected 3 numbers in layer 2, got 4.",
        "initial_biases: expected 3 numbers in layer 2, got 4.",
    ),
    "Inf in Win": Refused(
        {"paramsp": [], "Win": [np.zeros((4, 6)), np.full((3, 4), np.inf)], "bin": [np.zeros(4), np.zeros(3)]},
        DataError,
        "Win: expected finite numbers for layer 2, got inf at (0, 0) (counted from 0). Replace such numbers, or remove "
        "their cases.",
        "initial_weights: expected finite numbers for layer 2",
    ),
    "Win a number": Refused(
        {"paramsp": [], "Win": 3.0, "bin": 4.0},
        DataError,
        "Win: expected a list with one array for each layer, got 3.0.",
        "initial_weights: expected a list with one array for each layer, got",
    ),
    "Win one matrix": Refused(
        {"paramsp": [], "Win": np.zeros((4, 6)), "bin": [np.zeros(4)]},
        DataError,
        "Win: expected a list with one array for each layer, got a single array of shape (4, 6).",
        "initial_weights: expected a list with one array for each layer, got",
    ),
    "resumeFile a number": Refused(
        {"resumeFile": 3}, OptionError, "resumeFile: expected the path of a checkpoint, got 3.", "resume_from: expected"
    ),
    "decay": Refused(
        {"decay": np.float64(3)},
        OptionError,
        "decay: expected a number from 0 to 1, got 3.0.",
        "start_decay: expected a number from 0 to 1, got",
    ),
    "weightcost": Refused(
        {"weightcost": -1},
        OptionError,
        "weightcost: expected a finite number of at least 0, got -1.",
        "weight_decay: expected a finite number of at least 0, got -1.",
    ),
    "maxepoch": Refused(
        {"maxepoch": 1.5},
        OptionError,
        "maxepoch: expected a whole number of at least 0, got 1.5.",
        "max_epochs: expected a whole number of at least 0, got 1.5.",
    ),
    "runName": Refused(
        {"runName": 3}, OptionError, "runName: expected a name or path, or '' for no files, got 3.", "run_name: expecte"
    ),
    "no CUDA": Refused(
        {"jacket": 1},
        OptionError,
        "jacket: expected a CUDA device and CuPy, got no ",
        "backend: expected a CUDA device and CuPy, got no ",
    ),
}
