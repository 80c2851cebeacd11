"""`hf-compat`: what each command prints, writes and returns."""

from __future__ import annotations

import dataclasses
import errno
import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from hf_matlab_compat import nnet_train, nnet_train_2
from hf_matlab_compat.backends import numba_backend
from hf_matlab_compat.cli import main
from hf_matlab_compat.errors import Terminated
from hf_matlab_compat.legacy import case_file
from hf_matlab_compat.legacy.case_file import read_case, write_case
from hf_matlab_compat.legacy.quirks import QUIRKS
from hf_matlab_compat.matlab.vocabulary import CONSTANTS, TO_MATLAB, TRAINER_ARGUMENTS
from hf_matlab_compat.options import Options, described
from hf_matlab_compat.state import Outcome

ROOT = Path(__file__).parent.parent
CASE = Path(__file__).parent / "goldens" / "case_ae_logistic.mat"


def small_case(**changes: Any) -> dict[str, Any]:
    X = np.random.default_rng(0).random((6, 20)).round(2)
    data = {"indata": X, "outdata": X, "numchunks": 2, "intest": X[:, :4], "outtest": X[:, :4], "numchunks_test": 1}
    start = {"paramsp": np.linspace(-1, 1, 45), "Win": None, "bin": None, "resumeFile": None, "maxepoch": 2}
    model = {"layersizes": [3], "layertypes": ["logistic", "logistic"], "mattype": "gn", "rms": 0, "errtype": "L2"}
    rest = {"hybridmode": 1, "weightcost": 2e-5, "decay": 0.95, "jacket": 0}
    return {"runName": "small", "runDesc": "a case", **data, **start, **model, **rest, **changes}


@pytest.fixture
def case(tmp_path) -> Path:
    write_case(tmp_path / "case.mat", small_case())
    return tmp_path / "case.mat"


def test_train_computes_what_nnet_train_2_computes(case, tmp_path, capsys) -> None:
    assert main(["train", str(case), "--out", str(tmp_path / "out"), "--display", "none"]) == 0
    theirs = nnet_train_2(**small_case(runName=""))
    ours = loadmat(tmp_path / "out" / "small_paramsp.mat")["paramsp"]
    np.testing.assert_array_equal(ours, theirs)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "small.txt",
        "small_nnet_running.mat",
        "small_nnet_running.sidecar.npz",
        "small_paramsp.mat",
    }
    assert "small_paramsp.mat" in capsys.readouterr().out


def test_options_of_train_replace_what_the_file_says(case, tmp_path, capsys) -> None:
    options = ["--maxepoch", "3", "--precision", "double", "--run-name", "other", "--out", str(tmp_path)]
    assert main(["train", str(case), *options]) == 0
    shown = capsys.readouterr().out
    assert shown.count("CG steps used") == 3
    assert "Description: a case" in shown
    assert loadmat(tmp_path / "other_nnet_running.mat")["epoch"].item() == 3
    assert (tmp_path / "other_nnet_running.sidecar.npz").exists()


def save_case_as_v73(path: Path, arguments: dict[str, Any]) -> None:
    """Numbers, texts and cells of texts as MATLAB's -v7.3 lays them out."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w", userblock_size=512) as file:
        places = file.create_group("#refs#")

        def put(group: Any, name: str, value: Any) -> Any:
            if isinstance(value, list) and value and isinstance(value[0], str):
                references = [[put(places, f"{name}{i}", word).ref] for i, word in enumerate(value)]
                node, kind = group.create_dataset(name, data=np.array(references, dtype=h5py.ref_dtype)), "cell"
            elif isinstance(value, str) and value:
                node = group.create_dataset(name, data=np.array([[ord(c)] for c in value], dtype=np.uint16))
                kind = "char"
            elif value is not None and np.size(value) and not isinstance(value, str):
                node, kind = group.create_dataset(name, data=np.atleast_2d(np.asarray(value, dtype=float)).T), "double"
            else:
                node, kind = group.create_dataset(name, data=np.zeros(2, dtype=np.uint64)), "double"
                node.attrs["MATLAB_empty"] = np.uint8(1)
            node.attrs["MATLAB_class"] = np.bytes_(kind)
            return node

        for name, value in arguments.items():
            put(file, name, value)


def test_train_reads_a_case_of_v73_like_one_of_v7(tmp_path: Path) -> None:
    arguments = small_case(runName="run", maxepoch=2)
    save_case_as_v73(tmp_path / "new.mat", arguments)
    write_case(tmp_path / "old.mat", arguments)
    trained = []
    for name in ("new", "old"):
        options = ["--precision", "double", "--display", "none", "--out", str(tmp_path / name)]
        assert main(["train", str(tmp_path / f"{name}.mat"), *options]) == 0
        trained.append(loadmat(tmp_path / name / "run_paramsp.mat")["paramsp"])
    np.testing.assert_array_equal(*trained)


@pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="Numba is not installed")
def test_train_computes_on_the_backend_that_is_asked_for(case, tmp_path, monkeypatch) -> None:
    compiled_step, steps = numba_backend.cg_step(), []

    def counted(*arguments: Any) -> Any:
        steps.append(1)
        return compiled_step(*arguments)

    def trained(*options: str) -> Any:
        assert main(["train", str(case), "--precision", "double", "--display", "none", *options]) == 0
        return loadmat(Path(options[-1]) / "small_paramsp.mat")["paramsp"]

    monkeypatch.setattr(numba_backend, "cg_step", lambda: counted)
    plain = trained("--out", str(tmp_path / "plain"))
    assert not steps
    compiled = trained("--backend", "numba", "--out", str(tmp_path / "compiled"))
    assert steps
    np.testing.assert_allclose(compiled, plain, rtol=1e-6)


def test_train_reads_a_case_of_the_recordings(tmp_path, capsys) -> None:
    assert main(["train", str(CASE), "--maxepoch", "1", "--out", str(tmp_path)]) == 0
    assert "layersizes: 64  30   8  30  64" in capsys.readouterr().out
    assert (tmp_path / "ae_logistic.txt").exists()


def test_a_case_without_a_run_name_is_called_like_its_file(tmp_path, capsys) -> None:
    write_case(tmp_path / "mine.mat", small_case(runName=None))
    assert main(["train", str(tmp_path / "mine.mat"), "--out", str(tmp_path), "--display", "none"]) == 0
    assert (tmp_path / "mine.txt").exists()


def test_every_argument_comes_back_from_a_case_file(tmp_path) -> None:
    weights = [np.ones((3, 6)), np.ones((6, 3))]
    write_case(tmp_path / "c.mat", small_case(Win=weights, bin=[np.zeros(3), np.zeros(6)], paramsp=None))
    found = read_case(tmp_path / "c.mat")
    assert set(found.arguments) == set(TRAINER_ARGUMENTS)
    assert found.ignored == []
    assert found.arguments["Win"][0, 1].shape == (6, 3)


def test_variables_that_are_no_arguments_are_named_and_ignored(tmp_path, capsys) -> None:
    write_case(tmp_path / "c.mat", small_case(weigthcost=3.0))
    assert main(["train", str(tmp_path / "c.mat"), "--out", str(tmp_path), "--display", "none"]) == 0
    assert "ignored, since nnet_train_2 has no such arguments: weigthcost" in capsys.readouterr().err


def refused(arguments: list[str], capsys) -> str:
    """What a refused command says, in one sentence on stderr, with exit code 2."""
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert said.err.count("\n") == 1
    return said.err


def test_a_missing_case_file_is_told(tmp_path, capsys) -> None:
    assert "No such file" in refused(["train", str(tmp_path / "none.mat")], capsys)


def test_a_case_without_data_is_told(tmp_path, capsys) -> None:
    savemat(tmp_path / "c.mat", {"indata": np.ones((2, 2)), "layersizes": 3.0})
    assert "without outdata, layertypes" in refused(["train", str(tmp_path / "c.mat")], capsys)


def test_a_file_of_another_format_is_told_and_what_to_do(tmp_path, capsys) -> None:
    (tmp_path / "c.mat").write_bytes(b"Octave-1-L" + bytes(200))
    assert "save -v7" in refused(["train", str(tmp_path / "c.mat")], capsys)


def test_a_damaged_file_is_told(case, capsys) -> None:
    case.write_bytes(case.read_bytes()[:200])
    assert "cannot be read" in refused(["train", str(case)], capsys)


def test_wrong_arguments_are_told_in_matlab_s_words(tmp_path, capsys) -> None:
    write_case(tmp_path / "c.mat", small_case(numchunks=3))
    assert refused(["train", str(tmp_path / "c.mat"), "--out", str(tmp_path)], capsys).startswith("numchunks: ")
    assert [path.name for path in tmp_path.iterdir()] == ["c.mat"]


def test_an_unknown_word_of_matlab_s_is_told_in_matlab_s_words(tmp_path, capsys) -> None:
    write_case(tmp_path / "c.mat", small_case(mattype="gauss"))
    assert refused(["train", str(tmp_path / "c.mat"), "--out", str(tmp_path)], capsys).startswith("mattype: ")


def test_a_refused_case_leaves_no_folder(tmp_path, capsys) -> None:
    write_case(tmp_path / "c.mat", small_case(numchunks=3))
    sentence = refused(["train", str(tmp_path / "c.mat"), "--out", str(tmp_path / "a" / "b")], capsys)
    assert sentence == (
        "numchunks: expected a divisor of the 20 cases in indata, got 3. The nearest are 2 and 4; or --set "
        "trim_cases=True drops the last 2 cases.\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["c.mat"]


def test_a_folder_that_was_there_stays(tmp_path, capsys) -> None:
    write_case(tmp_path / "c.mat", small_case(rms=2))
    (tmp_path / "a").mkdir()
    refused(["train", str(tmp_path / "c.mat"), "--out", str(tmp_path / "a" / "b")], capsys)
    assert list((tmp_path / "a").iterdir()) == []


def test_constants_are_set_as_an_error_advises(tmp_path) -> None:
    write_case(tmp_path / "c.mat", small_case(numchunks=3))
    out = ["--out", str(tmp_path), "--display", "none"]
    constants = ["trim_cases=True", "maxiters=5", "backtrack_set=none", "boost=None"]
    assert main(["train", str(tmp_path / "c.mat"), "--set", *constants, *out]) == 0
    keywords = {"trim_cases": True, "maxiters": 5, "backtrack_set": "none", "display": "none"}
    theirs = nnet_train(**small_case(numchunks=3, runName=""), **keywords)
    np.testing.assert_array_equal(loadmat(tmp_path / "small_paramsp.mat")["paramsp"], theirs)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("maxiter=5", "--set: expected NAME=VALUE with the name of a constant that hf-compat names lists, got "),
        ("maxiter=5", "Did you mean maxiters=5?"),
        ("maxiters", "Did you mean maxiters=...?"),
        ("maxiters=many", "--set maxiters: expected a whole number of at least 1, got 'many'"),
        ("decay=0.5", "got 'decay=0.5'"),
    ],
)
def test_a_constant_that_is_none_is_told(text, said, case, capsys) -> None:
    assert said in refused(["train", str(case), "--set", text], capsys)


@pytest.mark.parametrize(
    ("options", "seed"),
    [
        (["--seed", "3"], 3),
        (["--streams", "octave", "--seed", "5", "6"], ("octave", 5, 6)),
        (["--seed", "5", "--streams", "octave"], ("octave", 5)),
        (["--seed", "5", "6", "--streams", "matlab"], ("matlab", 5, 6)),
    ],
)
def test_a_seed_draws_the_same_start_as_in_a_call(options, seed, tmp_path) -> None:
    write_case(tmp_path / "c.mat", small_case(paramsp=None))
    assert main(["train", str(tmp_path / "c.mat"), *options, "--out", str(tmp_path), "--display", "none"]) == 0
    theirs = nnet_train_2(**small_case(paramsp=None, runName=""), seed=seed)
    np.testing.assert_array_equal(loadmat(tmp_path / "small_paramsp.mat")["paramsp"], theirs)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--seed", "3", "4"], "--seed: expected at most 1 with --streams numpy, got 3 4."),
        (["--streams", "octave"], "--seed: expected a seed for octave's streams, got none."),
        (["--seed", "-1"], "--seed: expected a whole number of at least 0, got -1."),
    ],
)
def test_a_seed_that_does_not_fit_is_told(options, said, tmp_path, capsys) -> None:
    write_case(tmp_path / "c.mat", small_case(paramsp=None))
    assert said in refused(["train", str(tmp_path / "c.mat"), *options, "--out", str(tmp_path)], capsys)


def test_the_help_of_train_names_the_file_it_writes(capsys) -> None:
    with suppress(SystemExit):
        main(["train", "--help"])
    assert "RUN_NAME_paramsp.mat" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
@pytest.mark.parametrize("command", ["names", "train"])
def test_output_that_nobody_reads_any_more_ends_a_command_without_a_word(command, case, tmp_path) -> None:
    arguments = [str(case), "--out", str(tmp_path), "--display", "none"] if command == "train" else []
    process = subprocess.Popen(
        [sys.executable, "-m", "hf_matlab_compat", command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    assert process.wait(timeout=60) == 141
    assert process.stderr.read() == b""
    process.stderr.close()


def test_a_folder_that_cannot_be_made_is_told(case, capsys) -> None:
    assert "out: expected a folder" in refused(["train", str(case), "--out", str(case)], capsys)


def test_an_interrupted_training_returns_130(case, tmp_path, monkeypatch, capsys) -> None:
    real = case_file.train

    def interrupted(**keywords: Any) -> Any:
        object.__setattr__(result := real(**keywords), "outcome", Outcome.INTERRUPTED)
        return result

    monkeypatch.setattr(case_file, "train", interrupted)
    assert main(["train", str(case), "--out", str(tmp_path), "--display", "none"]) == 130
    assert (tmp_path / "small_paramsp.mat").exists()


def test_names_lists_every_name_with_its_default(capsys) -> None:
    assert main(["names"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    rows = {words[0]: words[1] for line in shown.splitlines() if len(words := line.split()) > 1 and line[1] != " "}
    for theirs, ours in {**TRAINER_ARGUMENTS, **CONSTANTS}.items():
        assert rows[theirs] == ours
    told = " ".join(shown.split())
    assert "'gauss_newton' (in MATLAB" in told
    assert "Default: 45." in told
    assert "Default: 'armijo'." in told
    assert {field.name for field in dataclasses.fields(Options)} <= set(told.split())
    assert all(len(line.split()) > 2 for line in shown.splitlines() if line[1:2].isalpha())  # no empty description


def test_options_lists_what_help_says_of_every_option(capsys) -> None:
    assert main(["options"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    told, helped = " ".join(shown.split()), " ".join((Options.__doc__ or "").split())
    for field in dataclasses.fields(Options):
        text = described(field)
        assert f"{field.name} = " in told
        assert text in told
        assert text in helped
        assert field.metadata["text"].endswith(".")
        assert TO_MATLAB.get(field.name, "") == field.metadata["matlab"]


def test_quirks_lists_every_quirk(capsys) -> None:
    assert main(["quirks"]) == 0
    shown = capsys.readouterr().out
    assert [int(line.split()[0]) for line in shown.splitlines() if line.split() and line.split()[0].isdigit()] == [
        quirk.number for quirk in QUIRKS
    ]
    assert "is recorded twice" in " ".join(shown.split())


def test_demo_delegates_its_options(monkeypatch, tmp_path) -> None:
    seen: list[Any] = []
    monkeypatch.setattr("hf_matlab_compat.demo.demonstration.run_demo", lambda *given: seen.append(given) or 1)
    assert main(["demo", "--out", str(tmp_path), "--epochs", "3", "--recorded"]) == 1
    assert seen == [(tmp_path, 3, True)]


def test_demo_records_where_it_is_asked_to(monkeypatch) -> None:
    monkeypatch.setattr("hf_matlab_compat.demo.demonstration.record_reference", lambda: 0)
    assert main(["demo", "--record"]) == 0


def test_ctrl_c_outside_a_training_returns_130(monkeypatch, capsys) -> None:
    def stopped(*given: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("hf_matlab_compat.demo.demonstration.run_demo", stopped)
    assert main(["demo"]) == 130
    assert capsys.readouterr().err == "Stopped by Ctrl-C.\n"


def test_an_unknown_option_is_an_error(capsys) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["train", "case.mat", "--maxepochs", "3"])
    assert stop.value.code not in (0, None)


def test_the_module_runs_as_the_command_does_and_knows_its_version() -> None:
    command = [sys.executable, "-m", "hf_matlab_compat", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == importlib.metadata.version("hf_matlab_compat")


def test_without_a_command_the_help_lists_them_all(capsys) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in ("demo", "train", "names", "quirks"))


@pytest.mark.parametrize("line", ["--help", "-h", "plot", "plot --help", "train -h", "plot curves --help"])
def test_every_help_page_is_shown(line: str, capsys) -> None:
    assert main(line.split()) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"Usage: hf-compat {line.partition('-')[0]}".rstrip())
    assert said.err == ""


@pytest.mark.parametrize(
    "options", [["--maxepoch", "1.9"], ["--seed", "1.9"], ["--seed", "3", "1e3"], ["--maxepoch", "two"]]
)
def test_a_number_that_is_no_whole_one_is_refused(options: list[str], case, tmp_path, capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["train", str(case), "--out", str(tmp_path / "out"), *options])
    assert caught.value.code != 0
    shown = "".join(capsys.readouterr())
    assert "expected a whole number" in shown.replace("\n", " ")
    assert options[-1] in shown
    assert not (tmp_path / "out").exists()


def test_the_epochs_of_the_demo_are_whole(tmp_path, capsys) -> None:
    with pytest.raises(SystemExit):
        main(["demo", "--out", str(tmp_path / "out"), "--epochs", "2.5"])
    assert "expected a whole number" in "".join(capsys.readouterr())


@pytest.mark.parametrize("name", ["../escaped", "/escaped", "a/../../escaped", "link/escaped"])
def test_a_case_file_writes_nowhere_else_than_in_the_folder(name: str, tmp_path, capsys) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path)
    given = f"{tmp_path}{name}" if name.startswith("/") else name
    write_case(tmp_path / "c.mat", small_case(runName=given))
    sentence = refused(["train", str(tmp_path / "c.mat"), "--out", str(tmp_path / "out")], capsys)
    assert (
        sentence
        == f"runName: expected a name inside '{tmp_path}/out', got '{given}'. Choose another name with --run-name.\n"
    )
    assert not list(tmp_path.glob("escaped*"))
    own = ["--out", str(tmp_path / "out"), "--run-name", str(tmp_path / "mine"), "--display", "none"]
    assert main(["train", str(tmp_path / "c.mat"), *own]) == 0  # the user's own word goes anywhere
    assert (tmp_path / "mine_paramsp.mat").exists()


def test_parameters_that_cannot_be_written_are_told_and_leave_the_old_ones(case, tmp_path, capsys, monkeypatch) -> None:
    out = ["train", str(case), "--out", str(tmp_path), "--display", "none"]
    assert main(out) == 0
    before = (tmp_path / "small_paramsp.mat").read_bytes()

    def full(stream: Any, variables: Any) -> None:
        stream.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    capsys.readouterr()
    monkeypatch.setattr(case_file, "write_mat", full)
    assert "small_paramsp.mat' (No space left on device)" in refused(out, capsys)
    assert (tmp_path / "small_paramsp.mat").read_bytes() == before


def in_a_process(arguments: list[str], **given: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hf_matlab_compat", *arguments]
    return subprocess.run(command, text=True, timeout=60, check=False, **given)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("command", [["names"], ["quirks"], ["train", "{case}", "--out", "{out}", "--display", "none"]])
def test_output_to_a_full_disk_is_told_in_a_sentence(command: list[str], case, tmp_path) -> None:
    arguments = [word.format(case=case, out=tmp_path) for word in command]
    with open("/dev/full", "w") as full:
        done = in_a_process(arguments, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr == "output: expected a place that can be written, got 'No space left on device'.\n"


@pytest.mark.parametrize("command", ["names", "quirks"])
def test_output_that_is_closed_is_no_traceback(command: str) -> None:
    done = in_a_process([command], preexec_fn=lambda: os.close(1), stderr=subprocess.PIPE)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("display", ["legacy", "rich"])
def test_characters_that_the_output_lacks_are_no_traceback(display: str, tmp_path) -> None:
    write_case(tmp_path / "ñ.mat", small_case(runName="λ"))
    arguments = ["train", str(tmp_path / "ñ.mat"), "--out", str(tmp_path), "--display", display]
    done = in_a_process(arguments, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "_paramsp.mat" in done.stdout.splitlines()[-1]
    assert (tmp_path / "λ_paramsp.mat").exists()


def test_names_that_the_file_system_lacks_are_told(tmp_path) -> None:
    write_case(tmp_path / "c.mat", small_case(runName="λ"))
    environment = {**os.environ, "PYTHONUTF8": "0", "LC_ALL": "C"}
    done = in_a_process(
        ["train", "c.mat"], cwd=tmp_path, env=environment | {"PYTHONPATH": str(ROOT)}, capture_output=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        "runName: expected characters that file names can have on this system (ascii), got '\\u03bb'."
    )
    assert in_a_process(["quirks"], env=environment, capture_output=True).returncode == 0


def test_sigterm_to_a_command_keeps_the_parameters_and_is_told(case, tmp_path, capsys, monkeypatch) -> None:
    real, calls = case_file.train, []

    def stopped(**given: Any) -> Any:
        calls.append(given)
        raise Terminated(143, real(**{**given, "max_epochs": 1, "run_name": ""}))

    monkeypatch.setattr(case_file, "train", stopped)
    assert main(["train", str(case), "--out", str(tmp_path), "--display", "none"]) == 143
    assert capsys.readouterr().err == "Stopped by SIGTERM.\n"
    one = nnet_train(**small_case(runName="", maxepoch=1), display="none")
    np.testing.assert_array_equal(loadmat(tmp_path / "small_paramsp.mat")["paramsp"], one)
