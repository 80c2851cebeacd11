"""`hf-compat search`, `ensemble`, `compare`, `export` and `study`: what they print and write, and what they refuse."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.cli import main
from hf_matlab_compat.demo.digits import shuffled_digits
from hf_matlab_compat.ensembles import load_ensemble
from hf_matlab_compat.legacy.case_file import train_case, write_case
from hf_matlab_compat.studies import toolbox

FIT, OTHERS = shuffled_digits(80, 120)
SPACE = 'initlambda = {log = [1e-2, 1e3]}\nmattype = {choice = ["gn", "empfish"]}\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with case.mat and space.toml, as the working directory."""
    case: dict[str, Any] = {
        "indata": FIT.images,
        "outdata": FIT.one_hot(),
        "layersizes": [6],
        "layertypes": ["logistic", "softmax"],
        "errtype": "class",
        "maxepoch": 2,
    }
    write_case(tmp_path / "notest.mat", case)
    test = {"intest": OTHERS.images, "outtest": OTHERS.one_hot()}
    write_case(tmp_path / "case.mat", {**case, **test})
    (tmp_path / "space.toml").write_text(SPACE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def says(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """Return the lines that a command prints; it succeeds, and no line is longer than a terminal is wide."""
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    return lines


def refuses(capsys: pytest.CaptureFixture[str], folder: Path, sentence: str, *words: str) -> None:
    """Check that a command prints this sentence and ends with exit code 2, and that it has written nothing."""
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert main(words) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.strip().splitlines()) == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_a_search_is_shown_written_drawn_and_goes_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("optuna")
    pytest.importorskip("cmaes")
    first = says(capsys, "search", "case.mat", "--space", "space.toml", "--trials", "3", "--workers", "1")
    assert first[0] == "3 trials, 0 of them killed, 6 epochs; error:"
    assert first[-1] == "Journal: case.journal"
    assert "initlambda=" in first[1]
    assert "mattype=" in first[1]
    assert says(capsys, "search", "show", "case.journal") == first[:-1]
    shown = says(capsys, "search", "show", "case.journal", "--trials", "1", "--csv", "a.csv", "--picture", "a.svg")
    assert shown == [*first[:2], "  and 2 more", "Table: a.csv", "Picture: a.svg"]
    with (folder / "a.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["trial"] for row in rows] == ["0", "1", "2"]
    assert {row["mattype"] for row in rows} <= {"gn", "empfish"}
    assert (folder / "a.svg").read_text().count("<use") > 3
    more = says(capsys, "search", "case.mat", "--space", "space.toml", "--trials", "4", "--workers", "1")
    assert more[0].startswith("4 trials")
    table = says(capsys, "ensemble", "case.journal", "--case", "case.mat")
    assert table[0].startswith("4 networks, selected on 60 test cases, judged on the others:")


def test_a_search_that_cannot_be_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("optuna")
    pytest.importorskip("cmaes")
    (folder / "wrong.toml").write_text('mattype = {choice = ["gn", "newton"]}\n')
    for sentence, *words in (
        ("space: expected a TOML file, got none.toml", "case.mat", "--space", "none.toml"),
        ("mattype: expected one of 'gn', 'hess', 'empfish', got 'newton'", "case.mat", "--space", "wrong.toml"),
        ("test_inputs: expected held-out cases", "notest.mat", "--space", "space.toml"),
        ("trials: expected a whole number of at least 1, got 0", "case.mat", "--space", "space.toml", "--trials", "0"),
        ("workers: expected at most ", "case.mat", "--space", "space.toml", "--workers", "99"),
        ("journal: expected the journal of a search, got 'case.mat', another file", "show", "case.mat"),
        ("journal: expected the journal of a search, got 'none', no such file", "show", "none"),
    ):
        refuses(capsys, folder, sentence, "search", *words)


def test_an_interrupted_search_says_how_to_go_on(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hf_matlab_compat.search.search", interrupted)
    assert main(["search", "case.mat", "--space", "space.toml"]) == 130
    assert capsys.readouterr().err == "The same command goes on from case.journal.\nStopped by Ctrl-C.\n"


def trained(folder: Path) -> Path:
    """Train the case three times; return the folder of its checkpoints, without sidecars, as MATLAB leaves them."""
    from hf_matlab_compat.legacy.case_file import read_case

    for k in range(3):
        train_case(read_case(folder / "case.mat"), folder / "runs", f"net{k}", display="none", seed=k, maxepoch=4 + k)
    for left in [*(folder / "runs").glob("*.npz"), *(folder / "runs").glob("*paramsp.mat")]:
        left.unlink()
    return folder / "runs"


def test_an_ensemble_of_matlabs_files_is_judged_and_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained(folder)
    lines = says(capsys, "ensemble", "runs", "--case", "case.mat", "--out", "ensemble.npz")
    assert lines[0] == "3 networks, selected on 60 test cases, judged on the others:"
    assert lines[1].startswith("  best single network")
    assert all("misclassified" in line and "cross-entropy" in line for line in lines[1:3])
    assert lines[-1] == "Ensemble: ensemble.npz"
    kept = load_ensemble("ensemble.npz")
    assert kept.weights.sum() == pytest.approx(1)
    wrong = (kept.predict(OTHERS.images[:, 1::2]).argmax(axis=0) != OTHERS.labels[1::2]).mean()
    assert f"misclassified {100 * wrong:.2f} %" in lines[2]
    judged = says(capsys, "ensemble", "runs", "--case", "case.mat", "--judge", "case.mat")
    assert judged[0] == "3 networks, selected on 120 test cases, judged on 120 of case.mat:"
    for sentence, *words in (
        (
            "case: expected test cases, to select and to judge on, got none in notest.mat",
            "runs",
            "--case",
            "notest.mat",
        ),
        ("source: expected a folder, a journal or a file, got 'none', no such file", "none", "--case", "case.mat"),
        ("source: expected files of trained networks with 64 inputs", ".", "--case", "case.mat"),
        ("bags: expected a whole number of at least 1, got 0", "runs", "--case", "case.mat", "--bags", "0"),
    ):
        refuses(capsys, folder, sentence, "ensemble", *words)


def test_methods_are_compared(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compare", "case.mat", "--methods", "hf, nag", "--seconds", "0.05", "--picture", "a.svg"]
    lines = says(capsys, *words, "--set", "nag.num_chunks=4", "nag.learningrate=0.02")
    assert {"hf", "nag"} <= {line.split()[0] for line in lines if line.strip()}
    assert lines[-1] == "Picture: a.svg"
    for sentence, *more in (
        ("picture: expected a file name that ends in", "case.mat", "--picture", "a.gif"),
        ("got 'adagrad'", "case.mat", "--methods", "hf,adagrad"),
        ("--set: expected METHOD.NAME=VALUE, got 'nag'", "case.mat", "--set", "nag"),
        ("seconds: expected a finite number above 0", "case.mat", "--seconds", "0"),
        ("test_inputs: expected held-out cases", "notest.mat"),
        (
            "adam: expected options of hf, nag, got some of adam",
            "case.mat",
            "--methods",
            "hf,nag",
            "--set",
            "adam.learning_rate=1",
        ),
    ):
        refuses(capsys, folder, sentence, "compare", *more)


def test_a_network_is_exported_by_the_ending_of_the_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A checkpoint without a sidecar has the layers of the case."""
    pytest.importorskip("onnx")
    pytest.importorskip("safetensors")
    from hf_matlab_compat.interchange import read_onnx, read_safetensors
    from hf_matlab_compat.plots.trained_network import load_network

    network = trained(folder) / "net0_nnet_running.mat"
    expected = load_network(network, [6], ["logistic", "softmax"], 64).predict(OTHERS.images)
    for name, read in (("a.onnx", read_onnx), ("a.safetensors", read_safetensors)):
        assert says(capsys, "export", str(network), name, "--case", "case.mat") == [f"Network: {name}"]
        np.testing.assert_allclose(read(name).predict(OTHERS.images), expected, atol=1e-6)
    for sentence, *words in (
        ("out: expected a name that ends in .onnx or .safetensors, got a.pt", str(network), "a.pt"),
        ("hidden_sizes: expected the value of the network, got none, and no sidecar", str(network), "b.onnx"),
        ("none.mat", "none.mat", "b.onnx"),
    ):
        refuses(capsys, folder, sentence, "export", *words)


def test_a_study_prints_its_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def table(name: str, data: str, seeds: range, tell: Any) -> str:
        asked.append((name, data, seeds))
        tell("seed 0")
        return "the table"

    assert main(["study", "stopping", "--seeds", "0"]) == 2
    assert "seeds: expected a whole number of at least 1, got 0" in capsys.readouterr().err
    monkeypatch.setattr(toolbox, "table", table)
    assert main(["study", "stopping", "--data", "mnist5k", "--seeds", "2"]) == 0
    assert capsys.readouterr() == ("the table\n", "seed 0\n")
    assert asked == [("stopping", "mnist5k", range(2))]
    with pytest.raises(SystemExit) as stop:
        main(["study", "cooking"])
    assert stop.value.code == 2
