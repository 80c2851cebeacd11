"""Cases that are refused before the first epoch."""

from __future__ import annotations

import numpy as np
import scipy.sparse

from hf_matlab_compat.errors import DataError, OptionError
from tests.preflight.refused import Refused
from tests.small_run import INPUTS, ONE_HOT, TARGETS

X, T = INPUTS, TARGETS
NUMBERS_ONLY = "Convert them to numbers first, as with .astype(float)."
AUTOENCODER = {"layertypes": ["tanh", "logistic"], "paramsp": []}
NOTHING_ELSE = {"paramsp": [], "intest": [], "outtest": []}


def spoilt(array: np.ndarray, value: float) -> np.ndarray:
    """The array with one entry in row 2 of case 3 replaced."""
    copy = array.copy()
    copy[2, 3] = value
    return copy


CHUNKS = {
    "numchunks": Refused(
        {"numchunks": 5},
        OptionError,
        "numchunks: expected a divisor of the 12 cases in indata, got 5. The nearest are 4 and 6; or nnet_train's "
        "trim_cases=True drops the last 2 cases.",
        "num_chunks: expected a divisor of the 12 cases in inputs, got 5. The nearest are 4 and 6; or trim_cases=True",
    ),
    "more chunks than cases": Refused(
        {"numchunks": np.float64(50)},
        OptionError,
        "numchunks: expected a divisor of the 12 cases in indata, got 50. The nearest is 12.",
        "num_chunks: expected a divisor of the 12 cases in inputs, got 50. The nearest is 12.",
    ),
    "chunks that fit the rows": Refused(
        {"indata": X[:, :4], "outdata": T[:, :4], "numchunks": 3, **NOTHING_ELSE},
        OptionError,
        "numchunks: expected a divisor of the 4 cases in indata, got 3. Cases go in columns: if indata and outdata "
        "have them in rows, transpose them. Otherwise the nearest are 2 and 4; or nnet_train's trim_cases=True drops "
        "the last case.",
        "num_chunks: expected a divisor of the 4 cases in inputs, got 3. Cases go in columns: if inputs and targets",
    ),
    "chunks that fit the rows of cases in columns": Refused(
        {"indata": X[:, :4], "outdata": T[:, :4], "numchunks": 3},
        OptionError,
        "numchunks: expected a divisor of the 4 cases in indata, got 3. The nearest are 2 and 4; or nnet_train's "
        "trim_cases=True drops the last case.",
        "num_chunks: expected a divisor of the 4 cases in inputs, got 3. The nearest are 2 and 4",
    ),
    "chunks of cases in rows": Refused(
        {**AUTOENCODER, "indata": X.T, "outdata": X.T, "intest": X, "outtest": X, "numchunks": 4},
        OptionError,
        "numchunks: expected a divisor of the 6 cases in indata, got 4. Cases go in columns; indata and outdata seem "
        "to have them in rows: transpose them.",
        "num_chunks: expected a divisor of the 6 cases in inputs, got 4. Cases go in columns; inputs and targets seem",
    ),
    "numchunks_test": Refused(
        {"numchunks_test": 3},
        OptionError,
        "numchunks_test: expected a divisor of the 4 cases in intest, got 3. The nearest are 2 and 4; or "
        "nnet_train's trim_cases=True drops the last case.",
        "num_test_chunks: expected a divisor of the 4 cases in test_inputs, got 3.",
    ),
    "fraction of a chunk": Refused(
        {"numchunks": np.array([[2.5]])},
        OptionError,
        "numchunks: expected a whole number of at least 1, got 2.5.",
        "num_chunks: expected a whole number of at least 1, got",
    ),
    "case counts": Refused(
        {"outdata": T[:, :10]},
        DataError,
        "outdata: expected as many cases (columns) as indata, which has 12, got 10.",
        "targets: expected as many cases (columns) as inputs, which has 12, got 10.",
    ),
    "test case counts": Refused(
        {"outtest": T[:, :3]},
        DataError,
        "outtest: expected as many cases (columns) as intest, which has 4, got 3.",
        "test_targets: expected as many cases (columns) as test_inputs, which has 4, got 3.",
    ),
    "inputs only to test": Refused(
        {"outtest": None},
        DataError,
        "outtest: expected both intest and outtest, or neither, got nothing.",
        "test_targets: expected both test_inputs and test_targets, or neither, got nothing.",
    ),
    "targets only to test": Refused(
        {"intest": None},
        DataError,
        "intest: expected both intest and outtest, or neither, got nothing.",
        "test_inputs: expected both test_inputs and test_targets, or neither, got nothing.",
    ),
}

ROWS = {
    "all in rows": Refused(
        {"indata": X.T, "outdata": T.T},
        DataError,
        "outdata: expected as many cases (columns) as indata, which has 6, got 3. Cases go in columns; indata and "
        "outdata seem to have them in rows: transpose them.",
        "targets: expected as many cases (columns) as inputs, which has 6, got 3. Cases go in columns; inputs and",
    ),
    "all in rows, without other figures that say so": Refused(
        {"indata": X.T, "outdata": T.T, **NOTHING_ELSE},
        DataError,
        "outdata: expected as many cases (columns) as indata, which has 6, got 3. Cases go in columns; the shapes are "
        "(12, 6) and (12, 3).",
        "targets: expected as many cases (columns) as inputs, which has 6, got 3. Cases go in columns; the shapes are",
    ),
    "an autoencoder's targets that lost cases": Refused(
        {**AUTOENCODER, "outdata": X[:, :10], "outtest": X[:, :4]},
        DataError,
        "outdata: expected as many cases (columns) as indata, which has 12, got 10. Cases go in columns; the shapes "
        "are (6, 12) and (6, 10).",
        "targets: expected as many cases (columns) as inputs, which has 12, got 10. Cases go in columns; the shapes",
    ),
    "an autoencoder's test targets that lost cases": Refused(
        {**AUTOENCODER, "outdata": X, "outtest": X[:, :3]},
        DataError,
        "outtest: expected as many cases (columns) as intest, which has 4, got 3. Cases go in columns; the shapes are "
        "(6, 4) and (6, 3).",
        "test_targets: expected as many cases (columns) as test_inputs, which has 4, got 3. Cases go in columns; the",
    ),
    "test cases in rows that their chunks do not divide": Refused(
        {**AUTOENCODER, "outdata": X, "intest": X[:, :5].T, "outtest": X[:, :5].T, "numchunks_test": 5},
        DataError,
        "intest: expected 6 rows, as indata has, got shape (5, 6). Cases go in columns; intest seems to have them in "
        "rows: transpose it.",
        "test_inputs: expected 6 rows",
    ),
    "inputs in rows": Refused(
        {"indata": X.T},
        DataError,
        "outdata: expected as many cases (columns) as indata, which has 6, got 12. Cases go in columns; indata seems "
        "to have them in rows: transpose it.",
        "targets: ",
    ),
    "targets in rows": Refused(
        {"outdata": T.T},
        DataError,
        "outdata: expected as many cases (columns) as indata, which has 12, got 3. Cases go in columns; outdata seems "
        "to have them in rows: transpose it.",
        "targets: ",
    ),
    "test cases in rows": Refused(
        {"intest": X[:, :4].T, "outtest": T[:, :4].T},
        DataError,
        "outtest: expected as many cases (columns) as intest, which has 6, got 3. Cases go in columns; intest and "
        "outtest seem to have them in rows: transpose them.",
        "test_targets: ",
    ),
    "an autoencoder's cases in rows": Refused(
        {**AUTOENCODER, "indata": X.T, "outdata": X.T, "intest": X[:, :4].T, "outtest": X[:, :4].T},
        DataError,
        "intest: expected 12 rows, as indata has, got shape (4, 6). Cases go in columns; intest and indata seem to "
        "have them in rows: transpose them.",
        "test_inputs: ",
    ),
    "an autoencoder's training cases in rows": Refused(
        {**AUTOENCODER, "indata": X.T, "outdata": X.T, "intest": X[:, :4], "outtest": X[:, :4]},
        DataError,
        "intest: expected 12 rows, as indata has, got shape (6, 4). Cases go in columns; indata seems to have them in "
        "rows: transpose it.",
        "test_inputs: ",
    ),
    "an autoencoder's test cases in rows": Refused(
        {**AUTOENCODER, "outdata": X, "intest": X[:, :4].T, "outtest": X[:, :4].T},
        DataError,
        "intest: expected 6 rows, as indata has, got shape (4, 6). Cases go in columns; intest seems to have them in "
        "rows: transpose it.",
        "test_inputs: ",
    ),
    "test cases of other data": Refused(
        {"intest": X[:5, :4]},
        DataError,
        "intest: expected 6 rows, as indata has, got shape (5, 4).",
        "test_inputs: expected 6 rows, as inputs has, got shape (5, 4).",
    ),
    "an autoencoder's parameters that fit neither way": Refused(
        {"outdata": X, "intest": [], "outtest": [], "paramsp": np.zeros((57, 1))},
        DataError,
        "paramsp: expected 58 numbers in one column, as the layers 6 4 6 have, got 57. Check layersizes, and that "
        "cases are in columns.",
        "initial_theta: expected 58 numbers in one column",
    ),
    "test targets of other data": Refused(
        {"outtest": T[:2, :4]},
        DataError,
        "outtest: expected 3 rows, as outdata has, got shape (2, 4).",
        "test_targets: expected 3 rows, as targets has, got shape (2, 4).",
    ),
    "parameters that fit the cases in columns": Refused(
        {"indata": X.T, "outdata": X.T, "intest": [], "outtest": [], "paramsp": np.zeros((58, 1))},
        DataError,
        "indata: expected 6 rows, which fit the 58 numbers of paramsp, got shape (12, 6). Cases go in "
        "columns; indata and outdata seem to have them in rows: transpose them.",
        "inputs: expected 6 rows, which fit the 58 numbers of initial_theta",
    ),
}

DATA = {
    "NaN": Refused(
        {"indata": spoilt(X, np.nan)},
        DataError,
        "indata: expected finite numbers, got nan at (2, 3) (counted from 0). Replace such numbers, or remove their "
        "cases.",
        "inputs: expected finite numbers, got nan at (2, 3)",
    ),
    "Inf in singles": Refused(
        {"outtest": spoilt(T[:, :4], np.inf).astype("f4")},
        DataError,
        "outtest: expected finite numbers, got inf at (2, 3) (counted from 0). Replace such numbers, or remove their "
        "cases.",
        "test_targets: expected finite numbers, got inf at (2, 3)",
    ),
    "beyond single precision": Refused(
        {"indata": X * np.where(X[2, 3] == X, 1e40, 1)},
        DataError,
        f"indata: expected numbers that single precision holds, up to 3.4e+38, got {X[2, 3] * 1e40} at (2, 3) (counted "
        "from 0). Rescale them, or set nnet_train's precision='double'.",
        "inputs: expected numbers that single precision holds, up to 3.4e+38, got ",
    ),
    "masked": Refused(
        {"indata": np.ma.masked_less(X, X[2, 3])},
        DataError,
        f"indata: expected an array without gaps, got a masked array with {(X[2, 3] > X).sum()} of 72 numbers masked. "
        "Fill the gaps with .filled(value), or remove them, as .compressed() does in a vector.",
        "inputs: expected an array without gaps, got a masked array with",
    ),
    "masked parameters": Refused(
        {"paramsp": np.ma.array(np.zeros(43), mask=np.arange(43) == 0)},
        DataError,
        "paramsp: expected an array without gaps, got a masked array with 1 of 43 numbers masked",
        "initial_theta: expected an array without gaps",
    ),
    "parameters beyond single precision": Refused(
        {"paramsp": np.full(43, -4e38)},
        DataError,
        "paramsp: expected numbers that single precision holds, up to 3.4e+38, got -4e+38 at (0,)",
        "initial_theta: expected numbers that single precision holds",
    ),
    "complex": Refused(
        {"indata": X + 1j},
        DataError,
        "indata: expected an array of real numbers, got complex numbers (complex128). Pass real and imaginary parts "
        "as rows of their own.",
        "inputs: expected an array of real numbers, got complex numbers",
    ),
    "sparse": Refused(
        {"outdata": scipy.sparse.csr_matrix(T)},
        DataError,
        "outdata: expected a dense array, got a sparse matrix. Pass its .toarray().",
        "targets: expected a dense array",
    ),
    "object": Refused(
        {"intest": X[:, :4].astype(object)},
        DataError,
        f"intest: expected an array of real numbers, got objects (object). {NUMBERS_ONLY}",
        "test_inputs: expected an array of real numbers",
    ),
    "text": Refused(
        {"indata": X.astype("U4")},
        DataError,
        f"indata: expected an array of real numbers, got text (<U4). {NUMBERS_ONLY}",
        "inputs: expected an array of real numbers",
    ),
    "dates": Refused(
        {"indata": X.astype("M8[D]")},
        DataError,
        f"indata: expected an array of real numbers, got other things (datetime64[D]). {NUMBERS_ONLY}",
        "inputs: expected an array of real numbers",
    ),
    "ragged": Refused(
        {"indata": [[1, 2], [3]]},
        DataError,
        "indata: expected an array of numbers, got rows of different lengths.",
        "inputs: expected an array of numbers",
    ),
    "one dimension": Refused(
        {"outdata": T[0]},
        DataError,
        "outdata: expected a matrix with one case in each column, got an array of shape (12,). Reshape it: a single "
        "case is one column; one number for each case is one row.",
        "targets: expected a matrix with one case in each column",
    ),
    "nothing": Refused(
        {"indata": []},
        DataError,
        "indata: expected at least one number, got an empty array of shape (0,).",
        "inputs: expected at least one number",
    ),
    "targets above 1": Refused(
        {"outdata": spoilt(T, 1.25)},
        DataError,
        f"outdata: expected numbers from 0 to 1 for logistic outputs, got numbers from {T.min():g} to 1.25. Rescale "
        "them, set rms=1, or use 'linear' outputs.",
        "targets: expected numbers from 0 to 1 for logistic outputs",
    ),
    "test targets below 0": Refused(
        {"outtest": spoilt(T[:, :4], -0.5)},
        DataError,
        "outtest: expected numbers from 0 to 1 for logistic outputs, got numbers from -0.5 to "
        f"{T[:, :4].max():g}. Rescale them, set rms=1, or use 'linear' outputs.",
        "test_targets: expected numbers from 0 to 1 for logistic outputs",
    ),
    "softmax targets": Refused(
        {"layertypes": ["tanh", "softmax"], "outdata": spoilt(ONE_HOT, 0.5 + ONE_HOT[2, 3])},
        DataError,
        "outdata: expected targets of at least 0 that sum to 1 in each case, for softmax outputs, got a sum of 1.5 "
        f"and a smallest value of {spoilt(ONE_HOT, 0.5 + ONE_HOT[2, 3])[:, 3].min():g} in case 3 (counted from 0). Use "
        "one-of-k targets.",
        "targets: expected targets of at least 0 that sum to 1 in each case, for softmax outputs",
    ),
    "softmax test targets": Refused(
        {"layertypes": ["tanh", "softmax"], "outdata": ONE_HOT, "outtest": T[:, :4] - 1},
        DataError,
        "outtest: expected targets of at least 0 that sum to 1 in each case, for softmax outputs, got a sum of",
        "test_targets: expected targets of at least 0 that sum to 1",
    ),
}
