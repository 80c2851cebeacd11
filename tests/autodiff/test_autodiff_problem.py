"""Models written as functions train like any problem, with each engine that is installed."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import autodiff_problem, check_derivatives, train
from hf_matlab_compat.autodiff import cases as cases_module
from hf_matlab_compat.errors import ArgumentError, DataError, NonFiniteError, OptionError
from hf_matlab_compat.problem import Cases
from tests.autodiff.engines import INSTALLED, START, T, X, classifier

every_engine = pytest.mark.parametrize("engine", INSTALLED)


@cache
def default(engine: str) -> Any:
    """Made once: JAX compiles for each problem."""
    return problem(engine, num_chunks=1)


def problem(engine: str = "autograd", **changes: Any) -> Any:
    if not changes:
        return default(engine)
    written = classifier(engine if engine in ("jax", "torch") else "autograd")
    given = {"inputs": X, "targets": T, "initial": START, "error": written.error, "engine": engine, **changes}
    return autodiff_problem(written.output, written.loss, **given)


def dense(p: Any, theta: Any, on: Cases = Cases()) -> Any:  # noqa: B008
    B = p.curvature(theta, on, None)
    return np.array([B(e) for e in np.eye(p.num_parameters)])


def jacobian_of_outputs(theta: Any) -> Any:
    """By complex steps, in plain numpy: (outputs · cases, P)."""

    def outputs(t: Any) -> Any:
        W, b, out = t[:20].reshape(5, 4), t[20:25].reshape(5, 1), t[25:].reshape(3, 5)
        return out @ np.tanh(W @ X + b)

    columns = [outputs(theta + 1e-30j * e).imag.ravel() / 1e-30 for e in np.eye(40)]
    return outputs(theta), np.array(columns).T


@every_engine
def test_figures_and_products_are_those_of_dense_matrices(engine: str) -> None:
    p = problem(engine, weight_decay=0.1)
    theta = p.initial_theta() + 0.1 * np.cos(np.arange(40))
    y, J = jacobian_of_outputs(theta)
    prob = np.exp(y) / np.exp(y).sum(0)
    loss = (np.log(np.exp(y).sum(0)) - (y * T).sum(0)).mean()
    K = np.zeros((180, 180))  # the softmax's Hessian, case by case
    for n in range(60):
        where = n + 60 * np.arange(3)
        K[np.ix_(where, where)] = np.diag(prob[:, n]) - np.outer(prob[:, n], prob[:, n])
    g = -J.T @ (prob - T).ravel() / 60 - 0.1 * theta
    np.testing.assert_allclose(p.score(theta, Cases()).log_likelihood, -loss - 0.05 * theta @ theta, rtol=1e-13)
    np.testing.assert_allclose(p.score(theta, Cases()).error, (y.argmax(0) != T.argmax(0)).mean(), rtol=1e-13)
    np.testing.assert_allclose(p.gradient(theta, Cases()).full, g, rtol=1e-12, atol=1e-15)
    G = J.T @ K @ J / 60 + 0.1 * np.eye(40)
    np.testing.assert_allclose(dense(p, theta), G, rtol=1e-12, atol=1e-14)


@every_engine
def test_squares_of_single_cases_make_the_diagonal_where_the_engine_vectorises(engine: str) -> None:
    p = problem(engine)
    theta = p.initial_theta()
    one_by_one = [problem(inputs=X[:, n : n + 1], targets=T[:, n : n + 1]) for n in range(60)]
    squares = np.mean([each.gradient(theta, Cases()).full ** 2 for each in one_by_one], axis=0)
    if engine == "autograd":
        assert p.option_defaults["preconditioner"] == "equilibration"
        return
    assert "preconditioner" not in p.option_defaults
    np.testing.assert_allclose(p.curvature(theta, Cases(), None).diagonal(0.5), squares + 0.5, rtol=1e-12)
    in_rows = autodiff_rows(engine)
    np.testing.assert_allclose(in_rows.curvature(theta, Cases(), None).diagonal(0.5), squares + 0.5, rtol=1e-12)


def rows(engine: str) -> dict[str, Any]:
    """The same model on cases in rows."""
    written = classifier(engine)
    return {"inputs": X.T, "targets": T.T, "cases_axis": 0} | {
        "output": lambda p, x: written.output(p, x.T).T,
        "loss": lambda y, t: written.loss(y.T, t.T),
        "error": lambda y, t: written.error(y.T, t.T),
    }


def autodiff_rows(engine: str, **changes: Any) -> Any:
    given = {"initial": START, "engine": engine, **rows(engine), **changes}
    return autodiff_problem(given.pop("output"), given.pop("loss"), **given)


@every_engine
@pytest.mark.parametrize("curvature", ["gauss_newton", "hessian"])
def test_derivatives_agree_with_differences(engine: str, curvature: str) -> None:
    p = problem(engine, curvature=curvature, weight_decay=1e-2, num_chunks=2)
    check = check_derivatives(p, hessian=curvature == "hessian", directions=2)
    assert check.agree, str(check)


@every_engine
def test_it_trains_in_both_precisions_and_resumes_to_the_last_bit(engine: str, tmp_path: Path) -> None:
    for precision in ("single", "double"):
        given = {"problem": problem(engine, num_chunks=2), "precision": precision, "max_cg_steps": 8}
        whole = train(**given, max_epochs=4)
        folder = tmp_path / precision
        folder.mkdir()
        train(**given, max_epochs=2, run_name=folder / "run")
        rest = train(**given, max_epochs=4, resume_from=folder / "run_nnet_running.mat")
        np.testing.assert_array_equal(rest.theta, whole.theta)
        lls = whole.history["train_log_likelihood"]
        assert lls[-1] > lls[0] > -1.2


@pytest.mark.parametrize("engine", INSTALLED[::2])  # JAX would compile for five sizes of blocks
def test_many_blocks_and_chunks_give_the_sums_of_one(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one = problem(engine)
    theta = one.initial_theta()
    monkeypatch.setattr(cases_module, "CASES_PER_BLOCK", 7)
    cut = problem(engine, num_chunks=3)
    assert [len(cut.data.blocks(0, cut.data.num_blocks(40, True, 4))), cut.num_chunks] == [3, 3]
    np.testing.assert_allclose(cut.gradient(theta, Cases(1)).full, one.gradient(theta, Cases()).full, rtol=1e-12)
    second = problem(engine, inputs=X[:, 20:40], targets=T[:, 20:40])
    for name in ("log_likelihood", "error"):
        figures = [getattr(p.score(theta, on), name) for p, on in ((cut, Cases(1)), (second, Cases()))]
        np.testing.assert_allclose(figures[0], figures[1], rtol=1e-13)
    np.testing.assert_allclose(cut.gradient(theta, Cases(1)).chunk, second.gradient(theta, Cases()).full, rtol=1e-12)
    np.testing.assert_allclose(
        cut.chunk_gradient(theta, Cases(1)).full, second.gradient(theta, Cases()).full, rtol=1e-12
    )
    np.testing.assert_allclose(dense(cut, theta, Cases(1)), dense(second, theta), atol=1e-14)
    np.testing.assert_allclose(dense(one.part(np.arange(20, 40)), theta), dense(second, theta), atol=1e-14)


@every_engine
def test_cases_in_rows_give_the_same(engine: str) -> None:
    p, other = problem(engine), autodiff_rows(engine)
    check = check_derivatives(other, against=p, directions=1)
    assert check.agree, str(check)


def test_parameters_come_back_as_they_were_nested() -> None:
    p = problem()
    theta = p.initial_theta() + 1
    found = p.parameters(theta[:, None])
    assert list(found) == ["W", "b", "out"]
    np.testing.assert_array_equal(found["W"], START["W"] + 1)
    np.testing.assert_array_equal(found["out"][0], START["out"][0] + 1)
    theta[0] = 99
    assert found["W"][0, 0] != 99
    with pytest.raises(DataError, match="theta: expected 40 numbers, got 39"):
        p.parameters(theta[1:])


def test_each_array_can_have_its_own_weight_decay() -> None:
    p, q = problem(), problem(weight_decay={"W": 0.5, "b": 0, "out": [2.0]})
    theta = p.initial_theta()
    strength = np.repeat([0.5, 0, 2], [20, 5, 15])
    np.testing.assert_allclose(q.gradient(theta, Cases()).full, p.gradient(theta, Cases()).full - strength * theta)
    np.testing.assert_allclose(dense(q, theta), dense(p, theta) + np.diag(strength), atol=1e-14)
    assert q.score(theta, Cases()).log_likelihood == pytest.approx(
        p.score(theta, Cases()).log_likelihood - 0.5 * strength @ theta**2
    )


@every_engine
def test_a_model_needs_neither_inputs_nor_targets(engine: str) -> None:
    xp = classifier(engine).np
    p = (
        autodiff_problem(
            lambda t: xp.stack([10 * (t[1] - t[0] ** 2), 1 - t[0]]),
            lambda y: xp.sum(y**2),
            initial=[-1.2, 1.0],
            engine=engine,
        )
        if engine != "autograd"
        else rosenbrock()
    )
    result = train(problem=p, max_epochs=30, precision="double")
    np.testing.assert_allclose(np.ravel(p.parameters(result.theta)), [1, 1], atol=1e-6)


def rosenbrock(**changes: Any) -> Any:
    import autograd.numpy as np

    return autodiff_problem(
        lambda t: np.array([10 * (t[1] - t[0] ** 2), 1 - t[0]]),
        lambda y: np.sum(y**2),
        **{"initial": [-1.2, 1.0], **changes},
    )


def test_held_out_cases_and_cases_of_each_epoch() -> None:
    p = problem()
    seen: list[int] = []

    def resample(epoch: int) -> Any:
        seen.append(epoch)
        return X * epoch, T

    moving = problem(resample=resample)
    theta = p.initial_theta()
    doubled = problem(inputs=2 * X)
    assert moving.score(theta, Cases(None, 2)) == doubled.score(theta, Cases())
    result = train(problem=moving, test_problem=p.on(X[:, :9], T[:, :9]), max_epochs=3, precision="double")
    assert seen == [2, 1, 2, 3]
    assert len(result.history["test_error"]) == 3


@every_engine
def test_whole_numbers_stay_whole_and_cases_may_be_nested(engine: str) -> None:
    xp = classifier(engine).np
    words, size = np.arange(12) % 5, np.linspace(0, 1, 12)

    def output(table: Any, given: Any) -> Any:
        return table[given["word"]] * given["more"][0]

    p = autodiff_problem(
        output,
        lambda y, t: xp.sum((y - t) ** 2),
        {"word": words, "more": (size,)},
        size,
        initial=np.ones(5),
        engine=engine,
    )
    result = train(problem=p, max_epochs=12, precision="double")
    assert result.history["train_error"][-1] < 1e-6
    np.testing.assert_allclose(result.theta.ravel(), 1, atol=1e-3)


class TestMessages:
    """One sentence in the caller's words, before anything runs."""

    def refused(self, kind: type[Exception], **changes: Any) -> str:
        with pytest.raises(kind) as found:
            problem(**changes)
        return str(found.value)

    def test_a_loss_that_is_no_scalar(self) -> None:
        wrong = {"loss": lambda y, t: (y - t) ** 2, "output": classifier("autograd").output}
        with pytest.raises(OptionError) as found:
            autodiff_problem(**wrong, inputs=X, targets=T, initial=START)
        assert str(found.value) == (
            "loss: expected a scalar, the sum over the cases, got an array of shape (3, 2). Add it up with sum()."
        )

    def test_a_mean_and_cases_that_depend_on_each_other(self) -> None:
        written = classifier("autograd")
        mean = {"output": written.output, "loss": lambda y, t: written.loss(y, t) / y.shape[1]}
        with pytest.raises(
            OptionError, match=r"^loss: expected the sum over the cases, got .* Return the sum in place"
        ):
            autodiff_problem(**mean, inputs=X, targets=T, initial=START)
        centred = {"output": lambda p, x: written.output(p, x - written.np.mean(x, 1, keepdims=True))}
        with pytest.raises(OptionError, match="must not depend on other cases"):
            autodiff_problem(**centred, loss=written.loss, inputs=X, targets=T, initial=START)
        error = self.refused(OptionError, error=lambda y, t: written.error(y, t) + 1)
        assert error.startswith("error: expected the sum over the cases, got")

    def test_an_operation_of_another_library(self) -> None:
        with pytest.raises(OptionError) as found:
            autodiff_problem(lambda p, x: np.array(p["W"] @ x, float), lambda y, t: y.sum(), X, T, initial=START)
        assert str(found.value).endswith("Write import autograd.numpy as np in place of numpy.")

    def test_outputs_in_parts_and_a_loss_without_curvature(self) -> None:
        import autograd.numpy as anp

        with pytest.raises(OptionError) as found:
            autodiff_problem(lambda p: (p, p), anp.sum, initial=[1.0])
        assert str(found.value) == "output: expected one array, got tuple. Join several into one."
        with pytest.raises(OptionError) as found:
            autodiff_problem(lambda p: p**2, anp.sum, initial=[1.0])
        assert str(found.value) == (
            "loss: expected a function that is curved in the outputs, of which Gauss-Newton is made, got a linear one. "
            "Move its last step from output to loss, such as the square, or set curvature='hessian'."
        )

    def test_an_operation_without_derivative(self) -> None:
        import autograd.numpy as anp

        def output(p: Any, x: Any) -> Any:
            return anp.nextafter(p["W"], 1.0) @ x

        with pytest.raises(OptionError, match="nextafter, of which autograd has no derivative"):
            autodiff_problem(output, lambda y, t: anp.sum(y), X, T, initial=START)

    def test_a_start_where_the_derivative_is_not_finite(self) -> None:
        import autograd.numpy as anp

        with pytest.raises(DataError) as found:  # and no warning
            autodiff_problem(lambda p: anp.sqrt(p["a"]), anp.sum, initial={"a": [1.0, 0.0]})
        assert str(found.value) == (
            "initial: expected parameters at which the loss can be differentiated, got ['a'][1] = 0, by which its "
            "derivative is inf."
        )

    def test_a_derivative_that_is_lost_in_the_middle_of_a_run(self) -> None:
        import autograd.numpy as anp

        p = autodiff_problem(
            lambda t: anp.sqrt(anp.maximum(t["a"], 0.0)), anp.sum, initial={"a": [1.0]}, curvature="hessian"
        )
        with np.errstate(all="ignore"), pytest.raises(NonFiniteError, match=r"derivative of the loss by \['a'\]\[0\]"):
            train(problem=p, initial_theta=[0.0], max_epochs=2, precision="double")

    def test_an_engine_that_is_missing_or_unknown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.refused(OptionError, engine="adept").startswith(
            "engine: expected one of 'autograd', 'jax', 'torch'"
        )
        monkeypatch.setitem(sys.modules, "autograd", None)
        said = self.refused(OptionError, num_chunks=1)
        assert said == (
            "engine: expected an engine that is installed, for 'autograd', got a Python without it. "
            "Run pip install 'hf_matlab_compat[autodiff]'."
        )
        assert self.refused(OptionError, engine="theano").startswith(
            "engine: expected one of 'autograd', 'jax', 'torch'"
        )

    def test_cases_that_do_not_fit(self) -> None:
        said = self.refused(DataError, targets=T[:, :50])
        assert said == "targets: expected cases along its last axis, as many as inputs, 60, got 50 of them."
        assert "got NaN or infinity" in self.refused(DataError, inputs=X * np.nan)
        assert "a divisor of the number of cases, 60" in self.refused(OptionError, num_chunks=7)
        assert self.refused(DataError, targets="a").startswith("targets: expected an array of real numbers")
        assert "at least one number" in self.refused(DataError, initial={"W": []})

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"error": 3}, "error: expected a function, got 3"),
            ({"curvature": "fisher"}, "curvature: expected"),
            ({"curvature": "empirical_fisher"}, "curvature: expected 'gauss_newton' or 'hessian'"),
            ({"cases_axis": 1}, "cases_axis: expected -1"),
            ({"weight_decay": {"W": 1}}, "weight_decay: expected a dict with 'W', 'b', 'out', got 'W'."),
            ({"weight_decay": {"W": 1, "b": 0, "out": 1}}, "weight_decay['out']: expected 1 values, got 1."),
            ({"weight_decay": {"W": -1, "b": 0, "out": [0]}}, "weight_decay['W']: expected numbers of at least 0"),
            ({"weight_decay": -1}, "weight_decay: expected"),
        ],
    )
    def test_settings(self, changes: dict[str, Any], says: str) -> None:
        assert self.refused(ArgumentError, **changes).startswith(says)

    def test_a_gpu(self) -> None:
        with pytest.raises(OptionError, match=r"^backend: expected 'numpy' or 'numba' beside autodiff_problem"):
            problem().placed(type("Backend", (), {"on_host": False, "name": "cupy"})())

    def test_cases_of_an_epoch_of_another_shape(self) -> None:
        p = problem(resample=lambda epoch: (X[:, :30], T[:, :30]))
        with pytest.raises(DataError, match=r"^resample: expected arrays of shapes .* in epoch 1"):
            train(problem=p, max_epochs=1)


def test_a_preconditioner_of_squares_is_refused_before_the_run_where_there_are_none(tmp_path: Path) -> None:
    p = problem("autograd")
    expected = r"^preconditioner: expected 'equilibration' or 'none' with a problem that has no squares"
    with pytest.raises(OptionError, match=expected):
        train(problem=p, preconditioner="martens", max_epochs=1, run_name=tmp_path / "run")
    assert not list(tmp_path.iterdir())
    with pytest.raises(OptionError, match=expected):
        p.curvature(p.initial_theta(), Cases(), None).diagonal(1.0)


def test_functions_cannot_change_the_callers_cases() -> None:
    def output(p: Any, x: Any) -> Any:
        x *= 2
        return p * x

    cases = X.copy()
    with pytest.raises(OptionError) as found:
        autodiff_problem(output, lambda y: (y**2).sum(), cases, initial=1.0)
    said = "output: expected unchanged arguments, got a change of one in place. Write x = 2 * x in place of x *= 2."
    assert str(found.value) == said
    np.testing.assert_array_equal(cases, X)
    assert cases.flags.writeable


def test_strengths_of_weight_decay_are_found_by_name_and_have_the_shape_of_their_parameters() -> None:
    p, q = (problem(weight_decay=d) for d in ({"W": 0.5, "b": 0, "out": [2]}, {"out": [2], "b": 0, "W": 0.5}))
    theta = p.initial_theta() + 1
    np.testing.assert_array_equal(p.gradient(theta, Cases()).full, q.gradient(theta, Cases()).full)
    with pytest.raises(OptionError, match=r"weight_decay\['W'\]: expected one number, or an array of shape \(5, 4\)"):
        problem(weight_decay={"W": np.ones(7), "b": 0, "out": [2]})


@every_engine
def test_outputs_that_do_not_depend_on_the_parameters_are_refused_and_a_start_of_zeros_is_not(engine: str) -> None:
    written = classifier(engine)
    says = "operations that the engine can" if engine == "torch" else "outputs that depend on the parameters"
    with pytest.raises(OptionError, match=f"^output: expected {says}"):
        autodiff_problem(lambda p, x: x[:3] * 1.0, written.loss, X, T, initial=START, engine=engine)
    zeros = {"W": np.zeros((5, 4)), "b": np.zeros((5, 1)), "out": [np.zeros((3, 5))]}
    autodiff_problem(written.output, lambda y, t: (y**2).sum(), X, T, initial=zeros, engine=engine)
