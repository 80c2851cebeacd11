"""`hf-compat migrate`: what it prints, writes and returns."""

from __future__ import annotations

import importlib
import subprocess
import tempfile
from pathlib import Path

import pytest

from hf_matlab_compat.cli import main
from tests.migrate.sample_data import make_data
from tests.migrate.trainer.trainer_text import SOLVER, TRAINER

checking = importlib.import_module("hf_matlab_compat.migrate.check")
pytest.importorskip("tree_sitter_matlab")

SCRIPTS = Path(__file__).parent / "migrate" / "scripts"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder as it was left: data, two experiments, and the trainer in two edited copies."""
    folder = tmp_path / "old"
    folder.mkdir()
    make_data(folder)
    script = (SCRIPTS / "denoising.m").read_text()
    (folder / "denoising.m").write_text(script)
    (folder / "second.m").write_text(script.replace("nnet_train_2", "nnet_train_mine"))
    (folder / "nnet_train_2.m").write_text(TRAINER.replace("initlambda = 45.0", "initlambda = 10"))
    mine = TRAINER.replace("nnet_train_2", "nnet_train_mine").replace("numconn = 15", "numconn = 5")
    (folder / "nnet_train_mine.m").write_text(mine)
    (folder / "conjgrad_1.m").write_text(SOLVER)
    return folder


@pytest.mark.parametrize("inside", ["", "deeper"])
def test_the_folder_that_one_stands_in_is_written_beside_it(
    inside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "scripts"
    (folder / "deeper").mkdir(parents=True)
    (folder / "main.m").write_text("disp(3);\n")
    monkeypatch.chdir(folder / inside)
    assert main(["migrate", ".." if inside else "."]) == 0
    assert (tmp_path / "scripts_python" / "main.py").is_file()
    assert "main.m: 2 lines, complete" in capsys.readouterr().out


def test_a_script_is_written_beside_itself(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", str(old / "denoising.m")]) == 0
    said = capsys.readouterr().out
    assert "denoising.m: 26 lines, complete" in said
    assert f"written: {old / 'denoising.py'}" in said
    compile((old / "denoising.py").read_text(), "denoising", "exec")


def test_a_script_goes_where_out_says(old: Path, tmp_path: Path) -> None:
    script = str(old / "denoising.m")
    assert main(["migrate", script, "--out", str(tmp_path / "new" / "run.py"), "--style", "modern"]) == 0
    assert "train(" in (tmp_path / "new" / "run.py").read_text()
    assert main(["migrate", script, "--out", str(tmp_path / "new")]) == 0
    assert (tmp_path / "new" / "denoising.py").exists()


def test_what_is_there_is_not_written_over(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (old / "denoising.py").write_text("mine\n")
    assert main(["migrate", str(old / "denoising.m")]) == 2
    assert (old / "denoising.py").read_text() == "mine\n"
    assert "expected no such file, got one. Use --force" in capsys.readouterr().err
    assert main(["migrate", str(old / "denoising.m"), "--force"]) == 0
    assert (old / "denoising.py").read_text() != "mine\n"


def test_edits_of_the_trainers_become_options_of_the_calls(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", str(old)]) == 0
    new = old.with_name("old_python")
    said = capsys.readouterr().out
    assert "nnet_train_2.m: the trainer; its edits as options: initlambda=10.0" in said
    assert "initlambda=10.0" in (new / "denoising.py").read_text()
    assert "numconn=5" in (new / "second.py").read_text()
    assert "initlambda" not in (new / "second.py").read_text()
    assert "Options of `nnet_train` that it implies: `numconn=5`." in (new / "REPORT.md").read_text()
    assert sorted(path.name for path in new.glob("*.py")) == ["denoising.py", "second.py"]


def test_a_folder_is_not_written_over(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = str(tmp_path / "new")
    assert main(["migrate", str(old), "--out", new]) == 0
    (tmp_path / "new" / "second.py").write_text("mine\n")
    assert main(["migrate", str(old), "--out", new]) == 2
    assert (tmp_path / "new" / "second.py").read_text() == "mine\n"
    assert "and 3 more: expected no such file" in capsys.readouterr().err


def test_a_broken_script_gets_a_report(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (old / "broken.m").write_text("x = wavelet(3);\nif x > 2\n y = 4;\n")
    (old / "binary.m").write_bytes(b"\0\1\2")
    assert main(["migrate", str(old), "--check"]) == 1
    said = capsys.readouterr().out
    assert "line 1: x = wavelet(3)  (wavelet is not known here" in said
    assert "binary.m: not translated. " in said
    assert "complete" in said
    report = (old.with_name("old_python") / "REPORT.md").read_text()
    assert "| binary.m | not translated" in report


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.m"], "none.m: expected a MATLAB script, got No such file or directory."),
        (["curves.mat"], "expected the text of a MATLAB script, got a binary file"),
        (["denoising.m", "--original", "x.m"], "--original: expected no such option"),
        (["nnet_train_2.m", "--out", "x.py"], "--out: expected no such option"),
        (["nnet_train_2.m", "--check"], "--check: expected no such option"),
        (["denoising.m", "--check", "--streams", "matlab"], "--check: expected --streams octave"),
        (["empty"], "expected a directory with scripts"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    old: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(old)
    (old / "empty").mkdir()
    assert main(["migrate", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_trainer_is_read_and_not_translated(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", str(old / "nnet_train_mine.m")]) == 0
    assert "options of nnet_train that this copy implies: numconn=5" in capsys.readouterr().out
    edited = TRAINER.replace("rate = 1.0", "rate = 0.5")
    (old / "nnet_train_2.m").write_text(edited)
    assert main(["migrate", str(old / "nnet_train_2.m")]) == 1
    assert "nnet_train_2.m, line" in capsys.readouterr().out
    assert main(["migrate", str(old / "conjgrad_1.m")]) == 1
    assert not (old / "nnet_train_2.py").exists()


def test_the_later_program_of_the_same_name_is_named(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = "a, b, c, d, e, f, g, h, minibatch_startsize"
    (old / "nnet_train_2.m").write_text(f"function p = nnet_train_2({names})\ny_hom2 = 1;\n")
    assert main(["migrate", str(old), "--out", str(old / "new")]) == 1
    assert "Kronecker-factored program (KFAC)" in capsys.readouterr().out
    assert "TODO(migrate)" in (old / "new" / "denoising.py").read_text()


@pytest.mark.octave
def test_a_check_compares_every_script_of_a_folder(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", str(old), "--check"]) == 0
    said = capsys.readouterr().out
    assert "denoising.m: checked in Octave, 24 arguments in 1 call of the trainer agree" in said
    assert "second.m: checked in Octave, 24 arguments in 1 call of the trainer agree" in said


@pytest.mark.octave
def test_a_check_that_fails_says_why(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = (old / "denoising.m").read_text()
    (old / "denoising.m").write_text(script + "\nx = sum(zeros(2, 3) * zeros(2, 3));\n")
    assert main(["migrate", str(old / "denoising.m"), "--check"]) == 1
    assert "denoising.m: not checked. Octave: expected the script to run" in capsys.readouterr().out
    (old / "idle.m").write_text("x = 3;\n")
    assert main(["migrate", str(old / "idle.m"), "--check"]) == 0
    assert "1 variables at the end agree: the trainer was never reached" in capsys.readouterr().out


def test_a_check_is_left_out_where_lines_are_left_to_do(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (old / "broken.m").write_text("x = wavelet(3);\n")
    assert main(["migrate", str(old / "broken.m"), "--check"]) == 1
    assert "not checked: lines are left to do" in capsys.readouterr().out


def test_a_function_is_not_checked_and_says_so(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = (old / "denoising.m").read_text()
    (old / "second.m").write_text(f"function p = second(n, rate)\n{script}\np = 1;\n")
    assert main(["migrate", str(old / "second.m"), "--check"]) == 2
    said = capsys.readouterr().out
    assert "second.m: not checked. There is nothing to run" in said
    assert "second needs n, rate. Check a script that calls it." in said


def test_a_function_that_does_not_train_is_not_checked_either(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (old / "twice.m").write_text("function y = twice(x)\ny = 2 * x;\n")
    assert main(["migrate", str(old / "twice.m")]) == 0
    assert main(["migrate", str(old / "twice.m"), "--check", "--force"]) == 2
    assert "twice.m: not checked. There is nothing to run" in capsys.readouterr().out


@pytest.mark.octave
def test_the_variables_at_the_end_of_any_script_are_checked_also_where_tmpdir_lies_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    lines = "x = 1:5; y = x'*2; c = {'a', [1 2]}; z = [NaN Inf]; tic; t = toc; e = [];\np = randperm(5); m = x(p);\n"
    (tmp_path / "main.m").write_text(lines)
    command = ["migrate", str(tmp_path), "--out", str(tmp_path / "new"), "--check", "--force"]
    assert main(command) == 0
    assert "main.m: checked in Octave, 6 variables at the end agree" in capsys.readouterr().out
    translate_all = checking.migrate_directory

    def spoilt(directory: Path, out: Path, **how: str) -> object:
        made = translate_all(directory, out, **how)
        with (out / "main.py").open("a") as file:
            file.write("y[0] = 3\nc[0] = 'b'\n")
        return made

    monkeypatch.setattr(checking, "migrate_directory", spoilt)
    assert main(command) == 1
    said = capsys.readouterr().out
    assert "y, at the end: expected the same numbers, got a difference of 1." in said
    assert "c, at the end: expected 'a', got 'b'." in said
    assert "main.m: checked in Octave, 6 variables at the end DIFFER" in said


OWN = "\nfunction y = smoothed( x )\ny = x*global_scale;\nend\n"


def test_with_an_unedited_copy_only_what_differs_is_listed(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (old / "unedited.m").write_text(TRAINER + OWN)
    edited = (TRAINER + OWN).replace("initlambda = 45.0", "initlambda = 10").replace("numconn = 15", "numconn = 5")
    (old / "nnet_train_2.m").write_text(edited)
    assert main(["migrate", str(old / "nnet_train_2.m")]) == 1
    assert "smoothed" in capsys.readouterr().out
    assert main(["migrate", str(old / "nnet_train_2.m"), "--original", str(old / "unedited.m")]) == 0
    said = capsys.readouterr().out
    assert "implies: initlambda=10.0, numconn=5" in said
    assert "smoothed" not in said
    (old / "nnet_train_2.m").write_text(edited.replace("x*global_scale", "x*2"))
    assert main(["migrate", str(old / "nnet_train_2.m"), "--original", str(old / "unedited.m")]) == 1
    assert "y = x*2;" in capsys.readouterr().out


def test_what_is_no_trainer_is_no_unedited_copy(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", str(old / "nnet_train_2.m"), "--original", str(old / "denoising.m")]) == 2
    assert "expected a copy of nnet_train_2.m that calls a conjgrad function" in capsys.readouterr().err


def test_matlab_is_printed_as_it_stands(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (old / "third.m").write_text("x = wavelet(5:-1:1);\n")
    assert main(["migrate", str(old / "third.m")]) == 1
    assert "wavelet(5:-1:1)" in capsys.readouterr().out


def test_an_unedited_copy_without_its_solver_says_nothing_of_the_solver(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (old / "nnet_train_2.m").write_text(TRAINER)
    (tmp_path / "unedited.m").write_text(TRAINER)
    assert main(["migrate", str(old / "nnet_train_2.m"), "--original", str(tmp_path / "unedited.m")]) == 0
    said = capsys.readouterr().out
    assert "every statement was compared with the unedited copy" in said
    assert "of the unedited copy is missing" not in said
    assert "not in the unedited copy" not in said


def test_a_folder_s_trainer_is_not_said_to_be_as_published(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (old / "nnet_train_2.m").write_text(TRAINER.replace("paramsp = paramsp +", "paramsp = 0.9*paramsp +"))
    assert main(["migrate", str(old)]) == 1
    said, report = capsys.readouterr().out, (old.with_name("old_python") / "REPORT.md").read_text()
    for text in (said, report):
        assert "published values" not in text
        assert "constants were looked for and found as published: " in text
        assert "ormulas were not compared with the published file" in text
        assert "paramsp = 0.9*paramsp + conv(rate)*p;  (not a form known of the published program)" in text


def test_a_folder_s_trainer_is_compared_with_an_unedited_copy(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "unedited.m").write_text(TRAINER)
    (old / "nnet_train_2.m").write_text(TRAINER.replace("p = ch;", "p = ch; extra(3);"))
    assert main(["migrate", str(old), "--original", str(tmp_path / "unedited.m")]) == 1
    said, report = capsys.readouterr().out, (old.with_name("old_python") / "REPORT.md").read_text()
    for text in (said, report):
        assert "very statement was compared with the unedited copy" in text
        assert "p = ch; extra(3);  (this statement is not in the unedited copy)" in text


def test_an_unedited_copy_and_nothing_to_compare_with_it_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "unedited.m").write_text(TRAINER)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "idle.m").write_text("x = 3;\n")
    assert main(["migrate", str(tmp_path / "old"), "--original", str(tmp_path / "unedited.m")]) == 2
    assert "--original: expected a copy of the trainer in" in capsys.readouterr().err


@pytest.mark.octave
def test_a_script_that_calls_a_function_that_trains_is_checked(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = "\n".join(line for line in (old / "denoising.m").read_text().splitlines() if not line.startswith("clear"))
    (old / "second.m").write_text(f"function p = second(n)\n{script}\np = n;\n")
    (old / "run_second.m").write_text("rand('twister', 3); randn('state', 4);\np = second(2);\n")
    (old / "idle.m").write_text("x = 3;\n")
    main(["migrate", str(old), "--check"])
    said = capsys.readouterr().out
    assert "run_second.m: checked in Octave, 24 arguments in 1 call of the trainer agree" in said
    assert "idle.m: checked in Octave, 1 variables at the end agree" in said
    assert "second.m: not checked. There is nothing to run" in said


RESUMING = """load fresh_nnet_running
from = 'fresh_nnet_running.mat';
nnet_train_2('again', '', [], [], [], from, epoch+1, x, x, 2, x, x, 1, [3], lt, 'gn', 0, 'L2', 1, 0, 1, 0);
"""
FRESH = """randn('state', 1); rand('twister', 2); x = rand(4, 6); lt = {'tanh', 'linear'};
nnet_train_2('fresh', '', [], [], [], [], 2, x, x, 2, x, x, 1, [3], lt, 'gn', 0, 'L2', 1, 0, 1, 0);
"""


@pytest.mark.octave
def test_a_run_that_goes_on_from_a_loaded_epoch_is_checked(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (old / "goes_on.m").write_text(FRESH + RESUMING)
    assert main(["migrate", str(old / "goes_on.m"), "--check"]) == 0
    assert "checked in Octave, 46 arguments in 2 calls of the trainer agree" in capsys.readouterr().out


@pytest.mark.octave
@pytest.mark.parametrize(("seeds", "code"), [("rand('twister', 2);", 1), ("", 0)])
def test_random_numbers_that_were_not_compared_are_said(
    old: Path, seeds: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    unseeded = FRESH.replace("randn('state', 1); rand('twister', 2); x = rand(4, 6)", "x = ones(4, 6)")
    (old / "fresh.m").write_text(unseeded)
    (old / "seeding.m").write_text(f"function y = seeding(x)\n{seeds}\ny = x;\n")
    assert main(["migrate", str(old / "fresh.m"), "--check"]) == code
    said = capsys.readouterr().out
    assert "call 1: its random numbers were not compared, since the translated call has no seed" in said
    assert f"22 arguments in 1 call of the trainer {'DIFFER' if code else 'agree'}" in said


def test_where_scripts_go_elsewhere_the_command_that_brings_their_data_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "old scripts"
    folder.mkdir()
    for name in ("digits.mat", "batch1.mat", "batch2.mat", "table.csv", "unused.mat"):
        (folder / name).write_bytes(b"x")
    (folder / "main.m").write_text(
        "load digits\nfor k = 1:2, d = load(['batch' num2str(k)]); end\nt = csvread('table.csv');\n"
    )
    new = tmp_path / "new"
    main(["migrate", str(folder), "--out", str(new)])
    (line,) = [
        each for each in capsys.readouterr().out.splitlines() if each.startswith("the scripts need their data: ")
    ]
    subprocess.run(line.split(": ", 1)[1], shell=True, check=True)
    assert sorted(path.name for path in new.iterdir() if path.suffix in (".mat", ".csv")) == [
        "batch1.mat",
        "batch2.mat",
        "digits.mat",
        "table.csv",
    ]
    main(["migrate", str(folder), "--out", str(new), "--force"])
    assert "need their data" not in capsys.readouterr().out
