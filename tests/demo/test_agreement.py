"""The comparison: what is compared, planted mistakes where they sit, and the reference live beside its recording."""

from __future__ import annotations

import pytest

from hf_matlab_compat.demo import agreement
from hf_matlab_compat.demo.agreement import Comparison, compare_with_matlab
from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity.certificate import Certificate, Verdict
from hf_matlab_compat.parity.engines import OctaveEngine
from hf_matlab_compat.parity.envelope_rule import figure_bound
from hf_matlab_compat.parity.recording import distance
from hf_matlab_compat.parity.stages import STAGES
from tests.demo.compared import arguments, case, recording, two_epochs
from tests.demo.planted import WRONG_LAMBDA, WRONG_RHO
from tests.parity.judge.test_planted_bugs import solver


def stages(certificate: Certificate, verdict: Verdict) -> set[str]:
    return {line.stage for line in certificate.lines if line.verdict is verdict}


def test_eight_epochs_agree_with_the_recording_in_all_that_it_has() -> None:
    found = compare_with_matlab(arguments(), recorded=True)
    assert found.agrees
    assert stages(found.certificate, Verdict.DIFFERS) == set()
    left_out = {"forward", "grad2", "Bv", "Bv_undamped", "precon", "checkpoint"}
    assert stages(found.certificate, Verdict.AGREES) == set(STAGES) - left_out
    ends = {line.epoch for line in found.certificate.lines if line.stage == "params"}
    assert ends == set(range(1, agreement.EPOCHS + 1))


def test_a_wrong_factor_in_rho_differs_in_rho_and_in_what_shows_it(monkeypatch) -> None:
    monkeypatch.setattr(agreement, "read_shipped", lambda case: two_epochs())
    WRONG_RHO(monkeypatch)
    found = compare_with_matlab(arguments(), recorded=True)
    assert not found.agrees
    assert stages(found.certificate, Verdict.DIFFERS) == {"rho", "log", "entry"}
    rho = [line for line in found.certificate.lines if line.stage == "rho"]
    assert [line.verdict for line in rho] == [Verdict.DIFFERS] * 2


def test_a_wrong_drop_of_lambda_differs_in_lambda_and_in_what_shows_it(monkeypatch) -> None:
    monkeypatch.setattr(agreement, "read_shipped", lambda case: two_epochs())
    WRONG_LAMBDA(monkeypatch)
    found = compare_with_matlab(arguments(), recorded=True)
    assert not found.agrees
    first = found.certificate.first_divergence
    assert first is not None
    assert (first.epoch, first.stage) == (1, "lambda")
    assert stages(found.certificate, Verdict.DIFFERS) == {"lambda", "log", "entry"}


def test_ctrl_c_in_a_compared_epoch_is_not_swallowed(monkeypatch) -> None:
    def pressed(*given: object) -> None:
        raise KeyboardInterrupt

    solver(pressed)(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        compare_with_matlab(arguments(), recorded=True)


def test_arguments_that_were_not_recorded_are_refused() -> None:
    with pytest.raises(ParityError, match="weightcost is not that of the recorded case"):
        compare_with_matlab({**arguments(), "weightcost": 1e-5}, recorded=True)


def test_nothing_compared_is_no_agreement() -> None:
    assert not Comparison("nothing", Certificate(lines=[])).agrees


def source_without(monkeypatch, **names: object) -> str:
    """Where figures come from, where something of the live run is otherwise."""
    for name, value in names.items():
        monkeypatch.setattr(agreement, name, value)
    monkeypatch.setattr(agreement, "judge", lambda recordings: Certificate(lines=[]))
    return compare_with_matlab(arguments()).source


def test_where_octave_is_missing_the_recording_is_named_and_the_reason(monkeypatch) -> None:
    said = source_without(monkeypatch, octave_available=lambda: "octave-cli is not on the PATH")
    assert said.endswith("it was not run here (octave-cli is not on the PATH)")


def test_a_live_run_that_fails_is_named_in_one_sentence(monkeypatch) -> None:
    def fails(**given: object) -> None:
        raise ParityError("autoencoder: out of memory. Free some.")

    said = source_without(monkeypatch, octave_available=lambda: None, OctaveEngine=fails)
    assert said.endswith("it was not run here (autoencoder: out of memory)")


@pytest.mark.octave
def test_where_octave_is_everything_is_compared_with_a_live_run() -> None:
    found = compare_with_matlab(arguments())
    assert found.source == "reference_matlab, run in Octave just now"
    assert stages(found.certificate, Verdict.AGREES) == set(STAGES)
    assert {line.verdict for line in found.certificate.lines} <= {Verdict.AGREES, Verdict.TIE}


@pytest.mark.octave
def test_the_reference_run_now_agrees_with_its_recording() -> None:
    live = OctaveEngine().record(case(), precision="double", mode="lockstep", epochs=2)
    for now, then in zip(live.epochs, recording().epochs, strict=False):
        for name in then.figures:
            bound = figure_bound(name, "double", recording().envelope[then.epoch, name]).value
            assert distance(now.figures[name], then.figures[name]) <= bound
        assert [line for line in now.log_lines if "TEST" not in line] == [
            line for line in then.log_lines if "TEST" not in line
        ]
        assert distance(now.kernels["grad"], then.kernels["grad"]) <= 5e-15


@pytest.mark.octave
def test_the_recording_can_be_made_anew(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(agreement, "EPOCHS", 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = agreement.record(arguments(), members=1, path=tmp_path / "recording.npz")
    again = agreement.read_shipped(case(), path)
    assert len(again.epochs) == 1
    assert again.epochs[0].figures["rho"] == pytest.approx(recording().epochs[0].figures["rho"], rel=1e-12)
    before = {name for epoch, name in recording().envelope if epoch == 1}
    assert {name for _, name in again.envelope} == before | {"miniters", "maxiters", "ll", "err"}  # compared since
