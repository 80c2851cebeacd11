"""hf-compat log, checkpoint, plot: what they print, write and return."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from hf_matlab_compat import load, nnet_train_2
from hf_matlab_compat.cli import main
from hf_matlab_compat.demo.autoencoder import HIDDEN, UNITS
from hf_matlab_compat.demo.digits import load_digits
from tests.cases import GOLDENS

LOG = GOLDENS / "log_ae_hess_single.txt"
CHECKPOINT = Path(__file__).parent.parent / "examples" / "data" / "matlab_checkpoint.mat"


def test_log_says_where_a_run_came_to_and_that_it_breaks_no_law(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", str(LOG)]) == 0
    assert "epochs 1 to 8, log-likelihood -33.1478, error 6.5001" in capsys.readouterr().out


def test_log_exits_with_1_and_names_the_law_where_a_figure_was_altered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    altered = tmp_path / "altered.txt"
    altered.write_bytes(LOG.read_bytes().replace(b"New lambda: 20", b"New lambda: 21"))
    assert main(["log", str(altered)]) == 1
    assert "epoch 3: expected lambda 20 after rho" in capsys.readouterr().out


def test_log_exports_and_draws(tmp_path: Path) -> None:
    csv, data, png = tmp_path / "a.csv", tmp_path / "a.json", tmp_path / "a.png"
    main(["log", str(LOG), "--csv", str(csv), "--json", str(data), "--curves", str(png)])
    assert len(csv.read_text().splitlines()) == 1 + 8
    assert json.loads(data.read_text())
    assert png.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("option", ["--csv", "--json", "--curves"])
def test_a_place_that_cannot_be_written_is_told_with_exit_code_2(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "nodir" / ("x.png" if option == "--curves" else "x.txt")
    assert main(["log", str(LOG), option, str(target)]) == 2
    said = capsys.readouterr().err
    assert "expected a file that can be written, got" in said
    assert str(target) in said.replace("\n", "")
    assert "Traceback" not in said


def test_checkpoint_says_what_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoint", str(CHECKPOINT)]) == 0
    said = capsys.readouterr().out
    assert "MATLAB v7" in said
    assert "paramsp: single, " in said


def test_checkpoint_converts_and_does_not_overwrite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "x.npz"
    assert main(["checkpoint", str(CHECKPOINT), "--to", "npz", "--out", str(target)]) == 0
    assert np.array_equal(np.load(target)["paramsp"], loadmat(CHECKPOINT)["paramsp"])
    assert main(["checkpoint", str(CHECKPOINT), "--to", "npz", "--out", str(target)]) == 2
    assert "expected no such file, got one" in capsys.readouterr().err


def test_checkpoint_splits_into_W_and_b(tmp_path: Path) -> None:
    sizes, target = checkpoint_sizes(), tmp_path / "layers.mat"
    assert main(["checkpoint", str(CHECKPOINT), "--layersizes", *map(str, sizes), "--out", str(target)]) == 0
    W = loadmat(target)["W"][0]
    assert [w.shape for w in W] == [(above, below) for below, above in itertools.pairwise(sizes)]


def checkpoint_sizes() -> list[int]:
    psize = loadmat(CHECKPOINT)["paramsp"].size
    return next(s for s in ([64, *HIDDEN, 64], [64, 30, 6, 30, 64]) if sum(b * (a + 1) for a, b in pairs(s)) == psize)


def pairs(sizes: list[int]) -> list[tuple[int, int]]:
    return list(itertools.pairwise(sizes))


def test_plots_are_drawn_from_a_checkpoint_and_data(tmp_path: Path) -> None:
    digits, data = load_digits(), tmp_path / "digits.mat"
    savemat(data, {"indata": digits.images[:, :50], "labels": digits.labels[:50]})
    hidden = checkpoint_sizes()[1:-1]
    units = list(UNITS) if len(hidden) == len(HIDDEN) else ["logistic", "linear", "logistic", "logistic"]
    layers = ["--hidden", *map(str, hidden), "--units", *units]
    for kind, extra in (("reconstructions", []), ("codes", ["--labels", "labels"])):
        png = tmp_path / f"{kind}.png"
        assert main(["plot", kind, str(png), str(CHECKPOINT), str(data), *layers, *extra]) == 0
        assert png.read_bytes().startswith(b"\x89PNG")


def test_a_missing_variable_is_refused_with_those_that_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "d.mat"
    savemat(data, {"faces": np.ones((2, 2))})
    layers = ["--hidden", "1", "--units", "tanh", "linear"]
    assert main(["plot", "codes", str(tmp_path / "c.png"), str(CHECKPOINT), str(data), *layers]) == 2
    assert "variable: expected one of faces, got 'indata'." in capsys.readouterr().err


def test_a_checkpoint_that_no_run_goes_on_from_gives_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = {name: value for name, value in loadmat(CHECKPOINT).items() if not name.startswith("__")}
    savemat(tmp_path / "nan.mat", {**good, "paramsp": good["paramsp"] * np.nan})
    assert main(["checkpoint", str(tmp_path / "nan.mat")]) == 1
    assert "got NaN or Inf in" in capsys.readouterr().out


@pytest.mark.parametrize("value", [np.array([[1.0]], dtype=object), np.ones((3, 1)) * 1j])
def test_a_checkpoint_without_usable_parameters_is_not_converted(
    value: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {name: value for name, value in loadmat(CHECKPOINT).items() if not name.startswith("__")}
    savemat(tmp_path / "cell.mat", {**good, "paramsp": value})
    assert main(["checkpoint", str(tmp_path / "cell.mat"), "--to", "v7"]) == 2
    assert "expected paramsp to be a full array of real numbers, got one of class" in capsys.readouterr().err
    assert not (tmp_path / "cell_v7.mat").exists()


@pytest.mark.parametrize("kind", ["reconstructions", "codes"])
@pytest.mark.parametrize("spoilt", ["cases", "parameters"])
def test_what_is_not_finite_is_not_drawn(
    kind: str, spoilt: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, data, cases = CHECKPOINT, tmp_path / "digits.mat", load_digits().images[:, :50].astype(float)
    if spoilt == "cases":
        cases[3, 4] = np.nan
    else:
        good = {name: value for name, value in loadmat(CHECKPOINT).items() if not name.startswith("__")}
        good["paramsp"][5] = np.nan
        file = tmp_path / "nan.mat"
        savemat(file, good)
    savemat(data, {"indata": cases})
    hidden = checkpoint_sizes()[1:-1]
    units = list(UNITS) if len(hidden) == len(HIDDEN) else ["logistic", "linear", "logistic", "logistic"]
    layers = ["--hidden", *map(str, hidden), "--units", *units]
    assert main(["plot", kind, str(tmp_path / "x.png"), str(file), str(data), *layers]) == 2
    assert "expected finite numbers" in capsys.readouterr().err.replace("\n", " ")


def test_a_log_without_a_finished_epoch_exits_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = LOG.read_text()
    (tmp_path / "cut.txt").write_text(text[: text.index("ch magnitude")])
    assert main(["log", str(tmp_path / "cut.txt")]) == 1
    assert "no finished epoch; rules broken: 1" in capsys.readouterr().out


@pytest.mark.parametrize("given", [["64 20 5 20 64"], ["64,20,5,20,64"], ["64", "20", "5", "20", "64"]])
def test_layer_sizes_are_one_value_or_several(given: list[str], tmp_path: Path) -> None:
    path = tmp_path / "run.mat"
    savemat(path, {"paramsp": np.arange(2869.0).reshape(-1, 1)})
    assert main(["checkpoint", str(path), "--layersizes", *given]) == 0
    assert loadmat(tmp_path / "run_W_b.mat")["W"].size == 4


def test_what_a_log_has_no_lines_for_is_said_and_not_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fork = re.sub(r"CG steps used: (\d+), total", r"CG steps used: \1 (with restarts); total", LOG.read_text())
    (tmp_path / "fork.txt").write_text(re.sub("(TEST|Error rate).*\n", "", fork))
    assert main(["log", str(tmp_path / "fork.txt")]) == 0
    said = capsys.readouterr().out
    assert ", no test cases, no CG lines; rules broken: 0\n" in said
    assert "  not checked, since no epoch has a readable line of this kind: CG steps used\n" in said
    adam = re.sub("(maxiters|CG steps|ch mag|Chose|rho|Number|New lambda).*\n", "", LOG.read_text())
    (tmp_path / "adam.txt").write_text(adam)
    assert main(["log", str(tmp_path / "adam.txt")]) == 1
    assert "no CG lines; rules broken: 1\n" in capsys.readouterr().out


def test_a_checkpoint_is_found_without_its_ending_as_a_run_finds_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.v2.mat").write_bytes(CHECKPOINT.read_bytes())
    assert main(["checkpoint", str(tmp_path / "run.v2")]) == 0
    assert f"{tmp_path / 'run.v2.mat'}: " in capsys.readouterr().out


def test_what_no_run_goes_on_from_exits_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    savemat(tmp_path / "weights.mat", {"paramsp": np.ones((7, 1))})
    assert main(["checkpoint", str(tmp_path / "weights.mat")]) == 1
    assert "not a checkpoint of this family" in capsys.readouterr().out
    whole = {**loadmat(CHECKPOINT), "llrecord": np.zeros((1, 2))}
    savemat(tmp_path / "short.mat", {name: value for name, value in whole.items() if not name.startswith("__")})
    assert main(["checkpoint", str(tmp_path / "short.mat")]) == 1
    assert "llrecord: expected 10 rows (epochs) and 2 columns, got 1×2." in capsys.readouterr().out


def test_layer_sizes_that_are_no_numbers_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["checkpoint", str(tmp_path / "run.mat"), "--layersizes", "64 x"])
    assert "--layersizes: expected whole numbers, got 64 x" in capsys.readouterr().err


def test_a_log_cut_within_an_epoch_exits_with_1_and_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = LOG.read_text()
    (tmp_path / "cut.txt").write_text(text[: text.index("New lambda", text.index("epoch: 5,"))])
    assert main(["log", str(tmp_path / "cut.txt")]) == 1
    said = capsys.readouterr().out
    assert "breaks off in epoch 6; rules broken: 1" in said
    assert "epoch 6: expected all lines of it, got the end of the log" in said


def test_a_log_is_said_not_to_be_checkable_in_all_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", str(LOG)]) == 0
    assert "not checkable from a log: rho on its side of the thresholds, the size of ch" in capsys.readouterr().out


@pytest.fixture(scope="module")
def old_call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of MATLAB's call, with its data and its saved result."""
    folder = tmp_path_factory.mktemp("old_call")
    cases = np.random.default_rng(0).random((9, 20))
    nnet_train_2(
        *(str(folder / "run"), "", [], [], [], [], 2, cases, cases, 1, [], [], 1, [5, 2, 5]),
        *(["tanh", "linear", "logistic", "linear"], "gn", 1, "L2", 1, 2e-5, 0.95, 0),
    )
    savemat(folder / "data.mat", {"indata": cases})
    load(folder / "run_nnet_running.mat").save(folder / "net")
    return folder


@pytest.mark.parametrize("kind", ["codes", "reconstructions"])
@pytest.mark.parametrize("source", ["run_nnet_running.mat", "run_nnet_running", "net"])
def test_a_picture_asks_for_no_layers_that_a_file_tells(kind: str, source: str, old_call: Path, tmp_path: Path) -> None:
    target, data = tmp_path / "p.png", old_call / "data.mat"
    assert main(["plot", kind, str(target), str(old_call / source), str(data)]) == 0
    assert target.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["--hidden", "5", "2", "6"], "--hidden: expected 5 2 5, as in the run that wrote the file, got 5 2 6."),
        (["--units", "tanh", "linear"], "--units: expected tanh linear logistic linear, as in the run"),
    ],
)
def test_layers_that_contradict_the_sidecar_are_refused(
    given: list[str], sentence: str, old_call: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "p.png", old_call / "run_nnet_running.mat", old_call / "data.mat"]
    assert main(["plot", "codes", *map(str, files), *given]) == 2
    assert sentence in " ".join(capsys.readouterr().err.split())


def test_without_a_sidecar_the_layers_are_asked_for(
    tmp_path: Path, old_call: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "p.png", CHECKPOINT, old_call / "data.mat"]
    assert main(["plot", "codes", *map(str, files)]) == 2
    assert "--hidden: expected the value of the network, got none, and no sidecar" in capsys.readouterr().err
    assert main(["checkpoint", str(CHECKPOINT), "--split"]) == 2
    assert "--layersizes: expected all layers, since there is no sidecar" in capsys.readouterr().err


def test_a_checkpoint_tells_its_network_and_is_split_by_its_sidecar(
    old_call: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["checkpoint", str(old_call / "run_nnet_running"), "--split"]) == 0
    told = capsys.readouterr().out
    assert "layers, by the sidecar: 9 5 2 5 9 (tanh, linear, logistic, linear)" in told
    assert "loss squared, error measure squared" in told
    assert [W.shape for W in loadmat(old_call / "run_nnet_running_W_b.mat")["W"][0]] == [(5, 9), (2, 5), (5, 2), (9, 5)]


@pytest.mark.parametrize("kind", ["codes", "reconstructions"])
def test_help_says_that_layers_can_be_left_out(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["plot", kind, "--help"])
    assert "sidecar" in capsys.readouterr().out
