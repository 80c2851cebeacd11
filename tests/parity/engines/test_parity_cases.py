"""Cases come whole, or the missing argument is named."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import loadmat, savemat
from scipy.sparse import csc_matrix, csr_array

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.legacy.case_file import write_case
from hf_matlab_compat.matlab.octave.values import to_octave
from hf_matlab_compat.parity.cases import builtin_case, builtin_names, case_from_arguments, case_from_mat, rounded
from tests.cases import MAIN, UNITS
from tests.octave import octave
from tests.parity.engines.trainers import SMALL


def arguments(**changes):
    return {**builtin_case(SMALL).arguments, **changes}


def saved(path, given):
    savemat(path, {name: to_octave(value) for name, value in given.items()})
    return path


def test_every_recorded_case_is_built_in():
    assert set(builtin_names()) == {*MAIN, *UNITS}


def test_a_unit_case_begins_with_its_own_lambda():
    assert builtin_case(SMALL).constants == {"initlambda": 1.0}


def test_an_unknown_case_is_answered_with_those_there_are():
    with pytest.raises(ParityError, match=f"got 'mnist'. There are: .*{SMALL}"):
        builtin_case("mnist")


def test_a_case_from_a_file_is_the_case_that_was_saved(tmp_path):
    case = case_from_mat(saved(tmp_path / "mine.mat", arguments()))
    assert case.name == "mine"
    for name, value in arguments().items():
        if name not in ("runName", "runDesc"):
            np.testing.assert_array_equal(case.arguments[name], value, err_msg=name)


@pytest.mark.parametrize("missing", ["indata", "layertypes", "decay", "numchunks_test"])
def test_a_missing_argument_is_named(missing, tmp_path):
    given = arguments()
    del given[missing]
    with pytest.raises(ParityError, match=rf"mine\.mat: .* got none called {missing}\."):
        case_from_mat(saved(tmp_path / "mine.mat", given))


def test_win_and_bin_stand_for_paramsp():
    given = arguments(
        Win=[np.full((2, 3), 1.0), np.full((1, 2), 3.0)], bin=[np.full((2, 1), 2.0), np.full((1, 1), 4.0)]
    )
    del given["paramsp"]
    case = case_from_arguments("mine", given)
    assert case.arguments["paramsp"].ravel().tolist() == [1.0] * 6 + [2.0] * 2 + [3.0] * 2 + [4.0]


def test_win_and_bin_may_be_sparse(tmp_path):
    full = {"Win": [np.eye(2, 3), np.eye(1, 2)], "bin": [np.eye(2, 1), np.eye(1)]}
    sparse = {
        name: np.array([csc_matrix(entry) for entry in cell] + [None], object)[None, :-1] for name, cell in full.items()
    }
    savemat(tmp_path / "mine.mat", {**{k: to_octave(v) for k, v in arguments(paramsp=None).items()}, **sparse})
    content = {name: value for name, value in loadmat(tmp_path / "mine.mat").items() if name in arguments()}
    found, given = (
        case_from_arguments("mine", arguments(paramsp=None, **each)) for each in (full, {n: content[n] for n in full})
    )
    np.testing.assert_array_equal(found.arguments["paramsp"], given.arguments["paramsp"])


def test_an_empty_start_is_drawn_and_always_the_same():
    first, again = (case_from_arguments("mine", arguments(paramsp=None)) for _ in range(2))
    assert first.arguments["paramsp"].shape == builtin_case(SMALL).arguments["paramsp"].shape
    np.testing.assert_array_equal(first.arguments["paramsp"], again.arguments["paramsp"])
    assert np.any(first.arguments["paramsp"])


def test_an_argument_of_another_kind_is_named():
    with pytest.raises(ParityError, match="numchunks: expected a whole number, got a list of 2"):
        case_from_arguments("mine", arguments(numchunks=[1, 2]))


def test_a_missing_start_is_an_empty_one(tmp_path):
    given = {name: value for name, value in arguments().items() if name not in ("paramsp", "Win", "bin")}
    drawn = case_from_arguments("mine", arguments(paramsp=None)).arguments["paramsp"]
    found = case_from_mat(saved(tmp_path / "mine.mat", given)).arguments["paramsp"]
    np.testing.assert_array_equal(found, drawn)


@pytest.mark.octave
@pytest.mark.parametrize("kind", ["-text", "-text -zip"])
def test_octaves_own_format_is_read(kind, tmp_path):
    file = saved(tmp_path / "theirs.mat", arguments())
    code = f"load('{file}'); clear ans; save {kind} '{tmp_path / 'mine.mat'}'"
    octave(code, tmp_path)
    found = case_from_mat(tmp_path / "mine.mat")
    for name, value in case_from_mat(file).arguments.items():
        np.testing.assert_array_equal(found.arguments[name], value, err_msg=name)


@pytest.mark.parametrize("kind", ["-v7", "-text"])
@pytest.mark.octave
def test_sparse_data_are_taken_as_full_ones(kind, tmp_path):
    """Sparse as MATLAB keeps counts of words, whole arguments and logical ones included."""
    file = saved(tmp_path / "theirs.mat", arguments())
    code = (
        f"load('{file}'); clear ans; indata(indata < 0.5) = 0; save -v7 '{tmp_path / 'full.mat'}'; "
        f"indata = sparse(indata); outdata = sparse(outdata); intest = sparse(intest); paramsp = sparse(paramsp); "
        f"save {kind} '{tmp_path / 'mine.mat'}'"
    )
    octave(code, tmp_path)
    found = case_from_mat(tmp_path / "mine.mat")
    for name, value in case_from_mat(tmp_path / "full.mat").arguments.items():
        np.testing.assert_array_equal(found.arguments[name], value, err_msg=name)


def test_sparse_data_from_python_are_taken_as_full_ones():
    full = builtin_case(SMALL).arguments["indata"]
    for sparse in (csc_matrix(full), csr_array(full)):
        np.testing.assert_array_equal(case_from_arguments("m", arguments(indata=sparse)).arguments["indata"], full)


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (16, 0)])
def test_an_empty_test_set_is_no_columns_of_as_many_rows(shape):
    case = case_from_arguments("mine", arguments(intest=np.zeros(shape), outtest=np.zeros((0, 0))))
    assert case.arguments["intest"].shape == (16, 0)
    assert case.arguments["outtest"].shape == (len(case.arguments["outdata"]), 0)


REFUSED = {
    "indata: expected finite numbers, got nan": {"indata": np.full((16, 160), np.nan)},
    "indata: expected real numbers, got complex": {"indata": np.full((16, 160), 1j)},
    "mattype: expected a text, got a cell array of 2": {"mattype": np.array([["gn", "hess"]], dtype=object)},
    "weightcost: expected a number, got the text 'abc'": {"weightcost": "abc"},
    "decay: expected a number, got a matrix of 2 by 2": {"decay": np.ones((2, 2))},
    "paramsp: expected": {"paramsp": np.ones((5, 1))},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_this_package_would_not_train_is_refused_before_a_reference_runs(sentence, tmp_path):
    write_case(tmp_path / "mine.mat", arguments(**REFUSED[sentence]))
    with pytest.raises(ParityError, match=f"mine.mat: {sentence}"):
        case_from_mat(tmp_path / "mine.mat")


@pytest.mark.parametrize("content", [b"", b"not a mat file", b"MATLAB 5.0 MAT-file" + bytes(200)])
def test_a_file_that_is_no_mat_file_is_refused(content, tmp_path):
    (tmp_path / "mine.mat").write_bytes(content)
    with pytest.raises(ParityError, match=r"mine\.mat"):
        case_from_mat(tmp_path / "mine.mat")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ParityError, match=r"none\.mat: expected a \.mat file with the 22 arguments, got no such file"):
        case_from_mat(tmp_path / "none.mat")


def test_rounding_makes_the_data_what_single_precision_holds():
    case = case_from_arguments("mine", arguments(indata=builtin_case(SMALL).arguments["indata"].astype(float) + 1e-12))
    assert rounded(case).arguments["indata"].dtype == np.float32


def test_a_start_that_no_memory_holds_is_not_drawn():
    with pytest.raises(ParityError, match="layersizes: expected a network of at most 100000000 parameters, got"):
        case_from_arguments("mine", arguments(paramsp=None, layersizes=[12_884_901_888]))
