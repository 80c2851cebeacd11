"""The study of hypergradients: memory by measurement, what floating point loses, and where the short cut is wrong."""

import sys

import numpy as np
import pytest

from hf_matlab_compat.cli import main
from hf_matlab_compat.hypergradients import hypergradients_of
from hf_matlab_compat.hypergradients.engines import by_engine
from hf_matlab_compat.studies import hypergradient_tuning as tuning
from hf_matlab_compat.studies import hypergradient_ways as ways
from hf_matlab_compat.studies import hypergradients as study
from hf_matlab_compat.studies.hypergradient_net import ETA, Functions, P, Pass, classifier, descent, held_out, start

NET = classifier()


def test_derivatives_by_hand_are_those_of_autograd():
    pytest.importorskip("autograd")
    functions, rng = Functions(NET), np.random.default_rng(0)
    theirs = by_engine("autograd", functions.loss, functions.validation, (start(0), ETA))
    x, w = start(1), rng.standard_normal(P)
    for t in (0, 5, 6, 11):
        (mine, products), (wanted, wanted_products) = NET.linearized(x, ETA, t), theirs.linearized(x, ETA, t)
        np.testing.assert_allclose(mine, wanted, rtol=0, atol=1e-15)
        assert (mine == NET.gradient(x, ETA, t)).all()
        for found, exact in zip(products(w), wanted_products(w), strict=True):
            np.testing.assert_allclose(found, exact, rtol=1e-12, atol=1e-14)
    for found, exact in zip(NET.validation(x, ETA), theirs.validation(x, ETA), strict=True):
        np.testing.assert_allclose(found, exact, rtol=1e-12, atol=1e-15)


def test_reversible_learning_keeps_a_hundredth_of_a_thousand_steps():
    kept, alive = zip(*(ways.memory_of(NET, start(0), descent(1000), way) for way in ways.WAYS), strict=True)
    memory = dict(zip(ways.WAYS, kept, strict=True))
    counted = {
        way: hypergradients_of(NET, start(0), ETA, descent(1000), way).kept_bytes for way in ("stored", "reversible")
    }
    assert memory["stored"] >= 1000 * P * 8
    assert memory["stored"] / memory["reversible"] >= 100
    assert memory["stored"] / memory["checkpoints"] < 20
    assert memory["shortcut"] < memory["reversible"] < memory["checkpoints"] / 8
    assert counted["stored"] <= memory["stored"] < 1.02 * counted["stored"]
    # besides what is kept: x of the end, and some objects
    assert counted["reversible"] + P * 8 <= memory["reversible"] < counted["reversible"] + P * 8 + 9000
    most = dict(zip(ways.WAYS, alive, strict=True))
    assert most["stored"] / most["reversible"] >= 65
    assert all(most[way] >= memory[way] for way in ways.WAYS)


def test_the_short_cut_goes_back_in_a_tenth_of_the_steps():
    class Counting(ways.Meter):
        count = 0

        def linearized(self, x, eta, t):
            self.count += 1
            return super().linearized(x, eta, t)

    counts = {}
    for way in ways.WAYS:
        meter = Counting(NET)
        hypergradients_of(meter, start(0), ETA, descent(200), way)
        counts[way] = meter.count
    assert counts == {"stored": 200, "checkpoints": 200, "reversible": 200, "shortcut": 20}


def test_training_undone_in_floating_point_misses_the_start():
    errors = [study.error_of_undoing_in_floating_point(steps) for steps in study.LENGTHS]
    assert [round(np.log10(each)) for each in errors] == pytest.approx([-14, -11, -6, 1], abs=1)
    assert errors[-1] > 1


def test_the_short_cut_has_right_signs_after_200_steps_and_wrong_ones_after_1000():
    short, long = (study.directions(steps, range(4)) for steps in (200, 1000))
    assert all(each.right_signs and each.cosine > 0.9996 for each in short)
    assert [each.right_signs for each in long] == [True, False, False, False]
    assert [each.cosine for each in long] == pytest.approx([0.998, 0.997, 0.9995, 0.959], abs=0.002)
    assert all(abs(each.short[1] / each.exact[1] - 1) > 0.5 for each in short)  # the size is wrong everywhere


def test_signs_of_hypergradients_lower_the_validation_loss():
    values = tuning.by_signs(100, 0, "reversible", updates=6)
    assert (np.diff(values) < 0).all()


def test_learning_rates_found_are_better_than_constant_ones(tmp_path):
    found = tuning.find_rates(updates=25)
    assert found.rates.shape == (100, 2)
    *constant, last = found.judged.values()
    assert last.validation == found.values[-1]
    assert last.validation < min(each.validation for each in constant)
    assert last.test < min(each.test for each in constant)
    assert len(found.values) == 26
    drawn = tuning.Found([tuning.Tuning(0, np.array([2.0, 1]), np.array([2.0, 3]))], found)
    drawn.plot(tmp_path / "rates.svg")
    assert "by step and layer, 25 updates" in drawn.text()
    text = (tmp_path / "rates.svg").read_text(encoding="utf-8")
    assert text.startswith("<?xml")


def test_test_cases_are_neither_trained_on_nor_validated():
    seen = {row.tobytes() for cases in (NET.training, NET.validated) for row in cases.inputs}
    assert not seen & {row.tobytes() for row in held_out().inputs}
    assert Pass.at(start(0), held_out()).p.sum() == pytest.approx(497)


def test_the_command_prints_its_tables_in_80_columns(capsys, monkeypatch):
    monkeypatch.setattr(study, "LONG", 60)
    monkeypatch.setattr(study, "SHORTENED", (6, 60))
    monkeypatch.setattr(tuning, "UPDATES_OF_RATES", 2)
    code = main(["study", "hypergradients", "--steps", "30", "--starts", "1", "--schedule"])
    out = capsys.readouterr().out
    assert code == 1  # 30 steps are too few for a ratio of 100
    assert "not met" in out
    assert max(map(len, out.splitlines())) <= 80
    for part in (
        "kept kB",
        "undone in floating point",
        "cosine",
        "of a short cut back",
        "by step and layer, 2 updates",
    ):
        assert part in out


@pytest.mark.parametrize("option", ["--steps", "--starts"])
def test_a_study_of_nothing_is_refused(option, capsys):
    assert main(["study", "hypergradients", option, "0"]) != 0
    assert f"{option[2:]}: expected a whole number of at least 1, got 0" in capsys.readouterr().err


def test_one_step_is_measured():
    assert [each.way for each in ways.measure(1, 0)] == list(ways.WAYS)


def test_a_picture_that_cannot_be_drawn_is_refused_before_the_study(capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["study", "hypergradients", "--picture", str(tmp_path / "x.png")]) == 2
    assert capsys.readouterr() == (
        "",
        "matplotlib: expected the package, which draws pictures, got no such package. "
        "Run pip install 'hf_matlab_compat[plot]'.\n",
    )


@pytest.mark.study
def test_the_marks_are_met_and_exact_hypergradients_tune_better(capsys):
    assert main(["study", "hypergradients"]) == 0
    for each in tuning.tune(1000, range(4), print):
        assert each.exact.min() < each.short.min()
