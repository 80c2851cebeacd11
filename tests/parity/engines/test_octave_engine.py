"""Live recordings: whole, exact, the same for files of either make, and nothing left behind."""

from __future__ import annotations

import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.matlab.octave.session import run_octave
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS
from hf_matlab_compat.parity.cases import builtin_case, case_from_arguments
from hf_matlab_compat.parity.certificate import Verdict
from hf_matlab_compat.parity.engines import OctaveEngine
from hf_matlab_compat.parity.engines.reference import OURS
from hf_matlab_compat.parity.judge import judge
from hf_matlab_compat.parity.recording import Recording, distance
from tests.cases import probe, trace
from tests.octave import live
from tests.parity.engines.trainers import ONE_FILE, SMALL, STEP, contents, edited

pytestmark = live
REFERENCES = [pytest.param(None, id="reference_matlab"), pytest.param(ONE_FILE, id="one_file")]
BOTH = pytest.mark.parametrize("reference", REFERENCES)
PRECISIONS = pytest.mark.parametrize("precision", ["double", "single"])
KERNELS = ("grad", "grad2", "gradchunk", "precon", "oldll", "ll", "err")
BOUND = {"double": 1e-14, "single": 4e-6}


@cache
def recorded(reference, precision: str, mode: str = "lockstep", name: str = SMALL) -> Recording:
    return OctaveEngine(reference).record(builtin_case(name), precision=precision, mode=mode, epochs=3)


@BOTH
@PRECISIONS
def test_kernels_are_those_of_the_published_program(reference, precision):
    record, theirs = recorded(reference, precision).epochs[0], probe(SMALL, precision)
    assert record.lam == 1.0
    for name in KERNELS:
        assert distance(record.kernels[name], theirs[name]) <= BOUND[precision], name
    assert record.steps == theirs["iterses"].tolist()
    assert distance(record.iterates[0], theirs["chs"][:, 0]) <= 10 * BOUND[precision]


@BOTH
@PRECISIONS
def test_products_are_damped_and_undamped(reference, precision):
    kernels, lam = recorded(reference, precision).epochs[1].kernels, recorded(reference, precision).epochs[1].lam
    damped = kernels["Bv_undamped"] - lam * kernels["v"]
    assert kernels["v"].shape[1] == 2
    assert distance(kernels["Bv"], damped) <= BOUND[precision]


@BOTH
def test_figures_have_every_digit_and_the_log_only_its_own(reference):
    run, theirs = recorded(reference, "double"), trace(SMALL, "double")
    for k, record in enumerate(run.epochs):
        for ours, name in (("rho", "rho"), ("log_likelihood", "ll_after"), ("lam", "lambda_after"), ("rate", "rate")):
            assert distance(record.figures[ours], theirs[name][k]) <= 1e-11, (ours, k)
    assert run.epochs[0].log_lines[4] == f"rho = {theirs['rho'][0]:.5g}"


@BOTH
@PRECISIONS
def test_every_epoch_begins_where_the_one_before_ended(reference, precision):
    for mode in ("lockstep", "free"):
        epochs = recorded(reference, precision, mode).epochs
        assert [record.epoch for record in epochs] == [1, 2, 3]
        for before, record in pairwise(epochs):
            np.testing.assert_array_equal(record.theta, before.theta_after)
            np.testing.assert_array_equal(record.start, record.start.dtype.type(0.95) * before.d_after)
            assert record.lam == before.figures["lam"]


@BOTH
@PRECISIONS
def test_epoch_by_epoch_and_in_one_go_are_the_same_run(reference, precision):
    stepwise, at_once = (recorded(reference, precision, mode).epochs for mode in ("lockstep", "free"))
    for a, b in zip(stepwise, at_once, strict=True):
        np.testing.assert_array_equal(a.theta_after, b.theta_after)
        assert a.figures == b.figures
        assert [line for line in a.log_lines if "total" not in line] == [x for x in b.log_lines if "total" not in x]


def test_being_looked_at_does_not_change_a_run_by_a_bit(tmp_path):
    run = recorded(ONE_FILE, "single", "free", "class_softmax")
    given = {**run.case.arguments, "runName": "plain", "maxepoch": 3, "layersizes": np.array([[30.0]])}
    given["layersizes"] = np.array([run.case.arguments["layersizes"]], float)
    call = [given[name] for name in TRAINER_ARGUMENTS]
    plain = run_octave("nnet_train_2", call, path=[ONE_FILE], workdir=tmp_path)[0]
    np.testing.assert_array_equal(plain.ravel(), run.epochs[-1].theta_after.astype(float))


def test_double_on_all_chunks_goes_by_shadowing_single():
    name = "k_logistic_rms0_gn_hy0_lam1"
    run = recorded(ONE_FILE, "double", "lockstep", name)
    assert "single(...) gives doubles" in run.provenance["precision route"]
    assert distance(run.epochs[0].kernels["Bv"][:, 0], run.epochs[0].kernels["Bv"][:, 0].astype(np.float32)) > 1e-9
    assert distance(run.epochs[0].kernels["grad"], probe(name, "double")["grad"]) <= 1e-14


def test_kernels_mode_has_states_and_no_outcome():
    record = recorded(None, "double", "kernels").epochs[1]
    assert (record.figures, record.theta_after, record.log_lines) == ({}, None, ())
    assert record.epoch == 2
    assert [y.shape for y in record.kernels["forward"]][-1] == builtin_case(SMALL).arguments["outdata"][:, :40].shape


def test_what_a_reference_cannot_show_is_said():
    assert "not shown: forward" in recorded(ONE_FILE, "double").provenance
    assert [key for key in recorded(None, "double").provenance if key.startswith("not shown")] == []


def test_a_trainer_with_names_of_its_own_shows_less_and_agrees(tmp_path):
    names = (("computeLL", "likelihood"), ("grad2chunk", "g2c"), ("gradchunk", "gc"), ("grad2", "squares"))
    folder = edited(tmp_path / "theirs", *names, ("oldll", "before"))
    run = OctaveEngine(folder).record(builtin_case(SMALL), precision="double", mode="lockstep", epochs=2)
    assert {"not shown: grad2", "not shown: gradchunk", "not shown: oldll", "not shown: ll"} <= run.provenance.keys()
    assert run.epochs[1].kernels["ll"] == run.epochs[0].figures["log_likelihood"]
    assert judge([run]).verdict is Verdict.AGREES


def test_provenance_names_files_constants_and_programs():
    facts = recorded(ONE_FILE, "double").provenance
    assert len(facts["sha256 conjgrad_1.m"]) == 64
    assert facts["constant mingap"] == "10 (conjgrad_1.m:6)"
    assert {"octave", "blas", "processor", "reference"} <= facts.keys()


def test_the_checkpoint_is_the_last_one(tmp_path):
    (tmp_path / "c.mat").write_bytes(recorded(ONE_FILE, "single").checkpoint or b"")
    saved = loadmat(tmp_path / "c.mat")
    assert saved["epoch"].item() == 3
    np.testing.assert_array_equal(saved["paramsp"].ravel(), recorded(ONE_FILE, "single").epochs[-1].theta_after)


@BOTH
def test_edited_constants_take_part(reference, tmp_path):
    folder = edited(tmp_path / "theirs", ("maxiters = 250;", "maxiters = 7;"), ("initlambda = 45;", "initlambda = 3;"))
    case = replace(builtin_case("class_softmax"), constants={} if reference else {"maxiters": 7, "initlambda": 3.0})
    run = OctaveEngine(folder if reference else None).record(case, precision="single", mode="lockstep", epochs=2)
    assert run.case.constants == {"initlambda": 3, "maxiters": 7}
    assert [record.steps[-1] for record in run.epochs] == [7, 7]
    assert run.epochs[0].lam == 3


def test_constants_that_a_file_cannot_be_told_are_refused():
    case = replace(builtin_case(SMALL), constants={"maxiters": 3})
    with pytest.raises(ParityError, match=r"wants maxiters = 3, which .* has otherwise"):
        OctaveEngine(ONE_FILE).record(case, precision="double", mode="lockstep")


def test_a_fork_for_gpuarray_runs_on_the_processor(tmp_path):
    changes = ("indata = conv(single(indata));", "gpuDevice(1); indata = gpuArray(single(indata));")
    folder = edited(tmp_path / "theirs", changes, ("p = chs{end};", "p = gather(chs{end});"))
    run = OctaveEngine(folder).record(builtin_case(SMALL), precision="single", mode="lockstep", epochs=1)
    np.testing.assert_array_equal(run.epochs[0].theta_after, recorded(ONE_FILE, "single").epochs[0].theta_after)


def test_a_fork_that_makes_its_arrays_on_the_device_runs_on_the_processor(tmp_path):
    device = "d = gpuDevice; reset(gpuDevice(1)); wait(d); wait(gpuDevice); devices = gpuDeviceCount;\n"
    drawn = "drawn = [gpuArray.rand(2), gpuArray.randn(2), gpuArray.eye(2), gpuArray.ones(2)];\n"
    drawn += "drawn = [rand(2, 'gpuArray'), eye(2, 'gpuArray')];\n"
    folder = edited(
        tmp_path / "theirs",
        ("store = @(x) x;\n", f"store = @(x) x;\n{device}{drawn}"),
        (
            "mzeros = @(varargin) zeros(varargin{:}, 'single');",
            "mzeros = @(varargin) gpuArray.zeros(varargin{:}, 'single');",
        ),
        (
            "mones = @(varargin) ones(varargin{:}, 'single');",
            "mones = @(varargin) ones(varargin{:}, 'single', 'gpuArray');",
        ),
        (
            STEP,
            "    if ~existsOnGPU(p) || isgpuarray(p), error('lost'); end\n"
            f"    if ~strcmp(classUnderlying(p), 'single'), error('other class'); end\n{STEP}",
        ),
        ("rate*p;\n", "rate*p; wait(gpuDevice);\n"),
        ("    ch = chs{end};\n", "    [ch, kept] = gather(chs{end}, 1);\n"),
    )
    run = OctaveEngine(folder).record(builtin_case(SMALL), precision="single", mode="lockstep", epochs=1)
    np.testing.assert_array_equal(run.epochs[0].theta_after, recorded(ONE_FILE, "single").epochs[0].theta_after)


def test_a_trainer_that_cannot_do_doubles_says_so(tmp_path):
    folder = edited(
        tmp_path / "theirs",
        ("conv = @gsingle;", "conv = @single;"),
        ("@gzeros;", "@(varargin) zeros(varargin{:}, 'single');"),
    )
    with pytest.raises(ParityError, match="double precision cannot be had of this reference: it computes in float32"):
        OctaveEngine(folder).record(builtin_case(SMALL), precision="double", mode="lockstep", epochs=1)


def test_the_users_folder_and_the_temporary_one_are_as_before(monkeypatch, tmp_path):
    folder = edited(
        tmp_path / "theirs",
        ("fclose(fid);", "fclose(fid); fclose(fopen(fullfile(fileparts(mfilename('fullpath')), 'x'), 'w'));"),
    )
    before = contents(folder)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    OctaveEngine(folder).record(builtin_case(SMALL), precision="single", mode="free", epochs=1)
    assert contents(folder) == before
    assert list((tmp_path / "tmp").iterdir()) == []


def test_two_harnesses_at_once_do_not_meet():
    def run(_):
        return OctaveEngine(ONE_FILE).record(builtin_case(SMALL), precision="double", mode="free", epochs=2)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(run, range(2))
    np.testing.assert_array_equal(first.epochs[-1].theta_after, second.epochs[-1].theta_after)


@pytest.mark.parametrize(
    ("asked", "said"), [({"precision": "half"}, "precision"), ({"mode": "fast"}, "mode"), ({"epochs": 0}, "epochs")]
)
def test_what_cannot_be_asked_is_refused(asked, said):
    with pytest.raises(ParityError, match=f"^{said}: expected"):
        OctaveEngine().record(builtin_case(SMALL), **{"precision": "double", "mode": "free", **asked})


@BOTH
def test_a_chained_checkpoint_has_columns(reference, tmp_path):
    (tmp_path / "c.mat").write_bytes(recorded(reference, "single").checkpoint or b"")
    saved = loadmat(tmp_path / "c.mat")
    assert (saved["times"].shape[1], saved["lambdarecord"].shape[1], saved["llrecord"].shape[1]) == (1, 1, 2)


def too_small():
    """A problem whose CG is done to the last bit of single precision after some steps."""
    data = {name: np.random.default_rng(0).random((1, 8)).round(4) for name in ("indata", "intest")}
    data |= {name: (data["indata"] > 0.5) * 1.0 for name in ("outdata", "outtest")}
    few = {"numchunks": 1, "numchunks_test": 1, "layersizes": [1], "layertypes": ["logistic", "linear"]}
    given = {**builtin_case("class_softmax").arguments, **data, **few, "errtype": "L2", "paramsp": None}
    return case_from_arguments("too_small", given)


@BOTH
def test_zero_by_zero_in_single_precision_is_told_with_its_cause(reference):
    engine = OctaveEngine(reference)
    try:
        stop = engine.record(too_small(), precision="single", mode="lockstep", epochs=2).stop
        said = "" if stop is None else f"too_small: {stop.reason}"
    except ParityError as error:
        said = str(error)
    if not said:
        pytest.skip("the sums of this BLAS do not underflow here")
    assert re.fullmatch(
        r"too_small: epoch \d, single precision: the reference's CG iterates are not finite \(NaN or Inf\): after step "
        r"\d of its CG r'y underflows to 0 in single precision, and the original goes on to divide 0 by 0\. .*",
        said,
    )
    assert engine.record(too_small(), precision="double", mode="lockstep", epochs=2).epochs


def test_iterates_that_are_not_finite_for_another_reason_have_no_cause(tmp_path):
    folder = edited(tmp_path / "theirs", ("    alpha = delta/curvature;", "    alpha = NaN;"), file="conjgrad_1.m")
    with pytest.raises(ParityError, match=r"epoch 1, single precision: .* iterates are not finite \(NaN or Inf\)\.$"):
        OctaveEngine(folder).record(builtin_case(SMALL), precision="single", mode="lockstep", epochs=1)


@BOTH
@PRECISIONS
@pytest.mark.parametrize("shape", [(0, 0), (16, 0)])
def test_a_case_without_test_set_runs_and_agrees(reference, precision, shape):
    empty = {"intest": np.zeros(shape), "outtest": np.zeros((0, 0))}
    case = case_from_arguments("mine", {**builtin_case(SMALL).arguments, **empty})
    run = OctaveEngine(reference).record(case, precision=precision, mode="lockstep", epochs=2)
    assert judge([run]).verdict is Verdict.AGREES


@pytest.mark.parametrize("empty", ["zeros(0, 0)", "[]", "zeros(0, 3)", "zeros(16, 0)"])
def test_reference_matlab_takes_an_empty_test_set_of_any_shape(empty, tmp_path):
    given = {**builtin_case(SMALL).arguments, "runName": "r", "maxepoch": 1}
    given["layersizes"] = np.array([given["layersizes"]], float)
    call = [given[name] for name in TRAINER_ARGUMENTS]
    emptied = f"varargin{{11}} = {empty}; varargin{{12}} = [];"
    code = f"function p = run_it(varargin)\n{emptied}\np = nnet_train_2(varargin{{:}});\nend\n"
    (tmp_path / "run_it.m").write_text(code)
    (theta,) = run_octave("run_it", call, path=[OURS, tmp_path], workdir=tmp_path)
    assert np.isfinite(theta).all()


@BOTH
def test_this_package_agrees_with_what_was_recorded(reference):
    certificate = judge([recorded(reference, "double"), recorded(reference, "single")])
    assert [line for line in certificate.lines if line.verdict is Verdict.DIFFERS] == []
    assert certificate.verdict is Verdict.AGREES


@pytest.mark.parametrize("change", [("times = zeros(maxepoch, 1);", "times = [];"), ("tic;", "tic ;")])
@pytest.mark.parametrize("name", [SMALL, "ae_logistic"])
def test_a_free_run_agrees_whatever_it_starts_from_and_however_room_is_made_for_durations(change, name, tmp_path):
    folder = edited(tmp_path / "theirs", change)
    run = OctaveEngine(folder).record(builtin_case(name), precision="double", mode="free", epochs=3)
    certificate = judge([run])
    assert certificate.verdict is Verdict.AGREES
    assert len([line for line in certificate.lines if line.stage == "checkpoint" and line.distance is not None]) == 9
