"""Models are tried before a problem is made: on cases that say something, and each refusal is one sentence."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from hf_matlab_compat import autodiff_problem, check_derivatives, train
from hf_matlab_compat.errors import ArgumentError, DataError, OptionError
from hf_matlab_compat.problem import Cases
from tests.autodiff.engines import INSTALLED, START, T, X, classifier

ENGINES = INSTALLED[::2]  # JAX would compile for each test; its engine is tried in the other files
DOSE = np.array([0, 0, 1, 1, 2, 0.0])


def squared(y: Any, t: Any) -> Any:
    return ((y - t) ** 2).sum()


def line(p: Any, x: Any) -> Any:
    return p["slope"] * x


@pytest.mark.parametrize("engine", ENGINES)
def test_cases_of_zeros_at_both_ends_do_not_decide(engine: str) -> None:
    p = autodiff_problem(line, squared, DOSE, 3 * DOSE, initial={"slope": 1.0}, engine=engine)
    result = train(problem=p, max_epochs=15, precision="double")
    np.testing.assert_allclose(result.theta.ravel(), 3, rtol=1e-3)


def test_a_mean_is_found_where_cases_at_both_ends_have_no_loss() -> None:
    with pytest.raises(OptionError) as found:
        autodiff_problem(line, lambda y, t: ((y - t) ** 2).mean(), DOSE, 3 * DOSE, initial={"slope": 1.0})
    assert str(found.value) == (
        "loss: expected the sum over the cases, got 4 for 6 cases, of which one half has 1.33333 and the other "
        "6.66667. Return the sum in place of the mean."
    )


def test_a_loss_that_is_linear_for_outliers_at_both_ends_is_no_linear_one() -> None:
    import autograd.numpy as anp

    def huber(y: Any, t: Any) -> Any:
        away = anp.abs(y - t)
        return anp.sum(anp.where(away < 1, 0.5 * away**2, away - 0.5))

    x = np.linspace(0.1, 1, 9)
    t = np.where(np.arange(9) % 8 == 0, 50, 2 * x)
    result = train(problem=autodiff_problem(line, huber, x, t, initial={"slope": 1.0}), max_epochs=5)
    assert result.history["train_log_likelihood"][-1] > result.history["train_log_likelihood"][0]
    with pytest.raises(OptionError, match=r"^loss: expected a function that is curved"):
        autodiff_problem(line, lambda y, t: anp.sum(y) - anp.sum(t), x, t, initial={"slope": 1.0})


def test_chance_and_changed_arguments_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(OptionError) as found:
        autodiff_problem(lambda p, x: line(p, x) * rng.uniform(), squared, X[0], X[1], initial={"slope": 1.0})
    assert str(found.value).startswith("loss: expected the same value for the same arguments, got ")
    assert str(found.value).endswith("The functions must neither change their arguments nor depend on chance.")

    def output(p: Any, x: Any) -> Any:
        p["slope"] *= 2.0
        return line(p, x)

    with pytest.raises(OptionError, match=r"^output: expected unchanged arguments"):
        autodiff_problem(output, squared, X[0], X[1], initial={"slope": np.ones(1)})


def test_what_autograd_itself_refuses_is_told_in_its_words() -> None:
    import autograd.numpy as anp

    with pytest.raises(OptionError, match=r"^output: expected operations .* got one of which autograd says: Currently"):
        autodiff_problem(lambda p: anp.diagonal(p), lambda y: anp.sum(y**2), initial=np.eye(3))

    def own(p: Any) -> Any:
        raise NotImplementedError("my own")

    with pytest.raises(NotImplementedError, match="my own"):
        autodiff_problem(own, anp.sum, initial=np.eye(3))


@pytest.mark.parametrize("mode", ["train", "eval", "dropout", "own precision"])
def test_modules_of_torch_with_buffers(mode: str) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    nn = torch.nn
    module = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Dropout(0.5), nn.Linear(5, 3))
    module(torch.tensor(X.T).float())
    module[1].train(mode == "train")
    module[3].train(mode == "dropout")
    before = {name: b.clone() for name, b in module.named_buffers()}

    def output(p: Any, x: Any) -> Any:
        kept = {name: b.to(x.dtype).clone() for name, b in module.named_buffers()} if mode != "own precision" else {}
        return torch.func.functional_call(module, {**p, **kept}, (x,))

    def made() -> Any:
        start = dict(module.named_parameters())
        return autodiff_problem(output, squared, X.T, T.T, initial=start, engine="torch", cases_axis=0)

    says = {
        "train": r"^output: expected outputs of a case that do not .* batch normalisation .* Set module.eval\(\)",
        "dropout": "^loss: expected the same value",
        "own precision": "^output: expected arrays in the precision of .* Convert buffers and constants: ",
    }
    if mode == "eval":
        lls = train(problem=made(), max_epochs=4).history["train_log_likelihood"]
        assert lls[-1] > lls[0]
    else:
        with pytest.raises(OptionError, match=says[mode]):
            made()
    for name, b in module.named_buffers():
        assert torch.equal(b, before[name])


@pytest.mark.parametrize("engine", INSTALLED[1:])
def test_cases_of_each_epoch_are_arrays_of_the_engine_in_the_precision_of_the_run(engine: str) -> None:
    written, seen = classifier(engine), set[tuple[Any, Any]]()

    def output(p: Any, x: Any) -> Any:
        seen.add((str(x.dtype).split(".")[-1], str(p["W"].dtype).split(".")[-1]))
        return written.output(p, x)

    p = autodiff_problem(
        output, written.loss, X, T, initial=START, engine=engine, resample=lambda epoch: (X / epoch, T)
    )
    seen.clear()
    train(problem=p, max_epochs=2)
    assert seen == {("float32", "float32")}
    again = autodiff_problem(written.output, written.loss, X / 2, T, initial=START, engine=engine)
    theta = p.initial_theta()
    on = Cases(None, 2)
    np.testing.assert_array_equal(p.gradient(theta, on).full, again.gradient(theta, on).full)
    # the variance test of growing samples
    one_by_one = [p.part(np.array([n])).gradient(theta, on).full for n in range(60)]
    variance = np.var(one_by_one, axis=0, ddof=1).sum()
    assert p.gradient_variance(theta, p.gradient(theta, on)) == pytest.approx(variance, rel=1e-12)
    lls = train(problem=p, method="growing_hf", max_epochs=3).history["train_log_likelihood"]
    assert lls[-1] > lls[0]


def test_other_cases_are_nested_like_those_of_the_problem() -> None:
    def output(p: Any, x: Any) -> Any:
        return p["slope"] * x["x"]

    given = {"inputs": {"x": X[0]}, "targets": X[1], "initial": {"slope": 1.0}}
    p = autodiff_problem(output, squared, **given)
    for inputs, targets, says in (
        (X[0], X[1], "inputs: expected a dict with 'x', got an array"),
        ({"x": X[0]}, None, "targets: expected an array of real numbers, got NoneType"),
    ):
        with pytest.raises(DataError, match=f"^{says}"):
            p.on(inputs, targets)
        moving = autodiff_problem(output, squared, **given, resample=lambda epoch, found=(inputs, targets): found)
        with pytest.raises(DataError, match=f"^{says}"):
            train(problem=moving, max_epochs=1)
    without = autodiff_problem(lambda p: p**2, lambda y: y**2, initial=2.0)
    with pytest.raises(DataError, match=r"^inputs: expected None, got"):
        without.on(X[0])
    with pytest.raises(DataError, match=r"^inputs: expected at least one array, got none"):
        autodiff_problem(output, squared, {}, initial={"slope": 1.0})


class Line(NamedTuple):
    slope: Any
    offset: Any


def test_a_named_tuple_of_numbers_is_a_nest_and_a_problem_has_a_short_text() -> None:
    p = autodiff_problem(lambda p, x: p.slope * x + p.offset, squared, X[0], X[1], initial=Line(1.0, 0.0))
    assert p.parameters([3.0, 4.0]) == Line(3.0, 4.0)
    assert repr(p) == "AutodiffProblem of 2 parameters, 60 cases"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seed": -1}, "seed: expected a whole number of at least 0, got -1"),
        ({"seed": "a"}, "seed: expected a whole number of at least 0, got 'a'"),
        ({"theta": [np.nan, 1.0]}, "theta: expected finite numbers, got NaN or infinity"),
    ],
)
def test_wrong_arguments_of_check_derivatives(changes: dict[str, Any], says: str) -> None:
    p = autodiff_problem(lambda p: p, lambda y: (y**2).sum(), initial=[1.0, 2.0])
    with pytest.raises(ArgumentError, match=f"^{says}"):
        check_derivatives(p, **changes)


@pytest.mark.parametrize("kind", ["u1", "i1", "i4", "u8"])
def test_whole_numbers_of_any_size_are_labels_and_indices_of_torch(kind: str) -> None:
    torch = pytest.importorskip("torch")
    words, labels = (np.arange(12) * k % 5 for k in (1, 3))

    def made(kind: str) -> Any:
        return autodiff_problem(
            lambda p, x: p["table"][x],
            lambda y, t: torch.nn.functional.cross_entropy(y, t, reduction="sum"),
            words.astype(kind),
            labels.astype(kind),
            initial={"table": np.eye(5)},
            engine="torch",
            cases_axis=0,
        )

    theta = np.arange(25) / 25
    found = [made(each).gradient(theta, Cases()).full for each in (kind, "i8")]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("kind", ["GRU", "LSTM", "attention"])
def test_modules_of_torch_that_take_one_case_at_a_time_or_have_no_second_derivative(kind: str) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    nn = torch.nn

    class Model(nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner = (
                nn.MultiheadAttention(2, 1, batch_first=True)
                if kind == "attention"
                else getattr(nn, kind)(2, 2, batch_first=True)
            )

        def forward(self, x: Any) -> Any:
            return (self.inner(x, x, x, need_weights=False) if kind == "attention" else self.inner(x))[0][:, -1]

    module, cases = Model(), X.T.reshape(60, 2, 2)[:9]
    p = autodiff_problem(
        lambda parameters, x: torch.func.functional_call(module, parameters, (x,)),
        squared,
        cases,
        cases[:, 0],
        initial=dict(module.named_parameters()),
        engine="torch",
        cases_axis=0,
    )
    check = check_derivatives(p, directions=1)
    assert check.agree, str(check)
    theta = p.initial_theta()
    one_by_one = [p.part(np.array([n])).gradient(theta, Cases()).full ** 2 for n in range(9)]
    squares = p.curvature(theta, Cases(), None).diagonal(0.0)
    np.testing.assert_allclose(squares, np.mean(one_by_one, axis=0), rtol=1e-12, atol=1e-16)
