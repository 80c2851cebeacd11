"""The familiar routines: against recorded kernels, against values by hand, and their sentences for bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hf_matlab_compat.errors import ArgumentError
from hf_matlab_compat.legacy import (
    computeFV,
    computeGradient,
    computeGV,
    computeHV,
    computeLL,
    computePred,
    conjgrad_1,
)
from tests.cases import MAIN, PRECISIONS, UNITS, arguments, probe
from tests.parity.golden_bounds import distance
from tests.parity.test_golden_kernels import bound_at
from tests.small_run import INPUTS, PSIZE, TARGETS, THETA

PRODUCTS = {"gn": computeGV, "hess": computeHV, "empfish": computeFV}
RECORDED = [(name, precision) for name in (*MAIN, *UNITS) for precision in PRECISIONS]


def recorded_setting(name: str, precision: str) -> dict[str, Any]:
    words = ("layersizes", "layertypes", "rms", "errtype", "hybridmode", "weightcost")
    return {**{word: arguments(name)[word] for word in words}, "precision": precision}


def recorded_data(name: str) -> tuple[Any, ...]:
    m = arguments(name)
    return m["indata"], m["outdata"], m["numchunks"]


@pytest.mark.parametrize(("name", "precision"), RECORDED)
def test_computeLL_gives_the_recorded_likelihoods_and_errors(name: str, precision: str) -> None:
    p, setting = probe(name, precision), recorded_setting(name, precision)
    whole = computeLL(p["paramsp"], *recorded_data(name), **setting)
    chunk = computeLL(p["paramsp"], *recorded_data(name), p["targetchunk"], **setting)
    for figure, key in zip((*whole, *chunk), ("ll", "err", "ll_chunk", "err_chunk"), strict=True):
        assert distance(figure, p[key]) <= bound_at(name, precision, 1, key), key


@pytest.mark.parametrize(("name", "precision"), RECORDED)
def test_computeGradient_gives_the_recorded_gradients(name: str, precision: str) -> None:
    p = probe(name, precision)
    g = computeGradient(p["paramsp"], *recorded_data(name), p["targetchunk"], **recorded_setting(name, precision))
    for key in ("grad", "grad2", "gradchunk", "grad2chunk"):
        assert getattr(g, key).shape == (p["grad"].size, 1)
        assert distance(getattr(g, key), p[key]) <= bound_at(name, precision, 1, key), key
    assert distance(g.ll, p["oldll"]) <= bound_at(name, precision, 1, "oldll")


@pytest.mark.parametrize(("name", "precision"), RECORDED)
def test_products_are_the_recorded_ones(name: str, precision: str) -> None:
    p, product = probe(name, precision), PRODUCTS[arguments(name)["mattype"].item()]
    given = (p["v"], p["paramsp"], *recorded_data(name), p["targetchunk"])
    setting = recorded_setting(name, precision)
    undamped, damped = (product(*given, **setting, lambda_=lam) for lam in (0, p["lambda"]))
    assert distance(undamped, p["Bv_undamped"]) <= bound_at(name, precision, 1, "Bv_undamped")
    assert distance(damped, p["Bv"]) <= bound_at(name, precision, 1, "Bv")


@pytest.mark.parametrize("name", MAIN)
def test_conjgrad_1_takes_the_recorded_steps(name: str) -> None:
    p, setting = probe(name, "double"), recorded_setting(name, "double")
    product = PRODUCTS[arguments(name)["mattype"].item()]
    given = (p["paramsp"], *recorded_data(name), p["targetchunk"])

    def Afunc(v: NDArray[Any]) -> NDArray[Any]:
        return -product(v, *given, **setting, lambda_=p["lambda"])

    xs, steps = conjgrad_1(Afunc, p["grad"], p["ch0"], 250, 1, p["precon"])
    np.testing.assert_array_equal(steps, p["iterses"])
    assert xs[0].shape == (p["grad"].size, 1)
    assert distance(xs[0], p["chs"].reshape(p["grad"].size, -1)[:, 0]) < 1e-13


# --- by hand: one logistic unit on two inputs, two cases in two chunks

TINY: dict[str, Any] = {"layersizes": [], "layertypes": ["logistic"], "precision": "double"}
FREE: dict[str, Any] = {**TINY, "weightcost": 0}
W = np.array([[1.0], [-2.0], [0.5]])
X = np.array([[1.0, 0.0], [0.0, 1.0]])
T = np.array([[1.0, 0.0]])
Y = 1 / (1 + np.exp(-np.array([1.5, -1.5])))
CASES = np.vstack([X, np.ones(2)])


def test_the_likelihood_of_a_tiny_network_is_that_by_hand() -> None:
    ll, err = computeLL(W, X, T, 2, **TINY, weightcost=0.1)
    assert ll == pytest.approx(np.log(Y[0]) - 0.05 * 5.25, rel=1e-14)
    assert err == pytest.approx((1 - Y[0]) ** 2, rel=1e-14)
    assert computeLL(W, X, T, 2, 2, **FREE)[0] == pytest.approx(np.log(1 - Y[1]), rel=1e-14)
    assert computeLL(W, X, T, 1, **TINY, weightcost=0.1, maskp=[1, 1, 0])[0] == pytest.approx(np.log(Y[0]) - 0.25)
    assert computeLL(W, X, T, 1, **FREE, rms=1)[0] == pytest.approx(-((1 - Y[0]) ** 2))
    assert computeLL(W, X, T, 1, **TINY, errtype="none")[1] == 0


def test_without_a_word_about_it_the_weight_cost_is_the_trainers() -> None:
    ll, _ = computeLL(1e3 * W, X, 1 - T, 2, **TINY, rms=1)
    assert ll == pytest.approx(-1 - 0.5 * 2e-5 * 5.25e6, rel=1e-6)
    v = np.array([[3.0], [1.0], [2.0]])
    np.testing.assert_allclose(
        computeGV(v, W, X, T, 2, **TINY) - computeGV(v, W, X, T, 2, **FREE), -2e-5 * v, rtol=1e-9
    )
    np.testing.assert_allclose(
        computeGradient(W, X, T, 2, **TINY).grad - computeGradient(W, X, T, 2, **FREE).grad, -2e-5 * W
    )


def test_the_prediction_of_a_tiny_network_is_that_by_hand() -> None:
    np.testing.assert_allclose(computePred(W, X, **TINY), [Y], rtol=1e-15)
    assert computePred(W, X, **{**TINY, "precision": "single"}).dtype == np.float32


def test_the_gradient_of_a_tiny_network_is_that_by_hand() -> None:
    g = computeGradient(W, X, T, 2, 2, **TINY, weightcost=0.1)
    e = T[0] - Y
    np.testing.assert_allclose(g.grad.ravel(), CASES @ e / 2 - 0.1 * W.ravel(), rtol=1e-14)
    np.testing.assert_allclose(g.grad2.ravel(), CASES**2 @ e**2 / 2, rtol=1e-14)
    np.testing.assert_allclose(g.gradchunk.ravel(), CASES[:, 1] * e[1] - 0.1 * W.ravel(), rtol=1e-14)
    np.testing.assert_allclose(g.grad2chunk.ravel(), CASES[:, 1] ** 2 * e[1] ** 2, rtol=1e-14)


@pytest.mark.parametrize("product", [computeGV, computeHV])
def test_curvatures_of_a_tiny_network_are_those_by_hand(product) -> None:
    v, H = np.array([[3.0], [1.0], [2.0]]), CASES @ np.diag(Y * (1 - Y)) @ CASES.T
    all_cases = product(v, W, X, T, 2, **TINY, hybridmode=0, weightcost=0.1, lambda_=7)
    np.testing.assert_allclose(all_cases, -(H @ v / 2 + 7.1 * v), rtol=1e-14)
    c = CASES[:, [1]]
    np.testing.assert_allclose(product(v, W, X, T, 2, 2, **FREE), -Y[1] * (1 - Y[1]) * c * (c.T @ v), rtol=1e-14)


def test_the_empirical_fisher_of_a_tiny_network_is_the_covariance_of_gradients() -> None:
    v = np.array([[3.0], [1.0], [2.0]])
    gradients = CASES * (T[0] - Y)
    mean = gradients.mean(axis=1, keepdims=True)
    F = gradients @ gradients.T / 2 - mean @ mean.T
    np.testing.assert_allclose(computeFV(v, W, X, T, 1, **FREE), -F @ v, rtol=1e-13)


def test_conjgrad_1_solves_a_tiny_system_whatever_the_type_of_its_numbers() -> None:
    A = np.array([[2, 0], [0, 1]])
    xs, steps = conjgrad_1(lambda v: A @ v, [2, 3], [[0], [0]], 1.5, 1, [])
    assert steps == [2]
    np.testing.assert_allclose(xs[0], [[1], [3]], rtol=1e-14)
    assert conjgrad_1(lambda v: A @ v, [2, 3], [0, 0], 2, 1, [1, 1], inext=1, imult=1.5, faithful=False)[1] == [1, 2]


def test_conjgrad_1_uses_its_preconditioner() -> None:
    A, b = np.diag([1.0, 100.0]), np.ones(2)
    assert len(conjgrad_1(lambda v: A @ v, b, 0 * b, 1, 1, [])[0]) == 1
    np.testing.assert_allclose(conjgrad_1(lambda v: A @ v, b, 0 * b, 1, 1, np.diag(A))[0][0], [[1], [0.01]])


def test_all_sizes_are_understood_in_place_of_the_hidden_ones() -> None:
    setting = {"layertypes": ["logistic", "logistic"]}
    both = [computeLL(THETA, INPUTS, TARGETS, 2, layersizes=sizes, **setting) for sizes in ([4], [6, 4, 3])]
    assert both[0] == both[1]
    predictions = [computePred(THETA, INPUTS, layersizes=sizes, **setting) for sizes in ([4], [6, 4, 3])]
    np.testing.assert_array_equal(*predictions)


@pytest.mark.parametrize("empty", [None, [], np.zeros((0, 0))], ids=["None", "list", "0x0"])
def test_no_chunk_means_all_cases_in_any_of_matlabs_ways(empty: Any) -> None:
    everything = computeLL(*GIVEN, **SMALL)
    assert computeLL(*GIVEN, empty, **SMALL) == everything
    assert computeLL(*GIVEN, 1, **SMALL) != everything


SMALL: dict[str, Any] = {"layersizes": [4], "layertypes": ["logistic", "logistic"]}
GIVEN = (THETA, INPUTS, TARGETS, 2)


def cg(**changes: Any) -> Any:
    known = {"Afunc": lambda v: v, "b": [1, 2], "x0": [0, 0], "maxiters": 5, "miniters": 1, "Mdiag": []}
    return conjgrad_1(**{**known, **changes})


SENTENCES = {
    "chunk 3 of 2": (lambda: computeLL(*GIVEN, 3, **SMALL), "tchunk: expected a chunk from 1 to 2, got 3."),
    "chunk 0": (lambda: computeGV(THETA, *GIVEN, 0, **SMALL), "targetchunk: expected a chunk from 1 to 2, got 0."),
    "chunk 9": (lambda: computeGradient(*GIVEN, 9, **SMALL), "targetchunk: expected a chunk from 1 to 2, got 9."),
    "no chunk": (lambda: computeHV(THETA, *GIVEN, [], **SMALL), "targetchunk: expected a chunk from 1 to 2, got []."),
    "half a chunk": (lambda: computeLL(*GIVEN, 1.5, **SMALL), "tchunk: expected a chunk from 1 to 2, got 1.5."),
    "chunks": (lambda: computeLL(THETA, INPUTS, TARGETS, 5, **SMALL), "nchunks: expected a divisor of the 12 cases in"),
    "cases": (
        lambda: computeLL(THETA, INPUTS, TARGETS[:, :3], 1, **SMALL),
        "out: expected as many cases (columns) as ",
    ),
    "rows": (lambda: computeLL(THETA, INPUTS.T, TARGETS.T, 1, **SMALL), "out: expected as many cases (columns) as in_"),
    "psize": (lambda: computeGradient(THETA[1:], *GIVEN[1:], **SMALL), "params: expected 43 numbers, as the layers 6 "),
    "prediction": (
        lambda: computePred(THETA, INPUTS[1:], **SMALL),
        "params: expected the parameters of layers 5 4 and any number of outputs, got 43 numbers, which fit "
        "no such network. Check layersizes, and that cases are in columns.",
    ),
    "prediction of all layers": (
        lambda: computePred(THETA, INPUTS, layersizes=[6, 4, 2], layertypes=["tanh", "tanh"]),
        "params: expected 38 numbers, as the layers 6 4 2 have, got 43.",
    ),
    "prediction of rows": (
        lambda: computePred(THETA, INPUTS.T, **SMALL),
        "params: expected the parameters of layers 12 4 and any number of outputs, got 43 numbers, which fit "
        "no such network. Cases go in columns; in_ seems to have them in rows: transpose it.",
    ),
    "single": (
        lambda: computeLL(THETA, INPUTS * 1e40, TARGETS, 1, **SMALL),
        "in_: expected numbers that single precision holds, up to 3.4e+38, got",
    ),
    "V": (lambda: computeHV(THETA[1:], *GIVEN, **SMALL), "V: expected 43 numbers, as params has, got 42."),
    "lambda_": (lambda: computeGV(THETA, *GIVEN, **SMALL, lambda_=-1), "lambda_: expected a finite number of at least"),
    "maskp": (lambda: computeLL(*GIVEN, **SMALL, maskp=[1]), "maskp: expected 43 numbers, got 1."),
    "missing": (lambda: computeLL(*GIVEN, layersizes=[4]), "setting: expected keywords among layersizes, layertypes,"),
    "unknown": (lambda: computeLL(*GIVEN, **SMALL, decay=1), "setting: expected keywords among layersizes, layertypes"),
    "mattype": (lambda: computeLL(*GIVEN, **SMALL, mattype="newton"), "mattype: expected one of 'gn', 'hess', 'empfi"),
    "types": (lambda: computeLL(*GIVEN, layersizes=[4], layertypes=["tanh"]), "layertypes: expected 2 names, one for"),
    "sizes": (lambda: computeLL(*GIVEN, **{**SMALL, "layersizes": "a"}), "layersizes: expected whole numbers of at "),
    "complex": (
        lambda: computePred(THETA, INPUTS * 1j, **SMALL),
        "in_: expected an array of real numbers, got complex",
    ),
    "x0": (lambda: cg(x0=[0]), "x0: expected 2 numbers, as b has, got 1."),
    "Mdiag": (lambda: cg(Mdiag=[1, 1, 1]), "Mdiag: expected 2 numbers, as b has, got 3."),
    "Afunc": (lambda: cg(Afunc=lambda v: v[1:]), "Afunc: expected 2 numbers, as b has, got 1."),
    "maxiters": (lambda: cg(maxiters=0), "maxiters: expected a whole number of at least 1, got 0."),
    "tolerance": (lambda: cg(tolerance=-1), "tolerance: expected a finite number of at least 0, got -1."),
    "option": (lambda: cg(tolerence=1), "tolerence: expected the name of an option, got an unknown name."),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_bad_input_is_said_in_the_routines_words(case: str) -> None:
    call, sentence = SENTENCES[case]
    with pytest.raises(ArgumentError) as caught:
        call()
    assert str(caught.value).startswith(sentence)


def test_what_the_original_never_wrote_needs_faithful_off() -> None:
    tanh = {"layersizes": [4], "layertypes": ["tanh", "logistic"]}
    with pytest.raises(ArgumentError, match=r"layertypes: expected no 'tanh' with mattype='hess'"):
        computeHV(THETA, *GIVEN, **tanh)
    assert computeHV(THETA, *GIVEN, **tanh, faithful=False).shape == (PSIZE, 1)


@pytest.mark.parametrize("unit", ["logistic", "tanh", "linear", "softmax"])
def test_predictions_need_no_loss(unit: str) -> None:
    setting = {"layersizes": [4], "layertypes": ["tanh", unit], "precision": "double"}
    assert np.isfinite(computePred(THETA, INPUTS, **setting)).all()
