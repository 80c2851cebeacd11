"""A run whose derivatives were recorded from another program, and the faults that it must show."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat.hypergradients import Descent, Reversible, Shortcut, hypergradients, hypergradients_of
from hf_matlab_compat.hypergradients.descent import Schedule
from hf_matlab_compat.hypergradients.trail import Training, run_back
from hf_matlab_compat.studies.hypergradient_net import ETA, Functions, P, classifier

NET = classifier()
WAYS = ["reversible", "checkpoints", "stored"]


@pytest.fixture(scope="module")
def recorded():
    content = loadmat(Path(__file__).parents[1] / "goldens" / "methods" / "reversible.mat")
    return {name: value.ravel() for name, value in content.items() if not name.startswith("__")}


@pytest.fixture(scope="module")
def descent(recorded):
    return Descent(recorded["alpha"], recorded["gamma"])


@pytest.fixture(scope="module")
def training(recorded, descent):
    return Training(NET, Schedule(descent, [P]), recorded["x0"], ETA)


def distance(found, wanted):
    return np.linalg.norm(np.subtract(found, wanted)) / np.linalg.norm(wanted)


def check(found, recorded):
    assert found.value == pytest.approx(recorded["val_loss"][0], rel=1e-9)
    np.testing.assert_allclose(found.d_eta, recorded["dloglam"], rtol=1e-6)
    assert distance(found.d_learning_rates, recorded["dalpha"]) < 1e-6
    assert distance(found.d_momenta, recorded["dgamma"]) < 1e-6
    assert distance(found.d_start, recorded["dx0"]) < 1e-6
    assert abs(found.x_final - recorded["x_final"]).max() < 1e-8


@pytest.mark.parametrize("by", WAYS)
def test_derivatives_are_those_recorded(by, recorded, descent):
    found = hypergradients_of(NET, recorded["x0"], recorded["log_l2"], descent, by)
    check(found, recorded)
    assert found.d_learning_rates.sum() == pytest.approx(-0.2125982663, rel=1e-6)
    assert found.d_momenta.sum() == pytest.approx(-0.1831456194, rel=1e-6)


def test_autograd_gives_the_same(recorded, descent):
    pytest.importorskip("autograd")
    functions = Functions(NET)
    check(hypergradients(functions.loss, functions.validation, recorded["x0"], ETA, descent), recorded)


def test_integers_and_remainders_are_those_recorded(recorded, training):
    trail = Reversible().run(training)
    assert sum(each.bit_length() for each in trail.remainders) == recorded["bits"][0] == 21209
    # the gradients' last bits are the recording program's own: x differs by 9e-14 after 120 steps, 400 of 2^20 units
    gap = (trail.integers[0] - recorded["x_final_int_mod"].astype(np.int64) + 2**19) % 2**20 - 2**19
    assert abs(gap).max() < 1000


def test_integers_are_those_of_the_published_recursion_on_long_integers(training):
    n, scale = 58983, 2**52
    x, v, store = ([int(each * scale) for each in training.start], [0] * P, [0] * P)
    for t in range(20):
        g = NET.gradient(np.array(x) / scale, ETA, t)
        kicks = ((n / 65536 - 1) * g * scale).tolist()
        store = [s * 65536 + i % 65536 for s, i in zip(store, v, strict=True)]
        v = [i // 65536 * n + s % n + int(k) for i, s, k in zip(v, store, kicks, strict=True)]
        store = [s // n for s in store]
        moves = (training.schedule.rate(t) * (np.array(v) / scale) * scale).tolist()
        x = [i + int(move) for i, move in zip(x, moves, strict=True)]
    first = Schedule(Descent(training.schedule._rates[:20], 0.9), [P])
    trail = Reversible().run(Training(NET, first, training.start, ETA))
    assert [each.tolist() for each in trail.integers] == [x, v]
    assert trail.remainders == store


def test_the_short_cut_is_the_one_recorded(recorded, descent):
    constant = Shortcut(Descent(0.6, steps=12))
    found = hypergradients_of(NET, recorded["x0"], ETA, descent, constant)
    np.testing.assert_allclose(found.d_eta, recorded["drmad12"], rtol=1e-6)
    assert found.d_learning_rates is None
    assert found.d_momenta is None
    by_parts = hypergradients_of(NET, recorded["x0"], ETA, descent, "shortcut")
    np.testing.assert_allclose(by_parts.d_eta, found.d_eta, rtol=0.02)  # mean rates of ten steps each, about .6


def test_v_undone_last_gives_wrong_derivatives_by_momenta(recorded, training):
    class VUndoneLast:
        def __init__(self, trail):
            self.schedule, self._trail = trail.schedule, trail

        def back(self):
            return (step._replace(velocities=(step.velocities[0],) * 2) for step in self._trail.back())

    trail = Reversible().run(training)
    _, dx, deta = NET.validation(trail.x_final, ETA)
    wrong = run_back(VUndoneLast(trail), dx, deta)
    decay = 58983 / 65536  # v + g of after the step is γ (v + g) of before it
    assert distance(wrong.dmomenta.ravel(), decay * recorded["dgamma"]) < 1e-6
    assert distance(wrong.dmomenta.ravel(), recorded["dgamma"]) == pytest.approx(0.1, rel=0.01)
    assert distance(wrong.drates.ravel(), recorded["dalpha"]) < 1e-6
