"""Checks of derivatives find wrong ones, and pass right ones of every kind of problem."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import autodiff_problem, check_derivatives, recurrent
from hf_matlab_compat.errors import DataError, OptionError
from hf_matlab_compat.problem import Gradient
from hf_matlab_compat.state import Score


class Logistic:
    """A logistic regression whose figures can be made wrong."""

    num_parameters, num_chunks = 4, 2

    def __init__(self, **wrong: float) -> None:
        rng = np.random.default_rng(1)
        self.X, self.t = rng.standard_normal((4, 20)), rng.integers(0, 2, 20)
        self.wrong, self.products = wrong, 0

    def part(self, on: Any) -> Any:
        return slice(None) if on.chunk is None else slice(10 * on.chunk, 10 * on.chunk + 10)

    def score(self, theta: Any, on: Any) -> Score:
        a = theta @ self.X[:, self.part(on)]
        ll = np.mean(self.t[self.part(on)] * a - np.logaddexp(0, a))
        return Score(log_likelihood=float(ll), error=0.0)

    def gradient(self, theta: Any, on: Any) -> Gradient:
        r = (self.t - 1 / (1 + np.exp(-theta @ self.X))) * self.X
        full, chunk = r.mean(1), r[:, self.part(on)].mean(1)
        full[0] += self.wrong.get("gradient", 0)
        chunk[-1] += self.wrong.get("chunk", 0)
        if "theta" in self.wrong:
            theta += 1e-9
        if "buffer" in self.wrong:
            self.kept = getattr(self, "kept", full)
            self.kept[...] = full
            full = self.kept
        return Gradient(full, self.score(theta, on.all).log_likelihood + self.wrong.get("likelihood", 0), chunk)

    def chunk_gradient(self, theta: Any, on: Any) -> Gradient:
        g = self.gradient(theta, on)
        return Gradient(g.chunk + self.wrong.get("alone", 0), g.log_likelihood)

    def curvature(self, theta: Any, on: Any, gradient: Any) -> Any:
        p = 1 / (1 + np.exp(-theta @ self.X))
        B = (p * (1 - p) * self.X) @ self.X.T / 20
        B[0, 1] += self.wrong.get("symmetry", 0)
        B *= self.wrong.get("scale", 1)
        B -= self.wrong.get("definite", 0) * np.eye(4)
        if on.chunk is not None:
            B *= self.wrong.get("of_chunk", 1)
        kept: dict[bytes, Any] = {}

        def product(v: Any) -> Any:
            found = B @ v + self.wrong.get("linear", 0)
            if "v" in self.wrong:
                v += 1
            self.products += 1
            found *= np.nan if self.products > self.wrong.get("nan_from", np.inf) else 1
            return kept.setdefault(v.tobytes(), found) if "kept" in self.wrong else found

        return product


def failing(problem: Any, **given: Any) -> list[str]:
    found = check_derivatives(problem, np.full(4, 0.3), **given)
    return [check.name for check in found.checks if not check.agrees]


def test_right_derivatives_agree() -> None:
    assert failing(Logistic()) == []
    assert failing(Logistic(), hessian=True) == []
    assert failing(Logistic(), against=Logistic()) == []


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ({"gradient": 1e-4}, {"gradient, all cases"}),
        ({"chunk": 1e-4}, {"gradient, each chunk"}),
        ({"likelihood": 1e-6}, {"log-likelihood of gradient and of score"}),
        ({"theta": 1}, {"theta is left as it was", "gradient of a chunk alone"}),
        ({"buffer": 1}, {"gradient, not changed by a later one"}),
        ({"alone": 1e-4}, {"gradient of a chunk alone"}),
        ({"kept": 1}, {"product, the same bits twice"}),
        ({"symmetry": 1e-6}, {"product, symmetric: u'Bv = v'Bu"}),
        ({"linear": 1e-6}, {"product, linear: B(2u + v) = 2Bu + Bv", "product, symmetric: u'Bv = v'Bu"}),
        ({"definite": 1}, {"product, not negative: v'Bv >= 0"}),
        ({"v": 1}, {"v is left as it was"}),
    ],
)
def test_a_wrong_figure_is_found(wrong: dict[str, float], names: set[str]) -> None:
    assert names >= set(failing(Logistic(**wrong)))
    assert set(failing(Logistic(**wrong)))


def test_a_wrong_factor_is_found_by_differences_or_by_another_problem() -> None:
    by_differences = ["product, differences of the gradient", "product of each chunk, by differences"]
    assert failing(Logistic(scale=1.001), hessian=True) == by_differences
    assert failing(Logistic(scale=1 + 1e-11), against=Logistic()) == ["product of both"]
    assert failing(Logistic(of_chunk=1.001), hessian=True) == by_differences[1:]
    assert failing(Logistic(of_chunk=1 + 1e-11), against=Logistic()) == ["product of both"]


def test_a_product_that_is_not_finite_for_some_vectors_is_found() -> None:
    assert "product of both" in failing(Logistic(nan_from=4), against=Logistic())


def test_a_gradient_near_an_optimum_is_compared_down_to_rounding() -> None:
    import autograd.numpy as anp

    losses = [
        lambda y: anp.sum(anp.cosh(y - 1)),
        lambda y: 1e6 + anp.sum(anp.cosh(y - 1)),
        lambda y: anp.sum((y - 1) ** 2),  # 0 at its optimum
    ]
    for loss in losses:
        p = autodiff_problem(lambda t: t, loss, initial=[1.0, 1.0])
        for theta in ([1.0, 1.0], [1 + 1e-9, 1.0], [1.0, 1 - 1e-6]):
            found = check_derivatives(p, theta)
            assert found.agree, str(found)


def test_a_kink_is_named() -> None:
    import autograd.numpy as anp

    p = autodiff_problem(anp.abs, anp.sum, initial=[1.0, 2.0], curvature="hessian")
    assert check_derivatives(p).agree
    found = check_derivatives(p, [1.0, 0.0])
    assert not found.agree
    assert "gradient, all cases: not differentiable at this theta: its slope is" in str(found)
    smooth = autodiff_problem(lambda t: anp.abs(t) ** 1.0 * t, anp.sum, initial=[1.0, 2.0], curvature="hessian")
    assert check_derivatives(smooth, [1.0, 0.0]).checks[0].agrees  # x|x| has a slope at 0, but no curvature


def test_the_table_fits_a_terminal() -> None:
    text = str(check_derivatives(Logistic(gradient=1), np.zeros(4), against=Logistic()))
    assert max(map(len, text.splitlines())) <= 80
    assert "gradient, all cases" in text
    assert "DIFFERS" in text


def test_recurrent_nets_pass() -> None:
    bits = np.random.default_rng(0).integers(0, 2, (1, 6, 10))
    p = recurrent(bits, bits, hidden_sizes=[4], unit_types=["tanh", "logistic"], num_chunks=2, curvature="hessian")
    found = check_derivatives(p, hessian=True, directions=2)
    assert found.agree, str(found)


def test_bad_calls_are_refused() -> None:
    with pytest.raises(OptionError, match=r"^theta: expected parameters, since the problem gives none"):
        check_derivatives(Logistic())
    with pytest.raises(DataError, match=r"^theta: expected 4 numbers, got 3"):
        check_derivatives(Logistic(), np.zeros(3))
    with pytest.raises(OptionError, match=r"^directions: expected a whole number of at least 1"):
        check_derivatives(Logistic(), np.zeros(4), directions=0)
    with pytest.raises(OptionError, match=r"^problem: expected an object with score"):
        check_derivatives(object(), np.zeros(4))
    other = Logistic()
    other.num_parameters = 5
    with pytest.raises(OptionError, match=r"^against: expected a problem of the same 4 parameters"):
        check_derivatives(Logistic(), np.zeros(4), against=other)
