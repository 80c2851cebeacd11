"""Command lines that are no calls, and output whose encoding lacks characters."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hf_matlab_compat.cli import main
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.legacy.case_file import constants_from, write_case
from tests.small_run import legacy_arguments

GOLDEN_LOG = Path(__file__).parent / "goldens" / "log_ae_hess_single.txt"


def said_of(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("train", "CASE: expected a value, got none. hf-compat train --help describes it."),
        ("plot codes a.png", "CHECKPOINT: expected a value, got none. hf-compat plot codes --help describes it."),
        ("log a.txt --csv", "--csv: expected a value, got none. hf-compat log --help describes it."),
        ("train a.mat --bogus", "--bogus: expected an option of hf-compat train, got an unknown one. hf-"),
        ("migrate a.m --in=b", "--in: expected an option of hf-compat migrate, got an unknown one. "),
        ("train a.mat --maxepochs 3", "--maxepochs: expected an option of hf-compat train, got an unknown one. Did you "
         "mean --maxepoch?"),
        ("train a.mat --run_nam=x", "--run_nam: expected an option of hf-compat train, got an unknown one. Did "),
        ("train a.mat --set", "--set: expected a value, got none."),
        ("train a.mat --seed --out b", "--seed: expected a value, got none."),
        ("checkpoint a.mat --layersizes", "--layersizes: expected a value, got none."),
        ("train a.mat b.mat", "hf-compat train: expected no more arguments, got b.mat."),
        ("train a.mat --seed x", "--seed: expected a whole number, got x."),
        ("parity --timeout soon", "--timeout: expected a number, got soon."),
        ("train a.mat --backend cuda", "--backend: expected one of numpy, numba, cupy, got cuda."),
        ("train a.mat --display Legacy", "--display: expected one of legacy, rich, none, got Legacy. Did"),
        ("train a.mat --out a --out b", "--out: expected once, got twice or more."),
        ("trian a.mat", "trian: expected a command of hf-compat, got an unknown one. Did you mean train?"),
        ("plot a.png b.txt", "a.png: expected a command of hf-compat plot, got an unknown one. They are codes"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_call_is_one_sentence(line: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = said_of(capsys, *line.split())
    assert said.startswith(sentence)
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ("learning_rate=0.1", "Hessian-free has none: conjugate gradients and a line search find each step, and"),
        ("batch_size=5", "There is none: numchunks is the number of chunks of the cases."),
        ("maxepoch=3", "maxepoch is an argument in the case file."),
        ("bost=2", "Did you mean boost=2?"),
    ],
)
def test_a_constant_that_there_is_not_is_met_with_what_there_is(given: str, advice: str) -> None:
    with pytest.raises(OptionError, match=re.escape(advice)):
        constants_from([given])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("line", ["log {log} --csv {pipe}.csv", "log {log} --json {pipe}.csv"])
def test_a_pipe_that_nobody_reads_is_no_place_to_write_to(line: str, tmp_path: Path, capsys) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    words = [word.format(log=GOLDEN_LOG, pipe=tmp_path / "pipe") for word in line.split()]
    assert main(words) == 2
    assert ": expected a file that can be written, got " in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_picture_that_cannot_be_written_leaves_what_is_there(tmp_path: Path, capsys) -> None:
    pytest.importorskip("matplotlib")
    os.mkfifo(tmp_path / "pipe.png")
    assert main(["plot", "curves", str(tmp_path / "pipe.png"), str(GOLDEN_LOG)]) == 2
    assert "picture: expected a file that can be written, got " in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["pipe.png"]


def test_out_with_nothing_to_write_is_refused(tmp_path: Path, capsys) -> None:
    assert main(["checkpoint", "a.mat", "--out", str(tmp_path / "b.mat")]) == 2
    said = capsys.readouterr()
    assert said.err == "--out: expected --to, --split or --layersizes with it, got nothing to write.\n"
    assert said.out == ""


def test_a_warning_is_one_line_without_our_code(tmp_path: Path) -> None:
    case, other = legacy_arguments(), tmp_path / "other.mat"
    write_case(tmp_path / "c.mat", case | {"runName": "first"})
    write_case(other, case | {"runName": "then", "weightcost": 0.5, "resumeFile": "first_nnet_running.mat"})
    for name in ("c.mat", "other.mat"):
        command = [sys.executable, "-m", "hf_matlab_compat", "train", name, "--display", "none"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    (warned,) = [line for line in done.stderr.splitlines() if "weightcost" in line]
    assert warned.startswith("warning: first_nnet_running.mat: the run that wrote it had other settings. ")
    assert "return function" not in done.stderr


@pytest.mark.parametrize(
    "line", ["curves run.txt out.png", "curves a.txt b.txt out.svg", "codes net.mat out.PDF data.mat"]
)
def test_the_picture_comes_first(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    command, first, *others = line.split()
    options = ["--hidden", "3", "--units", "tanh", "linear"] if command == "codes" else []
    assert main(["plot", command, first, *others, *options]) == 2
    picture = next(other for other in others if other.startswith("out"))
    rest = " ".join([first, *(other for other in others if other != picture)])
    assert capsys.readouterr().err == (
        f"TARGET: expected the picture first, got {first}. Write them in this order: {picture} {rest}\n"
    )


def test_a_tilde_behind_an_equals_sign_is_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_case(tmp_path / "small.mat", legacy_arguments(maxepoch=0))
    assert main(["train", "~/small.mat", "--out=~/runs", "--display", "none"]) == 0
    assert (tmp_path / "runs" / "small_paramsp.mat").exists()
    assert str(tmp_path) in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_output_that_is_not_utf8_ends_no_command(encoding: str, tmp_path: Path) -> None:
    script = (
        "from hf_matlab_compat.cli import main; main(['quirks']); main(['log', 'λ…“.txt']); "
        "main(['train', 'small.mat', '--run-name', 'прогон-λ', '--display', 'rich'])"
    )
    write_case(tmp_path / "small.mat", legacy_arguments(maxepoch=1))
    environ = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environ, capture_output=True, check=True)
    shown, said = done.stdout.decode(encoding), done.stderr.decode(encoding)
    assert "Traceback" not in said
    assert "(5, 7, 9, 11," in shown
    assert r"'\u03bb" in said
    assert r"\u043f\u0440\u043e\u0433\u043e\u043d-\u03bb_paramsp.mat" in shown
    assert (tmp_path / "прогон-λ_paramsp.mat").exists()
