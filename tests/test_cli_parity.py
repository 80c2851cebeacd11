"""`hf-compat parity`, `parity pack` and `parity check`: what they print, write and return."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from hf_matlab_compat.cli import main
from hf_matlab_compat.legacy.case_file import write_case
from hf_matlab_compat.matlab.octave import process
from hf_matlab_compat.matlab.octave.process import run_code
from hf_matlab_compat.parity import judge as judging
from hf_matlab_compat.parity.cases import builtin_case
from hf_matlab_compat.parity.engines import OctaveEngine, is_ours
from hf_matlab_compat.parity.engines.reference import OURS
from tests.parity.engines.trainers import EPOCH_BEGINS, ONE_FILE, SMALL, STEP, contents, edited, in_epoch
from tests.parity.judge.test_gpu_column import no_device

RECORDED = ("--engine", "recorded", "--case", SMALL, "--epochs", "1")
LIVE = ("--case", SMALL, "--epochs", "2", "--no-envelope")
GPU_FORK = (STEP, "    paramsp = gather(gpuArray(paramsp + rate*p));\n")


@pytest.fixture(autouse=True)
def place(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and a cache of this file's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def four_members(monkeypatch: pytest.MonkeyPatch) -> None:
    """An envelope that is measured with 4 runs instead of 16, where its size is not what is tested."""
    monkeypatch.setitem(OctaveEngine.__init__.__kwdefaults__, "members", 4)


def parity(*arguments: Any) -> int:
    return main(["parity", *map(str, arguments)])


def refused(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    """The one sentence of a run that could not be made."""
    assert parity(*arguments) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert "Traceback" not in last
    assert list(Path.cwd().glob("first_divergence*")) == []
    return last


def test_recorded_numbers_need_no_octave(monkeypatch, capsys, place) -> None:
    monkeypatch.setattr(process, "EXECUTABLE", "no-octave-here")
    assert parity(*RECORDED) == 0
    said = capsys.readouterr()
    assert "Verdict: agrees" in said.out
    assert f"recorded: {SMALL}, double, lockstep" in said.err
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("cases", [("--case", SMALL, "class_softmax"), ("--case", SMALL, "--case", "class_softmax")])
def test_several_cases_stand_after_one_option_or_after_one_each(cases, capsys) -> None:
    assert parity("--engine", "recorded", *cases, "--precision", "double", "--epochs", "1") == 0
    said = capsys.readouterr()
    assert f"1 of 2: recorded: {SMALL}, double" in said.err
    assert "2 of 2: recorded: class_softmax, double" in said.err


def test_help_names_no_option_for_an_empty_list(capsys) -> None:
    for command in ((), ("pack",)):
        assert parity(*command, "--help") == 0
        assert "--empty" not in capsys.readouterr().out


def test_without_octave_recorded_numbers_stand_in(monkeypatch, capsys) -> None:
    monkeypatch.setattr("hf_matlab_compat.parity.run_parity.octave_available", lambda: "no octave-cli")
    assert parity("--case", SMALL, "--epochs", "1") == 0
    assert "the published program, recorded in Octave" in " ".join(capsys.readouterr().out.split())


def test_octave_that_is_asked_for_and_missing_is_named(monkeypatch, capsys) -> None:
    monkeypatch.setattr(process, "EXECUTABLE", "no-octave-here")
    assert "no-octave-here is not on the PATH" in refused(capsys, "--engine", "octave", "--case", SMALL)
    assert "no-octave-here is not on the PATH" in refused(capsys, "--reference", ONE_FILE)


def test_the_certificate_is_written_as_json_and_as_a_page(capsys, place) -> None:
    assert parity(*RECORDED, "--json", "c.json", "--html", "c.html", "--lines") == 0
    certificate = json.loads((place / "c.json").read_text())
    assert (certificate["version"], certificate["verdict"]) == (1, "agrees")
    assert "<title>Parity certificate: Agrees</title>" in (place / "c.html").read_text()
    said = capsys.readouterr().out
    assert "written: c.json" in said
    assert "written: c.html" in said


@pytest.mark.parametrize("option", ["--json", "--html", "--divergence"])
def test_a_folder_that_is_missing_is_told_before_anything_is_run(option, capsys) -> None:
    said = refused(capsys, *RECORDED, option, "none/c.json")
    assert said == f"{option[2:]}: expected a file in a folder that exists, got none/c.json. Make it first."


def test_a_file_that_cannot_be_written_is_one_sentence(capsys, place) -> None:
    (place / "folder").mkdir()
    said = refused(capsys, *RECORDED, "--json", "folder")
    assert said == "json: expected a file that can be written, got folder: Is a directory."


def test_without_a_device_the_column_of_the_gpu_is_not_run(monkeypatch, capsys) -> None:
    monkeypatch.setattr(judging, "get_backend", no_device)
    assert parity(*RECORDED, "--backend", "cupy") == 2
    said = " ".join(capsys.readouterr().out.split())
    assert "no CUDA device" in said
    assert "Verdict: not run" in said
    assert "agrees" not in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--case", "nope"], "case: expected a built-in one, got 'nope'"),
        (["--case", "nope.mat"], "nope.mat: expected a .mat file with the 22 arguments, got no such file."),
        (["--reference", "nowhere"], "nowhere: expected nnet_train_2.m and conjgrad_1.m, got no nnet_train_2.m"),
        (["--engine", "recorded", "--epochs", "0"], "epochs: expected at least 1, got 0."),
        (["--engine", "recorded", "--reference", "x"], "engine: expected 'octave'"),
        (["check", "nowhere"], "nowhere: expected a tape, got no readable tape.json"),
        (["pack", "full"], "full: expected a new or empty folder"),
        (["--timeout", "nan"], "timeout: expected a number of seconds above 0, got nan."),
        (["--timeout", "0"], "timeout: expected a number of seconds above 0, got 0.0."),
        (["--timeout", "-1"], "timeout: expected a number of seconds above 0, got -1.0."),
        (["--json", "x", "--html", "./x"], "html: expected another file than that of json, got x."),
        (["--json", "full"], "json: expected a file that can be written, got full: Is a directory."),
        (["--divergence", "full"], "divergence: expected a file that can be written, got full: Is a directory."),
    ],
)
def test_what_cannot_be_run_is_one_sentence(arguments, sentence, capsys, place) -> None:
    (place / "full").mkdir()
    (place / "full" / "thesis.tex").touch()
    assert sentence in refused(capsys, *arguments)


def test_an_option_that_is_none_is_no_difference(capsys) -> None:
    for wrong in (["--mode", "fast"], ["--frobnicate"], ["--epochs", "many"], ["--epochs", "2.5"], ["pack"]):
        with pytest.raises(SystemExit) as left:
            parity(*wrong)
        assert left.value.code == 2


@pytest.mark.parametrize("lacking", ["indata", "weightcost"])
def test_a_case_file_that_lacks_an_argument_names_it(lacking, capsys, place) -> None:
    arguments = {k: v for k, v in builtin_case(SMALL).arguments.items() if v is not None and k != lacking}
    savemat(place / "case.mat", arguments)
    assert f"got none called {lacking}. Save it too." in refused(capsys, "--case", "case.mat")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_a_full_disk_is_one_sentence() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hf_matlab_compat", "parity", *RECORDED],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert (
        done.stderr.splitlines()[-1]
        == "standard output: expected a place that can be written, got 'No space left on device'."
    )


@pytest.mark.octave
def test_our_reference_agrees_in_octave(capsys) -> None:
    assert parity(*LIVE, "--mode", "kernels", "--mode", "lockstep", "--mode", "free", "--precision", "double") == 0
    assert "reference_matlab" in capsys.readouterr().out


@pytest.mark.octave
def test_constants_of_an_edited_file_are_read_off_and_applied(capsys, tmp_path) -> None:
    folder = edited(tmp_path / "theirs", ("maxiters = 250;", "maxiters = 9;"), ("drop = 2/3;", "drop = 0.5;"))
    before = contents(folder)
    assert parity(*LIVE, "--reference", folder, "--json", "c.json") == 0
    assert contents(folder) == before
    constants = json.loads(Path("c.json").read_text())["constants"]
    assert constants["maxiters"].startswith("9 (published 250) (nnet_train_2.m:")
    assert constants["drop"].startswith("0.5 (published 0.666667) (nnet_train_2.m:")


@pytest.mark.octave
def test_a_change_that_no_constant_tells_differs_and_can_be_seen_again(capsys, tmp_path, place) -> None:
    folder = edited(tmp_path / "theirs", (STEP, "    paramsp = paramsp + 0.999*rate*p;\n"))
    assert parity(*LIVE, "--reference", folder, "--divergence", "seen.npz") == 1
    said = capsys.readouterr().out
    assert said.count("First divergence") == 1
    assert "epoch 1, stage params" in said
    line = next(at for at, row in enumerate((folder / "nnet_train_2.m").read_text().splitlines(), 1) if "0.999" in row)
    headline = " ".join(said.partition("First divergence")[0].split())
    assert headline.startswith("Verdict: differs: rounding was not measured (--no-envelope): ")
    assert "; the result of the epoch (theta; most in " in headline
    assert f"(computed in nnet_train_2.m:{line})" in headline
    computed = f"The reference computes it in nnet_train_2.m:{line}: paramsp = paramsp + 0.999*rate*p"
    assert computed in " ".join(said.split())
    assert "written: seen.npz" in said
    assert [path.name for path in place.iterdir()] == ["seen.npz"]
    code = "from hf_matlab_compat.parity.divergence import reproduce; print(reproduce('seen.npz'))"
    assert code.split("; ")[1] in said


@pytest.mark.octave
def test_a_fork_for_the_gpu_runs_on_the_cpu(tmp_path) -> None:
    assert parity(*LIVE, "--reference", edited(tmp_path / "theirs", GPU_FORK)) == 0


@pytest.mark.octave
def test_a_fork_with_other_arguments_is_named_and_not_called(capsys, tmp_path) -> None:
    folder = edited(tmp_path / "theirs", ("decay, jacket)", "decay, jacket, dropout)"))
    assert "a fork with 23 arguments (with dropout)" in refused(capsys, *LIVE, "--reference", folder)


@pytest.mark.octave
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (in_epoch(1, "error('out of luck')"), "epoch 1: out of luck"),
        ((EPOCH_BEGINS, f"{EPOCH_BEGINS}    while true, pause(0.1), end\n"), "was stopped after 1.5 seconds"),
        ((STEP, STEP + "    paramsp(1) = 0/0;\n"), "not finite (NaN or Inf)"),
        (("'_nnet_running.mat'", "'_other.mat'"), "did not write <runName>_nnet_running.mat"),
    ],
)
def test_a_reference_that_breaks_hangs_or_writes_nothing_is_no_agreement(change, sentence, capsys, tmp_path) -> None:
    folder = edited(tmp_path / "theirs", change)
    before = contents(folder)
    seconds = "1.5" if "stopped" in sentence else "60"  # a busy machine starts Octave slowly
    assert sentence in refused(capsys, *LIVE, "--timeout", seconds, "--reference", folder)
    assert contents(folder) == before


@pytest.mark.octave
def test_a_case_of_ones_own_is_run(capsys, place) -> None:
    write_case(place / "mine.mat", dict(builtin_case(SMALL).arguments))
    assert parity("--case", "mine.mat", "--epochs", "1", "--no-envelope", "--precision", "double") == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[rows.index("mine") + 1].startswith("  double lockstep ")


@pytest.mark.octave
def test_a_long_run_sees_later_epochs_and_bounds_on_lambda(capsys, tmp_path) -> None:
    bounded = "        lambda = min(max(lambda, 1e-6), 1e9);\n        say(['New lambda: '"
    changes = [
        ("    maxiters = 250;\n", "    maxiters = 250 + 50*(epoch > 8);\n"),
        ("        say(['New lambda: '", bounded),
    ]
    run = ("--case", SMALL, "--no-envelope", "--precision", "double")
    run = (*run, "--reference", edited(tmp_path / "theirs", *changes))
    assert parity(*run) == 0
    assert "about" not in capsys.readouterr().err.splitlines()[0]
    assert parity(*run, "--long", "--json", "c.json") == 1
    lines = json.loads(Path("c.json").read_text())["lines"]
    found = [line for line in lines if line["verdict"] == "differs" and line["stage"] in ("cg_steps", "lambda")]
    said = " | ".join(f"{line['case']}: {line['detail']}" for line in found)
    assert [words for words in ("maxiters that CG is given", "lambda 1e-12", "lambda 1e+12") if words not in said] == []
    assert "1 of 3: octave: " in capsys.readouterr().err


@pytest.mark.octave
@pytest.mark.usefixtures("four_members")
def test_a_revision_without_a_jacket_is_judged_in_single_precision(capsys, tmp_path) -> None:
    changes = (("decay, jacket)", "decay)"), ("if jacket\n", "if false\n"))
    folder = edited(tmp_path / "theirs", *changes)
    assert parity("--case", SMALL, "--epochs", "2", "--reference", folder) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("Verdict: agrees in single precision alone, double cannot be had of this reference")
    assert "double precision cannot be had" in refused(capsys, *LIVE, "--precision", "double", "--reference", folder)


@pytest.mark.octave
def test_helpers_in_a_folder_that_a_script_adds_to_the_path_are_found(capsys, tmp_path) -> None:
    folder = edited(tmp_path / "theirs", (STEP, "    paramsp = moved(paramsp, rate*p);\n"))
    (folder / "lib").mkdir()
    (folder / "lib" / "moved.m").write_text("function y = moved(x, step)\ny = x + step;\nend\n")
    assert "'moved' undefined" in refused(capsys, *LIVE, "--reference", folder)
    (folder / "main.m").write_text("addpath(genpath('lib'));\n")
    before = contents(folder)
    assert parity(*LIVE, "--reference", folder, "--json", "c.json") == 0
    assert contents(folder) == before
    assert "sha256 lib/moved.m" in json.loads(Path("c.json").read_text())["provenance"]


@pytest.mark.octave
def test_an_error_names_the_line_of_the_users_file_and_none_of_the_harness(capsys, tmp_path) -> None:
    wrong = ("ceil(maxiters), ceil(miniters), precon);", "ceil(maxiters), [1 2; 3 4]*ones(3), precon);")
    folder = edited(tmp_path / "theirs", wrong)
    text = (folder / "nnet_train_2.m").read_text()
    number = next(at for at, row in enumerate(text.splitlines(), 1) if "ones(3)" in row)
    assert f"(in nnet_train_2, line {number})" in refused(capsys, *LIVE, "--reference", folder)
    inside = edited(tmp_path / "inside", ("x = x + alpha*p;", "x = x + ones(7, 7)*p;"), file="conjgrad_1.m")
    text = (inside / "conjgrad_1.m").read_text()
    number = next(at for at, row in enumerate(text.splitlines(), 1) if "ones(7, 7)" in row)
    assert f"(in conjgrad_1, line {number})" in refused(capsys, *LIVE, "--reference", inside)
    few = edited(tmp_path / "few", ("ceil(maxiters), ceil(miniters), precon);", "ceil(maxiters), ceil(miniters));"))
    number = next(
        at for at, row in enumerate((few / "nnet_train_2.m").read_text().splitlines(), 1) if "conjgrad_1(" in row
    )
    assert f"(in nnet_train_2, line {number})" in refused(capsys, *LIVE, "--reference", few)


def played(place: Path, trainer: Path = ONE_FILE) -> Path:
    """A tape of one small run, brought back from Octave."""
    assert parity("pack", "tape", "--case", SMALL, "--precision", "double", "--epochs", "2") == 0
    there = place.parent / "other machine"
    shutil.copytree(trainer, there)
    shutil.move(place / "tape", there / "tape")
    run_code("run_me", there / "tape", timeout=60).checked()
    shutil.move(there / "tape", place / "tape")
    return place / "tape"


@pytest.mark.octave
@pytest.mark.usefixtures("four_members")
def test_the_code_of_a_tape_is_run_on_request_alone(capsys, place) -> None:
    tape = played(place)
    trainer = tape / "reference" / "nnet_train_2.m"
    canary = place / "canary"
    head, _, rest = trainer.read_text().partition("\n")
    trainer.write_text(f"{head}\nfclose(fopen('{canary}', 'w'));\n{rest}")
    assert parity("check", "tape") == 0
    assert not canary.exists()
    said = " ".join(capsys.readouterr().out.split())
    assert "not measured (the tape's own .m files were not run here: --run-code runs them in Octave)" in said
    assert parity("check", "tape", "--run-code", "--json", "c.json") == 0
    assert canary.exists()
    assert "ensemble, double" in json.loads(Path("c.json").read_text())["provenance"]


def test_a_tape_has_our_own_files_where_each_is_ours_byte_for_byte(place) -> None:
    for name in ("nnet_train_2.m", "conjgrad_1.m"):
        (place / "tape" / "reference").mkdir(parents=True, exist_ok=True)
        shutil.copy(OURS / name, place / "tape" / "reference" / name)
    assert is_ours(place / "tape")
    added = place / "tape" / "reference" / "private"
    added.mkdir()
    shutil.copy(OURS / "pack.m", added / "pack.m")
    assert not is_ours(place / "tape")
    shutil.rmtree(added)
    with (place / "tape" / "reference" / "conjgrad_1.m").open("a") as file:
        file.write("\n")
    assert not is_ours(place / "tape")


@pytest.mark.parametrize(
    "jobs", [None, [1], [{"name": "../x"}], [{"name": "../x", "case": "c", "constants": {}, "precision": "double"}]]
)
def test_a_tape_with_other_jobs_than_were_packed_is_refused(jobs, capsys, place) -> None:
    assert parity("pack", "tape", "--case", SMALL, "--precision", "double", "--epochs", "1") == 0
    (place / "tape" / "tape.json").write_text(json.dumps({"format": 1, "jobs": jobs}))
    (place / "tape" / "reference").mkdir()
    assert "expected jobs as tape.json is packed, got others" in refused(capsys, "check", "tape")


@pytest.mark.octave
@pytest.mark.parametrize("envelope", ["--no-envelope", "--envelope"])
def test_a_tape_goes_to_another_machine_and_back(envelope, capsys, place) -> None:
    assert parity("pack", "tape", "--case", SMALL, "--precision", "double", "--epochs", "2") == 0
    assert "run: hf-compat parity check tape" in capsys.readouterr().out
    assert "was not run yet" in refused(capsys, "check", "tape")
    shutil.rmtree(place / "tape")
    played(place)
    assert parity("check", "tape", envelope, "--json", "c.json") == 0
    certificate = json.loads((place / "c.json").read_text())
    measured = [line for line in certificate["lines"] if "(reference)" in line["bound_source"]]
    assert bool(measured) == (envelope == "--envelope")
    assert certificate["provenance"]["engine"] == "tape"


def test_a_tape_has_files_of_matlab_s_version_7_the_start_and_the_order_of_cases(place) -> None:
    assert parity("pack", "tape", "--case", SMALL, "--precision", "double", "--epochs", "1") == 0
    request = place / "tape" / "jobs" / f"{SMALL}_double" / "request.mat"
    assert request.read_bytes().startswith(b"MATLAB 5.0 MAT-file")
    arguments = loadmat(request)["request"]["arguments"].item().ravel()
    ours = builtin_case(SMALL).arguments
    np.testing.assert_array_equal(arguments[2].ravel(), ours["paramsp"].ravel())
    np.testing.assert_array_equal(arguments[7], ours["indata"])
