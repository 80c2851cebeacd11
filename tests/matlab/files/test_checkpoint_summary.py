"""What a checkpoint says of itself, in every format and for every fork."""

from __future__ import annotations

import gzip
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint, write_checkpoint
from hf_matlab_compat.matlab.files.checkpoint_conversion import convert, split_layers
from hf_matlab_compat.matlab.files.checkpoint_summary import CheckpointKind, summarise
from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES, to_variables
from hf_matlab_compat.model.packing import num_parameters
from tests.cases import GOLDENS
from tests.matlab.files.checkpoint_files import make_state, save_mat, save_mat73
from tests.octave import NEEDS_OCTAVE, octave

SIZES = (64, 20, 5, 20, 64)
P = num_parameters(SIZES)


OCTAVE_TEXT = b"""# Created by Octave 7.3.0, Sat Nov 21 10:00:00 2026 UTC <user@host>
# name: paramsp
# type: float matrix
# rows: 2
# columns: 1
 1
 2


# name: epoch
# type: scalar
4


# name: c
# type: cell
# rows: 1
# columns: 1
# name: <cell-element>
# type: string
# elements: 1
# length: 2
hi



"""


def test_octave_s_text_is_listed_with_what_is_no_number(tmp_path: Path) -> None:
    (tmp_path / "t.mat").write_bytes(OCTAVE_TEXT)
    found = summarise(tmp_path / "t.mat")
    assert [(v.name, v.kind, v.shape) for v in found.variables] == [
        ("paramsp", "single", (2, 1)), ("epoch", "double", (1, 1)), ("c", "cell", (1, 1)),
    ]  # fmt: skip
    assert (found.epoch, found.kind) == (4, CheckpointKind.OTHER)


def cell(*values: Any) -> Any:
    found = np.empty((1, len(values)), dtype=object)
    for i, value in enumerate(values):
        found[0, i] = value
    return found


def test_a_checkpoint_of_ours_is_summarised(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "run.mat", make_state(size=P))
    found = summarise(tmp_path / "run.mat", hidden=SIZES[1:-1])
    assert (found.kind, found.missing, found.extra, found.remarks) == (CheckpointKind.TRAINER, (), (), ())
    assert (found.epoch, found.total_cg_steps, found.psize) == (3, 39, P)
    assert found.lam == pytest.approx(45 * (2 / 3) ** 3)
    assert found.candidates.sizes[0] == SIZES


def test_every_variable_is_listed_with_class_and_shape(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "run.mat", make_state(size=7))
    listed = {v.name: (v.kind, v.shape) for v in summarise(tmp_path / "run.mat").variables}
    assert list(listed) == list(VARIABLES)
    assert listed["paramsp"] == ("single", (7, 1))
    assert listed["epoch"] == ("double", (1, 1))
    assert listed["llrecord"] == ("double", (3, 2))


@pytest.mark.parametrize(("packed", "form"), [(True, "MATLAB v7"), (False, "MATLAB v5 or v6")])
def test_the_format_is_named(tmp_path: Path, packed: bool, form: str) -> None:
    scipy.io.savemat(tmp_path / "a.mat", to_variables(make_state()), do_compression=packed)
    assert summarise(tmp_path / "a.mat").form == form


@pytest.mark.parametrize("form", ["v5", "v7", "v4", "v73", "text"])
def test_a_packed_file_is_what_is_in_it(tmp_path: Path, form: str) -> None:
    plain = tmp_path / "plain.mat"
    if form == "text":
        plain.write_bytes(OCTAVE_TEXT)
    elif form == "v73":
        save_mat73(plain, make_state())
    else:
        options = {"format": "4"} if form == "v4" else {"do_compression": form == "v7"}
        scipy.io.savemat(plain, to_variables(make_state()), **options)
    (tmp_path / "packed.mat.gz").write_bytes(gzip.compress(plain.read_bytes()))
    inside, packed = summarise(plain), summarise(tmp_path / "packed.mat.gz")
    assert packed.form == f"gzipped {inside.form}"
    assert (packed.variables, packed.epoch, packed.lam) == (inside.variables, inside.epoch, inside.lam)
    assert packed.can_go_on is goes_on(tmp_path / "packed.mat.gz") is (form != "text")


@pytest.mark.parametrize("content", [b"", b"milk", b"PK\x03\x04", gzip.compress(b"PK\x03\x04", mtime=0)])
def test_a_packed_file_of_something_else_is_refused_as_a_run_refuses_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.mat.gz").write_bytes(gzip.compress(content))
    sentences = []
    for ask in (summarise, read_checkpoint):
        with pytest.raises(CheckpointError) as caught:
            ask(tmp_path / "x.mat.gz")
        sentences.append(str(caught.value))
    assert sentences[0] == sentences[1]


def test_octaves_hdf5_is_refused_as_a_run_refuses_it(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "o.mat", "w") as file:
        for name in VARIABLES:
            file.create_group(name).attrs["OCTAVE_NEW_FORMAT"] = np.uint8(1)
    for ask in (summarise, read_checkpoint):
        with pytest.raises(CheckpointError, match=r"o\.mat: expected a MATLAB file, got Octave's -hdf5\. Load it"):
            ask(tmp_path / "o.mat")


def test_v4_and_v73_are_summarised(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "v4.mat", to_variables(make_state()), format="4")
    assert summarise(tmp_path / "v4.mat").form == "MATLAB v4"
    found = summarise(save_mat73(tmp_path / "v73.mat", make_state()))
    assert (found.form, found.epoch, found.psize, found.missing) == ("MATLAB v7.3 (HDF5)", 3, 7, ())
    assert {v.name: v.kind for v in found.variables}["paramsp"] == "single"


@NEEDS_OCTAVE
def test_octave_s_text_is_summarised_plain_and_packed(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a.mat", make_state())
    octave("load a.mat; c = {1, 'x'}; clear ans; save -text t.mat; save -text -zip z.mat", tmp_path)
    for name, form in (("t.mat", "Octave text"), ("z.mat", "gzipped Octave text")):
        found = summarise(tmp_path / name)
        assert (found.form, found.epoch, found.extra, found.kind) == (form, 3, ("c",), CheckpointKind.TRAINER)
        assert {v.name: v.kind for v in found.variables}["c"] == "cell"


def test_a_kfac_checkpoint_is_named(tmp_path: Path) -> None:
    changes = {"iter": 60.0, "y_hom2": cell(np.eye(2)), "dEdx2": cell(np.eye(2)), "paramsp_avg": np.ones((7, 1))}
    path = save_mat(tmp_path / "k.mat", make_state(), without="epoch", gamma=0.5, **changes)
    found = summarise(path)
    assert found.kind is CheckpointKind.KFAC
    assert "Kronecker" in found.kind.value
    assert (found.epoch, found.missing) == (60, ("epoch",))
    assert {v.name: v.kind for v in found.variables}["y_hom2"] == "cell"


def test_a_batch_norm_checkpoint_is_named_and_its_sizes_found(tmp_path: Path) -> None:
    state = make_state(size=P + 2 * sum(SIZES[:-1]))
    path = save_mat(tmp_path / "b.mat", state, without="times", timess=np.ones((3, 1)))
    found = summarise(path, hidden=SIZES[1:-1])
    assert found.kind is CheckpointKind.BATCH_NORM
    assert SIZES in found.candidates.sizes
    with pytest.raises(CheckpointError, match=r"layersizes: expected a network of this trainer, got .*batch norm"):
        split_layers(path, SIZES)


def test_another_mat_file_is_no_checkpoint(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "x.mat", {"x": 1.0, "word": "text"})
    found = summarise(tmp_path / "x.mat")
    assert (found.kind, found.psize, found.extra) == (CheckpointKind.OTHER, None, ("x", "word"))
    assert len(found.missing) == 9


def test_what_would_go_wrong_in_matlab_is_remarked(tmp_path: Path) -> None:
    path = save_mat(tmp_path / "a.mat", make_state(), epoch=np.int64(3), paramsp=np.ones((1, 7), np.float32))
    remarks = " / ".join(summarise(path).remarks)
    assert "epoch is of class int64" in remarks
    assert "paramsp is not a column: MATLAB's trainer fails with it" in remarks


def test_doubles_beside_it_are_remarked(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "run.mat", make_state(kind=np.float64))
    assert "run.sidecar.npz" in summarise(tmp_path / "run.mat").remarks[0]


def test_layers_are_split_as_they_were_packed(tmp_path: Path) -> None:
    state = make_state(size=P)
    write_checkpoint(tmp_path / "run.mat", state)
    W, b = split_layers(tmp_path / "run.mat", SIZES)
    assert [w.shape for w in W] == [(20, 64), (5, 20), (20, 5), (64, 20)]
    packed = [part.ravel(order="F") for pair in zip(W, b, strict=True) for part in pair]
    np.testing.assert_array_equal(np.concatenate(packed), state.theta)


@pytest.mark.parametrize("sizes", [SIZES[1:-1], (64, 20, 5, 20, 63), (64,), ()])
def test_sizes_that_do_not_fit_are_refused_with_those_that_do(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    write_checkpoint(tmp_path / "run.mat", make_state(size=P))
    with pytest.raises(CheckpointError, match=rf"layersizes: expected those of {P} parameters") as caught:
        split_layers(tmp_path / "run.mat", sizes)
    assert ("64 20 5 20 64" in str(caught.value)) == (len(sizes) > 1)


def logged(folder: Path, sizes: str, name: str = "run.txt") -> None:
    text = (GOLDENS / "log_ae_hess_single.txt").read_text(encoding="utf-8")
    (folder / name).write_text(text.replace("64  20   5  20  64", sizes), encoding="utf-8")


@pytest.mark.parametrize("stem", ["run_nnet_running", "run_nnet_epoch10"])
def test_the_log_beside_a_checkpoint_names_its_layers(tmp_path: Path, stem: str) -> None:
    path = tmp_path / f"{stem}.mat"
    write_checkpoint(path, make_state(size=P))
    logged(tmp_path, "64  20   5  20  64")
    assert "layer sizes by the log run.txt: 64 20 5 20 64" in summarise(path).in_words()
    with pytest.raises(CheckpointError, match=r"These fit: 64 20 5 20 64;"):
        split_layers(path, (64, 19, 5, 19, 64))


@pytest.mark.parametrize(("sizes", "name"), [("64  21   5  21  64", "run.txt"), ("64  20   5  20  64", "other.txt")])
def test_a_log_of_another_network_or_run_says_nothing(tmp_path: Path, sizes: str, name: str) -> None:
    write_checkpoint(tmp_path / "run_nnet_running.mat", make_state(size=P))
    logged(tmp_path, sizes, name)
    found = summarise(tmp_path / "run_nnet_running.mat")
    assert found.logged is None
    assert SIZES in found.candidates.sizes
    assert "  64 20 5 20 64" in found.in_words()


def test_a_text_beside_it_that_is_no_log_says_nothing(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "run_nnet_running.mat", make_state(size=P))
    (tmp_path / "run.txt").write_text("notes\n", encoding="utf-8")
    assert summarise(tmp_path / "run_nnet_running.mat").logged is None


@pytest.mark.parametrize(
    "content", [b"", b"milk\n", b"MATLAB 5.0 MAT-file", b"PK\x03\x04junk", gzip.compress(b"x", mtime=0)]
)
def test_what_is_no_checkpoint_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.mat").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"x\.mat: expected"):
        summarise(tmp_path / "x.mat")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nowhere\.mat: expected a readable file, got 'No such file"):
        summarise(tmp_path / "nowhere.mat")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    plain = save_mat(folder / "plain.mat", make_state(size=3))
    files = {form: convert(plain, folder / form, form).path.read_bytes() for form in ("v5", "v7", "npz")}
    return {**files, "text": OCTAVE_TEXT, "packed": gzip.compress(OCTAVE_TEXT)}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.data())
def test_any_damage_gives_a_summary_or_a_checkpoint_error(
    tmp_path: Path, whole: dict[str, bytes], data: st.DataObject
) -> None:
    content = bytearray(whole[data.draw(st.sampled_from(sorted(whole)))])
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.one_of(st.none(), st.integers(0, len(content))))
    (tmp_path / "damaged").write_bytes(content[:end])
    with suppress(CheckpointError):
        assert summarise(tmp_path / "damaged", hidden=[2]).can_go_on is goes_on(tmp_path / "damaged")


def goes_on(path: Path) -> bool:
    try:
        return read_checkpoint(path) is not None
    except CheckpointError:
        return False


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"paramsp": np.array([[1.0], [np.nan], [np.inf]])},
            "paramsp: expected finite numbers, got NaN or Inf in 2 of 3",
        ),
        ({"paramsp": np.zeros((0, 1))}, "paramsp: expected numbers, got none"),
        ({"paramsp": cell(1.0)}, "paramsp: expected a column of real numbers, got class cell"),
        ({"paramsp": np.ones((3, 1)) * 1j}, "paramsp: expected a column of real numbers, got class double (complex)"),
        ({"ch": np.full((7, 1), np.nan)}, "ch: expected finite numbers, got NaN or Inf in 7 of 7"),
        ({"epoch": np.inf}, "epoch: expected a whole number of at least 0, got inf"),
        ({"epoch": -3.0}, "epoch: expected a whole number of at least 0, got -3"),
        ({"epoch": 2.5}, "epoch: expected a whole number of at least 0, got 2.5"),
        ({"epoch": np.zeros((0, 1))}, "epoch: expected one real number, got double, 0x1"),
        ({"epoch": np.array([[1.0, 2.0]])}, "epoch: expected one real number, got double, 1x2"),
        ({"epoch": cell(1.0)}, "epoch: expected one real number, got cell, 1x1"),
        ({"totalpasses": 2 + 1j}, "totalpasses: expected one real number, got double (complex), 1x1"),
        ({"lambda": np.nan}, "lambda: expected a number of at least 0, got nan"),
        ({"ch": np.ones((3, 1))}, "ch: expected one value for each of the 7 parameters, got 3"),
    ],
)
def test_values_that_no_run_goes_on_from_are_faults(tmp_path: Path, changes: dict[str, Any], fault: str) -> None:
    found = summarise(save_mat(tmp_path / "a.mat", make_state(), **changes))
    assert [said for said in found.faults if said.startswith(fault)]
    assert "no run can resume from it" in found.in_words()[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"paramsp": np.ones((1, 7)), "ch": np.ones((1, 7))},
        {"ch": np.ones((1, 7))},
        {"ch": np.zeros((0, 0))},
        {"llrecord": np.zeros((1, 2))},
        {"errrecord": np.zeros((2, 3))},
        {"times": np.zeros((1, 1))},
        {"lambdarecord": np.zeros((2, 2))},
        {"llrecord": cell(1.0)},
        {"times": np.ones((2, 1)) * 1j},
        {"epoch": 3.0},
        {"lambda": np.array([[1.0, 2.0]])},
        {"totalpasses": 2.0**60},
        {"times": np.zeros((1, 9))},
        {"llrecord": np.zeros((9, 1))},
        {"paramsp": np.ones((7, 1), np.int8)},
        {},
    ],
)
@pytest.mark.parametrize("form", ["v5", "v7", "npz"])
def test_a_run_goes_on_where_the_summary_says_so_and_nowhere_else(
    tmp_path: Path, changes: dict[str, Any], form: str
) -> None:
    path = save_mat(tmp_path / "a.mat", make_state(), **changes)
    with suppress(CheckpointError):  # what cannot be converted is judged as it is
        path = convert(path, tmp_path / "b", form).path
    found = summarise(path)
    assert found.can_go_on is goes_on(path)
    assert found.kind is CheckpointKind.TRAINER
    assert ("; a run can resume from it" in found.in_words()[0]) is found.can_go_on
    assert bool(found.faults) is not found.can_go_on


def test_a_sound_checkpoint_has_no_faults(tmp_path: Path) -> None:
    assert summarise(save_mat(tmp_path / "a.mat", make_state())).faults == ()


def test_parameters_of_another_class_are_not_split(tmp_path: Path) -> None:
    path = save_mat(tmp_path / "a.mat", make_state(), paramsp=np.ones((7, 1)) * 1j)
    with pytest.raises(CheckpointError, match=r"paramsp with real numbers, got one of class double \(complex\)"):
        split_layers(path, [1, 1])
