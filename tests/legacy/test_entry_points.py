"""The old calls from end to end: recorded runs again, from the files of their arguments as scipy loads them."""

from __future__ import annotations

import inspect
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat import nnet_train, nnet_train_2
from hf_matlab_compat.errors import CallWarning, OptionError
from hf_matlab_compat.matlab.logs.text_log import NEGATIVE_CURVATURE
from hf_matlab_compat.matlab.random.octave_stream import OctaveStream
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS
from tests.cases import GOLDENS, MAIN, PRECISIONS, arguments, trace
from tests.small_run import PSIZE, THETA, legacy_arguments

BYTE_FOR_BYTE = ("ae_logistic", "ae_hess", "class_softmax")
"""Where a free run in double decides something for all of its epochs."""
VARIABLES = [
    *("ch", "epoch", "errrecord", "lambda", "lambdarecord"),
    *("llrecord", "paramsp", "times", "totalpasses"),
]


def recorded_arguments(name: str, directory: Path) -> dict[str, Any]:
    """The 22 arguments of a recorded case, in order, its files in the directory."""
    absent = {"runDesc": "golden trace", "Win": [], "bin": [], "resumeFile": [], "jacket": 0}
    known = {**arguments(name), **absent, "runName": str(directory / name)}
    return {key: known[key] for key in TRAINER_ARGUMENTS}


def log_of(name: str, precision: str, directory: Path) -> tuple[list[bytes], list[bytes]]:
    """Our log and the recorded one, line by line, without what the clock says."""
    both = (directory / f"{name}.txt", GOLDENS / f"log_{name}_{precision}.txt")
    ours, recorded = (re.sub(rb"(Start|Total) time: .*\r\n", rb"\1 time\r\n", path.read_bytes()) for path in both)
    return ours.splitlines(keepends=True), recorded.splitlines(keepends=True)


@pytest.mark.parametrize("name", BYTE_FOR_BYTE)
def test_a_double_run_writes_the_recorded_log_byte_for_byte(name: str, tmp_path: Path) -> None:
    nnet_train(**recorded_arguments(name, tmp_path), precision="double", display="none")
    ours, recorded = log_of(name, "double", tmp_path)
    differ = [(a, b) for a, b in zip(ours, recorded, strict=True) if a != b]
    ties = [pair for pair in differ if name == "class_softmax" and pair[0].startswith(b"Chose iters")]
    assert differ == ties


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", MAIN)
def test_the_header_of_the_log_is_the_recorded_one(name: str, precision: str, tmp_path: Path) -> None:
    nnet_train(**{**recorded_arguments(name, tmp_path), "maxepoch": 0}, precision=precision, display="none")
    ours, recorded = log_of(name, precision, tmp_path)
    assert ours[:-1] == recorded[: len(ours) - 1]
    assert recorded[len(ours) - 1].startswith(b"maxiters")
    assert ours[-1] == b"Total time\r\n"


@pytest.mark.parametrize("name", MAIN)
def test_a_single_run_takes_the_recorded_lambdas_and_stays_near(name: str, tmp_path: Path) -> None:
    nnet_train_2(**recorded_arguments(name, tmp_path))
    recorded = trace(name, "single")
    saved = loadmat(tmp_path / f"{name}_nnet_running.mat")
    np.testing.assert_array_equal(saved["lambdarecord"].ravel(), recorded["lambda_after"])
    ours, theirs = saved["llrecord"], recorded["llrecord"]
    # a smoke test by PARITY: runs of the original itself that differ by rounding part by up to so much
    np.testing.assert_allclose(ours, theirs, rtol=2e-2 if name == "ae_tanh_linear" else 2e-3)


@pytest.mark.parametrize("name", MAIN)
def test_the_22_arguments_by_position_and_by_name_are_the_same_run(name: str, tmp_path: Path) -> None:
    given = {**recorded_arguments(name, tmp_path), "maxepoch": np.array([[2]])}
    by_position, by_name = nnet_train_2(*given.values()), nnet_train_2(**{**given, "runName": ""})
    assert by_position.dtype == np.float64
    assert by_position.shape == given["paramsp"].shape
    np.testing.assert_array_equal(by_position, by_name)
    assert not np.array_equal(by_position, given["paramsp"])


def test_the_signature_is_that_of_matlab() -> None:
    parameters = inspect.signature(nnet_train_2).parameters
    assert [name for name, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD] == list(TRAINER_ARGUMENTS)
    assert [name for name, p in parameters.items() if p.default is not p.empty] == ["seed", "precision"]


def drawn(**changes: Any) -> Any:
    return nnet_train_2(**legacy_arguments(paramsp=[], maxepoch=0), **changes)


def test_the_trainer_draws_from_the_stream_it_is_given_where_its_caller_stopped() -> None:
    stream, ahead = OctaveStream(1235, 1234), OctaveStream(1235, 1234)
    np.testing.assert_array_equal(stream.randperm(12), ahead.randperm(12))
    first, second = drawn(seed=stream), drawn(seed=stream)
    np.testing.assert_array_equal(drawn(seed=ahead), first)
    for other in (second, drawn(seed=OctaveStream(1235, 1234)), drawn(), drawn()):
        assert not np.array_equal(other, first)
    np.testing.assert_array_equal(drawn(seed=("octave", 1235, 1234)), drawn(seed=OctaveStream(1235, 1234)))
    positional = [*legacy_arguments(paramsp=[], maxepoch=0).values()]
    np.testing.assert_array_equal(nnet_train_2(*positional, seed=7), drawn(seed=7))
    with pytest.warns(CallWarning):
        np.testing.assert_array_equal(nnet_train_2(*positional[:-1], seed=7), drawn(seed=7))


@pytest.mark.octave
def test_the_drawn_start_is_that_of_the_reference_after_the_same_seeds(tmp_path: Path) -> None:
    from hf_matlab_compat.matlab.octave.session import run_octave

    (tmp_path / "seeded.m").write_text(
        "function p = seeded(n, varargin)\nrandn('state', 1234); rand('twister', 1235);\nrandperm(n);\n"
        "p = nnet_train_2(varargin{:});\nend\n"
    )
    given = {**legacy_arguments(paramsp=None, maxepoch=0), "runName": "run", "Win": None, "bin": None}
    given |= {"resumeFile": None, "layersizes": np.array([4])}
    reference = Path(__file__).parents[2] / "reference_matlab"
    theirs = run_octave("seeded", [12, *given.values()], path=[tmp_path, reference], workdir=tmp_path)
    stream = OctaveStream(1235, 1234)
    stream.randperm(12)
    np.testing.assert_array_equal(np.ravel(theirs), drawn(seed=stream).ravel())


SENTENCES = {
    "misspelt": (
        lambda: nnet_train(**legacy_arguments(), maxepochs=3),
        "maxepochs: expected an argument of nnet_train, got an unknown name. Did you mean maxepoch?",
    ),
    "in other terms": (
        lambda: nnet_train(**legacy_arguments(), max_cg_steps=3),
        "max_cg_steps: expected an argument of nnet_train, got an unknown name. Did you mean maxiters?",
    ),
    "what only train has": (
        lambda: nnet_train(**legacy_arguments(), line_search="full_step"),
        "line_search: expected an argument of nnet_train, got an unknown name. train takes it, and the others in the "
        "field's terms.",
    ),
    "what only train has, beside the 22": (
        lambda: nnet_train_2(*legacy_arguments().values(), problem=1),
        "problem: expected an argument of nnet_train_2, got an unknown name. train takes it, and the others in the "
        "field's terms.",
    ),
    "nothing like it": (
        lambda: nnet_train(**legacy_arguments(), xyz=3),
        "xyz: expected an argument of nnet_train, got an unknown name.",
    ),
    "a constant": (
        lambda: nnet_train_2(*legacy_arguments().values(), maxiters=10),
        "maxiters: expected an argument of nnet_train_2, got an unknown name. nnet_train takes it, and the others by "
        "their names.",
    ),
    "positional": (
        lambda: nnet_train(*legacy_arguments().values()),
        "arguments: expected names, got 22 without a name. Give each argument its name, or call nnet_train_2 with "
        "MATLAB's 22.",
    ),
    "missing": (
        lambda: nnet_train(indata=[[1.0]], layersizes=[]),
        "outdata: expected a value, got none (layertypes too).",
    ),
    "missing of the 22": (
        lambda: nnet_train_2(**{k: v for k, v in legacy_arguments().items() if k != "decay"}),
        "decay: expected a value, got none.",
    ),
    "preset": (
        lambda: nnet_train(**legacy_arguments(), preset="hf2011"),
        "preset: expected one of published, hf2010, curves2011, curves_pretrained, faces, "
        "best2026, kiros2013, got 'hf2011'. Did you mean "
        "'hf2010'?",
    ),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_a_call_that_does_not_fit_is_refused_in_a_sentence(case: str) -> None:
    call, sentence = SENTENCES[case]
    with pytest.raises(OptionError) as caught:
        call()
    assert str(caught.value) == sentence


def test_nnet_train_without_options_is_nnet_train_2() -> None:
    given = legacy_arguments()
    np.testing.assert_array_equal(nnet_train(**given), nnet_train_2(**given))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_checkpoint_holds_the_nine_variables(precision: str, tmp_path: Path) -> None:
    final = nnet_train(**legacy_arguments(runName=str(tmp_path / "r"), maxepoch=3), precision=precision)
    saved = {k: v for k, v in loadmat(tmp_path / "r_nnet_running.mat").items() if not k.startswith("__")}
    assert sorted(saved) == VARIABLES
    shapes = {k: (v.shape, str(v.dtype)) for k, v in saved.items()}
    vector, scalar = ((PSIZE, 1), "float32"), ((1, 1), "float64")
    assert shapes["paramsp"] == shapes["ch"] == vector
    assert shapes["epoch"] == shapes["lambda"] == shapes["totalpasses"] == scalar
    assert shapes["llrecord"] == shapes["errrecord"] == ((3, 2), "float64")
    assert shapes["lambdarecord"] == shapes["times"] == ((3, 1), "float64")
    np.testing.assert_array_equal(saved["paramsp"], final.astype(np.float32))


def test_files_are_those_of_matlab(tmp_path: Path) -> None:
    nnet_train(**legacy_arguments(runName=str(tmp_path / "r"), maxepoch=4), checkpoint_every=2)
    stems = ["r_nnet_epoch2", "r_nnet_epoch4", "r_nnet_running"]
    names = {"r.txt", *(f"{stem}{ending}" for stem in stems for ending in (".mat", ".sidecar.npz"))}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_a_run_without_a_name_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("", [], None, np.zeros((0, 0))):
        nnet_train_2(**legacy_arguments(runName=name))
    assert list(tmp_path.iterdir()) == []


def test_the_screen_shows_the_lines_of_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nnet_train_2(**legacy_arguments(runName=str(tmp_path / "r")))
    shown = [line for line in capsys.readouterr().out.splitlines() if line not in NEGATIVE_CURVATURE]
    assert shown[:2] == [f"Starting run named: {tmp_path / 'r'}", "not masking out the weight-decay for biases"]
    written = (tmp_path / "r.txt").read_bytes().decode().split("\r\n")[:-1]
    start = next(i for i, line in enumerate(written) if line.startswith("Start time"))
    shown[2 + start] = written[start]  # the second may have turned between the two
    assert shown[2:] == written


def test_display_none_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    nnet_train(**legacy_arguments(), display="none")
    assert capsys.readouterr().out == ""


def test_the_callers_arrays_stay_as_they_are() -> None:
    for precision in PRECISIONS:
        start, given = THETA.astype("f4" if precision == "single" else "f8"), legacy_arguments()
        before = [start.copy(), given["indata"].copy(), given["outdata"].copy()]
        final = nnet_train(**{**given, "paramsp": start}, precision=precision)
        for kept, now in zip(before, (start, given["indata"], given["outdata"]), strict=True):
            np.testing.assert_array_equal(kept, now)
        assert not np.shares_memory(final, start)


def test_bounds_on_cg_steps_are_rounded_up_as_in_matlab(tmp_path: Path) -> None:
    run = partial(nnet_train, **legacy_arguments(), display="none")
    np.testing.assert_array_equal(run(maxiters=2.5), run(maxiters=3))
    assert not np.array_equal(run(maxiters=2.5), run(maxiters=2))
    np.testing.assert_array_equal(run(tolerance=0.9, miniters=14.5), run(tolerance=0.9, miniters=15))


def test_the_toolbox_composes_with_the_22_arguments() -> None:
    """Corruption, other methods and early stopping by name beside MATLAB's call are those of `nnet_train`."""
    given = legacy_arguments(runName="", maxepoch=6)
    plain = nnet_train_2(*given.values())
    for more in (
        {"blankout": 0.3},
        {"dropout": 0.3, "corruptseed": 1},
        {"method": "nag"},
        {"patience": 2, "keep": "best"},
    ):
        found = nnet_train_2(*given.values(), **more)
        assert np.array_equal(found, nnet_train(**given, **more))
        assert ("patience" in more) or not np.array_equal(found, plain)
    with pytest.raises(OptionError, match="blankout: expected a number of at least 0 and below 1, got 2"):
        nnet_train_2(*given.values(), blankout=2)
    with pytest.raises(OptionError, match="initlambda: expected an argument of nnet_train_2, got an unknown name"):
        nnet_train_2(*given.values(), initlambda=2)
