"""Envelopes: members are the same mathematics, E is small and positive, kept by what it depends on."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.legacy.routines import computeLL
from hf_matlab_compat.parity.cases import builtin_case
from hf_matlab_compat.parity.engines import OctaveEngine, envelope
from hf_matlab_compat.parity.engines.envelope import EnvelopeCache, rounding, user_cache
from hf_matlab_compat.parity.engines.order import identity, permuted_cases, renumbered_units
from hf_matlab_compat.parity.recording import Recording, distance
from tests.octave import live
from tests.parity.engines.trainers import ONE_FILE, SMALL, edited, processes_about

LIVE = [*live]


def octave_test(function):
    for mark in LIVE:
        function = mark(function)
    return function


@cache
def recorded(reference, precision: str, mode: str) -> Recording:
    return OctaveEngine(reference).record(builtin_case(SMALL), precision=precision, mode=mode, epochs=2)


@cache
def measured(reference, precision: str, mode: str) -> Mapping[tuple[int, str], float]:
    plain = recorded(reference, precision, mode)
    return envelope.measure_envelope(OctaveEngine(reference).reference, plain, members=4)


@pytest.mark.parametrize("reorder", [identity, permuted_cases, renumbered_units])
def test_a_member_is_the_same_mathematics(reorder):
    given = builtin_case(SMALL).arguments
    setting = {
        name: given[name]
        for name in ("layersizes", "layertypes", "mattype", "rms", "errtype", "hybridmode", "weightcost")
    }

    def value(arguments):
        data = (arguments["indata"], arguments["outdata"], arguments["numchunks"], 2)
        return computeLL(arguments["paramsp"], *data, precision="double", **setting)

    other = reorder(given, *([] if reorder is identity else [3])).apply(given)
    assert value(other) == pytest.approx(value(given), rel=1e-14)
    assert np.array_equal(other["indata"], given["indata"]) == (reorder is identity)


@octave_test
@pytest.mark.parametrize("reference", [None, ONE_FILE])
def test_members_put_back_are_the_plain_run_up_to_rounding(reference):
    E = measured(reference, "double", "lockstep")
    for name in (
        "grad",
        "grad2",
        "precon",
        "Bv",
        "Bv_undamped",
        "ll",
        "err",
        "iterate 5",
        "model 5",
        "rho",
        "theta",
        "d",
    ):
        assert E[2, name] < (1e-11 if name in ("rho", "theta", "d") else 1e-13), name
    assert max(E[2, name] for name in ("grad", "Bv_undamped", "iterate 5")) > 0
    assert {E[k, name] for k in (1, 2) for name in ("cg_steps", "reductions", "lam")} == {0.0}


@octave_test
def test_single_precision_has_single_spread():
    E = measured(None, "single", "lockstep")
    assert 1e-9 < E[1, "grad"] < 4e-6
    assert 1e-9 < E[1, "forward"] < 1e-6


@octave_test
def test_beside_a_run_in_single_goes_one_in_double(monkeypatch):
    plain = recorded(None, "single", "lockstep")
    assert [(each.again, each.precise) for each in envelope.ensemble(plain, 1)] == [
        (True, False),
        (False, True),
        (False, False),
    ]
    monkeypatch.setattr(envelope, "ensemble", lambda recording, members: [envelope.Member(0, precise=True)])
    E = envelope.measure_envelope(OctaveEngine().reference, plain, members=0)
    exact = recorded(None, "double", "lockstep").epochs[0].kernels["grad"]
    assert E[1, "grad"] == pytest.approx(distance(exact, plain.epochs[0].kernels["grad"]), rel=1e-3)


@octave_test
def test_a_trainer_without_double_precision_has_no_member_in_double(monkeypatch, tmp_path):
    folder = edited(tmp_path / "theirs", ("conv = @gsingle;", "conv = @single;"), ("mones = @gones;", "mones = @ones;"))
    plain = OctaveEngine(folder).record(builtin_case(SMALL), precision="single", mode="kernels", epochs=1)
    with pytest.raises(ParityError, match="computes in"):
        OctaveEngine(folder).record(builtin_case(SMALL), precision="double", mode="kernels", epochs=1)
    monkeypatch.setattr(envelope, "ensemble", lambda recording, members: [envelope.Member(0, precise=True)])
    E = envelope.measure_envelope(OctaveEngine(folder).reference, plain, members=0)
    assert E[1, "grad"] == 0


@octave_test
def test_kernels_alone_tell_how_far_the_number_of_cg_steps_spreads():
    plain = recorded(None, "double", "kernels").epochs[0]
    other = replace(plain, steps=[*plain.steps[:-1], plain.steps[-1] + 1])
    assert rounding(other, plain)["cg_steps"] == 1 / plain.steps[-1]


@octave_test
def test_free_runs_spread_from_epoch_to_epoch():
    E = measured(ONE_FILE, "double", "free")
    assert 0 < E[1, "log_likelihood"] < E[2, "theta"] < 1e-9


@octave_test
def test_an_envelope_is_measured_once(monkeypatch, tmp_path):
    plain = recorded(None, "double", "kernels")
    first = OctaveEngine(cache=tmp_path, members=2).with_envelope(plain)
    monkeypatch.setattr("hf_matlab_compat.parity.engines.octave_engine.measure_envelope", None)
    again = OctaveEngine(cache=tmp_path, members=2).with_envelope(plain)
    assert first.envelope == again.envelope
    assert (1, "grad") in again.envelope
    assert (1, "rho") not in again.envelope


@octave_test
def test_a_failing_member_stops_all_others(monkeypatch, tmp_path):
    (tmp_path / "tmp").mkdir()
    plain = recorded(ONE_FILE, "double", "lockstep")
    folder = edited(tmp_path / "theirs", ("    tic;\n", "    tic; error('not today');\n"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    with pytest.raises(ParityError, match=f"^{SMALL}, with its cases in another order: epoch 1: not today"):
        envelope.measure_envelope(OctaveEngine(folder).reference, plain, members=4)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert processes_about(tmp_path) == []


@octave_test
@pytest.mark.parametrize("change", ["precision", "members", "state", "data", "hash"])
def test_whatever_an_envelope_depends_on_is_in_its_key(change):
    plain = recorded(None, "double", "lockstep")
    data = {**plain.case.arguments, "indata": plain.case.arguments["indata"] + 1}
    other = {
        "precision": replace(plain, precision="single"),
        "state": replace(plain, epochs=[replace(plain.epochs[0], lam=2.0), *plain.epochs[1:]]),
        "data": replace(plain, case=replace(plain.case, arguments=data)),
        "hash": replace(plain, provenance={**plain.provenance, "sha256 conjgrad_1.m": "0"}),
    }.get(change, plain)
    cache = EnvelopeCache()
    assert cache.key(plain, 16) == cache.key(plain, 16)
    assert cache.key(other, 16 + (change == "members")) != cache.key(plain, 16)


def test_a_cache_that_cannot_be_used_is_as_good_as_none(tmp_path):
    (tmp_path / "file").write_text("")
    cache = EnvelopeCache(tmp_path / "file")
    cache.put("key", {(1, "ll"): 0.5})
    assert cache.get("key") is None


@pytest.mark.parametrize("content", ["", "{", "[[1]]", "[1, 2]", '[["a", "b", "c"]]'])
def test_a_damaged_entry_is_as_good_as_none(content, tmp_path):
    EnvelopeCache(tmp_path).put("key", {(1, "ll"): 0.5})
    assert EnvelopeCache(tmp_path).get("key") == {(1, "ll"): 0.5}
    next(tmp_path.iterdir()).write_text(content)
    assert EnvelopeCache(tmp_path).get("key") is None


def test_the_cache_lies_where_the_user_wants_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache() == tmp_path / "hf_matlab_compat"


@octave_test
def test_after_another_choice_only_what_does_not_depend_on_it_is_measured():
    plain = recorded(None, "double", "lockstep").epochs[0]
    other = replace(plain, figures={**plain.figures, "chosen_step": plain.figures["chosen_step"] + 1, "rho": 9.0})
    apart = rounding(other, plain)
    assert apart["chosen_step"] > 0
    assert "rho" not in apart
    assert "theta" not in apart
    assert apart["d"] == 0


@octave_test
@pytest.mark.parametrize(("blas", "used"), [("libblas.so.3", False), ("libopenblas.so.0", True)])
def test_other_kernels_are_tried_where_the_blas_has_some(blas, used, monkeypatch):
    monkeypatch.setattr(envelope, "octave_facts", lambda: {"octave": "7.3.0", "blas": blas})
    members = envelope.ensemble(recorded(None, "double", "free"), 16)
    variables = {name for member in members for name in member.environment or {}}
    assert ({"OPENBLAS_CORETYPE"} <= variables) == used
    assert "GLIBC_TUNABLES" in variables
    assert len([member for member in members if member.noise]) == 4
    assert len([member for member in members if not member.renumbered]) == 12 + 1
