"""Recurrent nets under `hf-compat parity`: agreement with `reference_matlab/rnn`, and bugs planted on either side."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.cli import main
from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity.cases import find_cases
from hf_matlab_compat.parity.certificate import Verdict
from hf_matlab_compat.parity.coverage import not_exercised
from hf_matlab_compat.parity.engines import OctaveEngine
from hf_matlab_compat.parity.engines.envelope import Member
from hf_matlab_compat.parity.engines.recurrent_octave import recurrent_envelope
from hf_matlab_compat.parity.engines.reference import OURS
from hf_matlab_compat.parity.engines.tape import pack
from hf_matlab_compat.parity.recording import distance
from hf_matlab_compat.parity.recurrent_cases import RECURRENT_CASES
from hf_matlab_compat.parity.run_parity import exit_code, run_parity
from hf_matlab_compat.parity.runs import planned_runs
from hf_matlab_compat.rnn.passes import AtSequences, LayerAtSequences
from tests.octave import live

pytestmark = live

CASE = "rnn_tanh_linear"


def compared(reference: Path | None = None) -> Any:
    """The certificate of one epoch."""
    done = run_parity(reference=reference, cases=[CASE], precisions=["double"], epochs=1, envelope=False)
    return done.certificate


def first(certificate: Any) -> str:
    assert exit_code(certificate) == 1
    return certificate.first_divergence.stage


@pytest.mark.parametrize("name", RECURRENT_CASES)
def test_every_recurrent_case_agrees_to_the_last_decision(name, tmp_path, capsys):
    chosen = ["parity", "--case", name, "--precision", "double", "--epochs", "1", "--no-envelope"]
    assert main([*chosen, "--html", str(tmp_path / "page.html"), "--lines"]) == 0
    said = capsys.readouterr().out
    for stage in ("grad2", "Bv_undamped", "cg_iterates", "reductions", "lambda", "params", "entry"):
        assert stage in said
    assert max(len(row) for row in said.splitlines() if "/" not in row) <= 80  # paths are not broken
    assert "Parity certificate: Agrees" in (tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "right", "wrong", "stage"),
    [
        ("rnn_sums.m", "hs(:, 1:end-N)'", "hs(:, N+1:end)'", "grad"),
        ("rnn_GV.m", "part.e.*jacobian", "jacobian", "Bv"),
        ("rnn_GV.m", "jacobian_product(net.hidden, h, Ra)", "Ra", "Bv"),
        ("rnn_epoch.m", "B(p, 0, 0)", "B(p, lambda, 0)", "rho"),
    ],
    ids=["state of the same step", "damping behind the ends", "no slope", "damped ratio"],
)
def test_a_bug_in_the_reference_is_found_where_it_is(file, right, wrong, stage, tmp_path):
    shutil.copytree(OURS, tmp_path / "reference")
    edited = tmp_path / "reference" / "rnn" / file
    assert right in edited.read_text(encoding="utf-8")
    edited.write_text(edited.read_text(encoding="utf-8").replace(right, wrong), encoding="utf-8")
    found = compared(tmp_path / "reference")
    assert first(found) == stage
    lines = (OURS / "rnn" / file).read_text(encoding="utf-8").splitlines()
    assert found.place == f"rnn/{file}:{next(k for k, line in enumerate(lines, start=1) if right in line)}"


def shifted(layer: LayerAtSequences) -> Any:
    rows = layer.Z.copy()
    rows[:-1, :, layer.states] = layer.h[:-1]
    rows[-1, :, layer.states] = layer.h[-1]
    return rows.reshape(-1, rows.shape[-1])


def without_slope(at: AtSequences, tangents: list[Any], strength: float, workspace: Any) -> Any:
    """Structural damping of Ra without f'; Rh = f' Ra."""
    if not strength:
        return None
    return [strength * at.exists * R / layer.S for layer, R in zip(at.layers, tangents, strict=True)]


@pytest.mark.parametrize(
    ("owner", "name", "wrong", "stage"),
    [
        (LayerAtSequences, "rows_of_Z", shifted, "grad"),
        (AtSequences, "exists", None, "Bv"),
        (AtSequences, "structural", without_slope, "Bv"),
    ],
    ids=["state of the same step", "damping behind the ends", "no slope"],
)
def test_a_bug_in_the_package_is_found_where_it_is(owner, name, wrong, stage, monkeypatch):
    monkeypatch.setattr(owner, name, wrong)
    assert first(compared()) == stage


def test_sequences_and_units_in_another_order_are_the_same_mathematics(monkeypatch):
    engine = OctaveEngine()
    recording = engine.record(find_cases([CASE])[0], precision="double", mode="lockstep", epochs=2)
    members = [Member(1), Member(4, renumbered=True)]
    monkeypatch.setattr("hf_matlab_compat.parity.engines.recurrent_octave.ensemble", lambda *_: members)
    E = recurrent_envelope(engine.reference, recording, members=2, timeout=60)
    # epoch 2 is on the other chunk
    for quantity in ("forward", "ll", "grad", "grad2", "gradchunk", "Bv", "Bv_undamped", "iterate 5"):
        assert E[2, quantity] < 1e-12, quantity
    assert max(E[2, name] for name in ("grad", "Bv")) > 0


def test_free_runs_and_kernels_alone_are_compared_too():
    for mode in ("free", "kernels"):
        done = run_parity(cases=[CASE], modes=[mode], precisions=["double"], epochs=2, envelope=False)
        assert done.certificate.verdict is Verdict.AGREES, mode
    assert not_exercised(done.recordings)[:2] == [
        "a recurrent net without structural damping",
        "logistic outputs of a recurrent net",
    ]


def test_single_precision_is_single_on_both_sides():
    recording = OctaveEngine().record(find_cases([CASE])[0], precision="single", mode="kernels", epochs=1)
    assert recording.epochs[0].kernels["grad"].dtype == np.float32
    double = OctaveEngine().record(find_cases([CASE])[0], precision="double", mode="kernels", epochs=1)
    assert 1e-9 < distance(recording.epochs[0].kernels["grad"], double.epochs[0].kernels["grad"]) < 1e-5


def test_a_trainer_without_recurrent_nets_is_told_so_and_is_not_asked_for_them(tmp_path):
    for name in OURS.glob("*.m"):
        shutil.copy(name, tmp_path)
    with pytest.raises(ParityError, match=r"expected rnn/rnn_epoch\.m for a recurrent case, got no such file"):
        compared(tmp_path)
    names = {
        reference: {
            run.case.name for run in planned_runs(OctaveEngine(reference), ["all"], ["lockstep"], ["double"], [])
        }
        for reference in (None, tmp_path)
    }
    assert names[None] - names[tmp_path] == set(RECURRENT_CASES)
    with pytest.raises(ParityError, match="expected cases of nnet_train_2 on a tape, got rnn_tanh_linear"):
        pack(tmp_path / "tape", find_cases([CASE]))
