"""Units and losses of the caller's own, weights of cases, and new units, through `train` and the legacy face."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import nnet_train, nnet_train_2, train
from hf_matlab_compat.errors import BackendWarning, DataError, OptionError
from hf_matlab_compat.matlab.files.checkpoint import CheckpointWarning

HAS_NUMBA = importlib.util.find_spec("numba") is not None
BACKENDS = ["numpy", pytest.param("numba", marks=pytest.mark.skipif(not HAS_NUMBA, reason="Numba is not installed"))]
X = np.random.default_rng(0).random((5, 24))
CLASSES = np.eye(2)[np.arange(24) % 3 // 2].T


class OwnLogistic:
    """The logistic function, as a user would write it."""

    name = "sigma"

    def activate(self, xp: Any, x: Any) -> Any:
        return 1 / (1 + xp.exp(-x))

    def slope(self, xp: Any, x: Any, y: Any) -> Any:
        return y * (1 - y)

    def bend(self, xp: Any, x: Any, y: Any) -> Any:
        return y * (1 - y) * (1 - 2 * y)


class WithoutBend:
    """A unit without a name and without a second derivative."""

    def activate(self, xp: Any, x: Any) -> Any:
        return x * x * x

    def slope(self, xp: Any, x: Any, y: Any) -> Any:
        return 3 * x * x


class OwnSquares:
    """The squared error, as a user would write it."""

    def log_likelihood(self, xp: Any, y: Any, t: Any) -> Any:
        return -((t - y) ** 2).sum(axis=0)

    def gradient(self, xp: Any, y: Any, t: Any) -> Any:
        return 2 * (t - y)

    def curvature_product(self, xp: Any, y: Any, t: Any, r: Any) -> Any:
        return 2 * r


class Student(OwnSquares):
    """ll = -log(1 + (t - y)²): not the squared error."""

    def log_likelihood(self, xp: Any, y: Any, t: Any) -> Any:
        return -xp.log(1 + (t - y) ** 2).sum(axis=0)

    def gradient(self, xp: Any, y: Any, t: Any) -> Any:
        return 2 * (t - y) / (1 + (t - y) ** 2)

    def curvature_product(self, xp: Any, y: Any, t: Any, r: Any) -> Any:
        d = (t - y) ** 2
        return 2 * (1 - d) / (1 + d) ** 2 * r


def run(**changes: Any) -> Any:
    given = {"inputs": X, "targets": X, "hidden_sizes": [4], "unit_types": ["logistic", "linear"], "seed": 1}
    return train(**{**given, "max_epochs": 3, "num_chunks": 2, "precision": "double", "max_cg_steps": 20, **changes})


def refusal(**changes: Any) -> str:
    with pytest.raises((OptionError, DataError)) as caught:
        run(**changes)
    return str(caught.value)


def same(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours.theta, theirs.theta, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(ours.history["train_log_likelihood"], theirs.history["train_log_likelihood"], rtol=1e-9)


@pytest.mark.parametrize("curvature", ["gauss_newton", "hessian"])
@pytest.mark.parametrize("place", [0, 1])
def test_an_own_unit_trains_as_the_built_in_one_it_copies(curvature: str, place: int) -> None:
    units: list[Any] = ["logistic", "logistic"]
    built_in = run(unit_types=units, loss="squared", curvature=curvature, faithful=False)
    units[place] = OwnLogistic()
    same(run(unit_types=units, loss="squared", curvature=curvature, faithful=False), built_in)


@pytest.mark.parametrize("curvature", ["gauss_newton", "hessian", "empirical_fisher"])
@pytest.mark.parametrize("output", ["linear", "gelu", "softmax"])
def test_an_own_loss_trains_as_the_built_in_one_it_copies(curvature: str, output: str) -> None:
    settings = {"unit_types": ["tanh", output], "curvature": curvature, "faithful": False}
    same(run(loss=OwnSquares(), **settings), run(loss="squared", **settings))


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("curvature", ["gauss_newton", "hessian"])
def test_units_and_losses_of_ones_own_learn_in_several_layers(curvature: str, precision: str) -> None:
    units = [WithBend(), "relu", "gelu", OwnLogistic()]
    result = run(
        unit_types=units, hidden_sizes=[4, 3, 4], loss=Student(), curvature=curvature, precision=precision, max_epochs=8
    )
    ll = result.history["train_log_likelihood"]
    assert ll[-1] > ll[0]
    assert np.isfinite(result.theta).all()


class WithBend(WithoutBend):
    name = "cubic"

    def activate(self, xp: Any, x: Any) -> Any:
        return x + 0.1 * x * x

    def slope(self, xp: Any, x: Any, y: Any) -> Any:
        return 1 + 0.2 * x

    def bend(self, xp: Any, x: Any, y: Any) -> Any:
        return 0.2 + 0 * x


class WrongSlope(OwnLogistic):
    def slope(self, xp: Any, x: Any, y: Any) -> Any:
        return y * (1 - y) * 1.01


class WrongBend(OwnLogistic):
    def bend(self, xp: Any, x: Any, y: Any) -> Any:
        return y * (1 - y)


class Together(OwnLogistic):
    def activate(self, xp: Any, x: Any) -> Any:
        return xp.exp(x) / xp.exp(x).sum(axis=0)


class InPlace(OwnLogistic):
    def slope(self, xp: Any, x: Any, y: Any) -> Any:
        y *= 1 - y
        return y


class OneRow(OwnLogistic):
    def activate(self, xp: Any, x: Any) -> Any:
        return x[0]


class Roots(OwnLogistic):
    def activate(self, xp: Any, x: Any) -> Any:
        return xp.sqrt(x)


class Faulty(OwnLogistic):
    def activate(self, xp: Any, x: Any) -> Any:
        return xp.no_such_function(x)


class NamedAsBuiltIn(OwnLogistic):
    name = "tanh"


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        (
            WrongSlope(),
            "unit_types: expected sigma.slope that agrees with finite differences, 0.041249 at x = -3.1, got",
        ),
        (WrongBend(), "unit_types: expected sigma.bend that agrees with finite differences"),
        (Together(), "unit_types: expected of 'sigma' activate with outputs that depend on their own input only"),
        (InPlace(), "unit_types: expected of 'sigma' slope to leave its arguments unchanged, got changed arguments."),
        (OneRow(), "unit_types: expected of 'sigma' activate to return shape (3, 4), got shape (4,)."),
        (Roots(), "unit_types: expected of 'sigma' activate to return finite numbers, got NaN or Inf."),
        (Faulty(), "got AttributeError (module 'numpy' has no attribute 'no_such_function')."),
        (
            NamedAsBuiltIn(),
            "unit_types: expected an object NamedAsBuiltIn with a name of its own, got the name of the built",
        ),
        (OwnLogistic, "got the class OwnLogistic. Give an object of this class."),
        (3, "unit_types: expected names"),
        (
            None,
            "unit_types: expected names, or objects with the methods activate(xp, x) and slope(xp, x, y), got None.",
        ),
        (
            lambda x: x,
            "unit_types: expected names, or objects with the methods activate(xp, x) and slope(xp, x, y), got",
        ),
        (np.tanh, "unit_types: expected names, or objects with the methods activate(xp, x) and slope(xp, x, y), got"),
        ("selu", "unit_types: expected names from 'logistic', 'tanh', 'linear', 'softmax', 'relu'"),
    ],
)
def test_an_own_unit_that_is_wrong_is_refused_in_one_sentence(unit: Any, said: str) -> None:
    assert said in refusal(unit_types=[unit, "linear"])
    if not isinstance(unit, str | int) and "methods" in said:
        assert said in refusal(unit_types=["tanh", unit])


class WrongGradient(OwnSquares):
    def gradient(self, xp: Any, y: Any, t: Any) -> Any:
        return t - y


class WrongCurvature(Student):
    def curvature_product(self, xp: Any, y: Any, t: Any, r: Any) -> Any:
        return 2 * r


class NotByCase(OwnSquares):
    def log_likelihood(self, xp: Any, y: Any, t: Any) -> Any:
        return -((t - y) ** 2).sum()


class Unfinished:
    def log_likelihood(self, xp: Any, y: Any, t: Any) -> Any:
        return 0 * y[0]


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (WrongGradient(), "loss: expected WrongGradient.gradient that agrees with finite differences"),
        (WrongCurvature(), "loss: expected WrongCurvature.curvature_product that agrees with finite differences"),
        (NotByCase(), "loss: expected of 'NotByCase' log_likelihood to return shape (4,), got shape ()."),
        (Unfinished(), "got 'Unfinished' without gradient."),
        (OwnSquares, "got the class OwnSquares. Give an object of this class."),
        ("mse", "got 'mse'. Did you mean 'squared'?"),
        (3, "loss: expected one of 'matching', 'squared', or an object with the methods of a loss, got 3."),
    ],
)
def test_an_own_loss_that_is_wrong_is_refused_in_one_sentence(loss: Any, said: str) -> None:
    assert said in refusal(loss=loss)


class PositiveCurvature(WrongCurvature):
    exact_curvature = False


def test_a_loss_may_have_another_curvature_where_it_says_so() -> None:
    assert np.isfinite(run(loss=PositiveCurvature()).theta).all()
    said = "loss: expected of 'PositiveCurvature' exact_curvature with curvature='hessian', got one that is not."
    assert refusal(loss=PositiveCurvature(), curvature="hessian") == said


def test_a_second_derivative_is_asked_for_only_by_the_hessian() -> None:
    assert run(unit_types=[WithoutBend(), "linear"]).history["epoch"].size == 3
    said = refusal(unit_types=[WithoutBend(), "linear"], curvature="hessian")
    assert said.startswith("unit_types: expected 'WithoutBend' with the method bend(xp, x, y)")


@pytest.mark.parametrize("output", ["relu", "gelu", "softplus", "elu", OwnLogistic()])
def test_an_output_without_a_loss_of_its_own_is_refused(output: Any) -> None:
    said = refusal(unit_types=["logistic", output])
    name = output if isinstance(output, str) else "sigma"
    assert said.startswith("unit_types: expected an output unit with a log-likelihood of its own, or loss='squared'")
    assert f"got {name!r}. Set loss='squared'" in said


def test_the_empirical_fisher_of_an_own_loss_is_a_formula_that_the_original_lacks() -> None:
    assert refusal(loss=Student(), curvature="empirical_fisher").startswith("curvature: expected")


@pytest.mark.skipif(not HAS_NUMBA, reason="Numba is not installed")
def test_numba_says_whose_passes_they_are() -> None:
    with pytest.warns(BackendWarning, match=r"^backend='numba': numpy runs the passes in this run.*'sigma'\.$") as said:
        run(unit_types=[OwnLogistic(), "linear"], backend="numba", test_inputs=X, test_targets=X)
    assert len(said) == 1
    run(unit_types=["relu", OwnLogistic()], loss="squared", backend="numba")  # hidden layers are compiled


@pytest.mark.parametrize("unit", ["relu", "softplus", "elu", "gelu"])
def test_the_legacy_face_refuses_what_the_original_lacks_unless_told_otherwise(unit: str) -> None:
    given = {"indata": X, "outdata": X, "layersizes": [4], "layertypes": [unit, "linear"], "display": "none"}
    with pytest.raises(
        OptionError, match=rf"^layertypes: .*got '{unit}'\. The MATLAB program has no such unit; faithful=Fal"
    ):
        nnet_train(**given, maxepoch=1)
    assert np.isfinite(nnet_train(**given, maxepoch=1, faithful=False, seed=0)).all()
    with pytest.raises(OptionError, match=r"^layertypes: .*nnet_train's faithful=False"):
        nnet_train_2(
            *("", "", [], [], [], [], 1, X, X, 1, [], [], 1, [4], [unit, "linear"], "gn", 0, "L2", 1, 0.0, 0.95, 0)
        )


# --- weights


@pytest.mark.parametrize("backend", BACKENDS)
def test_class_weights_are_those_of_the_cases_of_a_class(backend: str) -> None:
    settings = {"targets": CLASSES, "unit_types": ["relu", "softmax"], "backend": backend}
    by_case = np.where(CLASSES[1] == 1, 3.0, 0.5)
    by_class = run(class_weights=[0.5, 3], **settings)
    assert by_class.theta.tobytes() == run(case_weights=by_case, **settings).theta.tobytes()
    assert by_class.theta.tobytes() != run(**settings).theta.tobytes()
    single = {**settings, "targets": CLASSES[1:], "unit_types": ["relu", "logistic"]}
    assert run(class_weights=[0.5, 3], **single).theta.tobytes() == run(case_weights=by_case, **single).theta.tobytes()
    both = run(class_weights=[0.5, 3], case_weights=np.arange(24), **settings)
    assert both.theta.tobytes() == run(case_weights=by_case * np.arange(24), **settings).theta.tobytes()


def test_held_out_cases_count_by_their_class() -> None:
    settings = {"targets": CLASSES, "unit_types": ["tanh", "softmax"], "max_epochs": 1, "case_weights": np.ones(24)}
    held_out = {"test_inputs": X, "test_targets": CLASSES}
    h = run(class_weights=[0.5, 3], weight_decay=0.0, **settings, **held_out).history
    assert h["test_log_likelihood"][0] == pytest.approx(h["train_log_likelihood"][0], rel=1e-12)


def test_weights_lose_the_cases_that_are_trimmed() -> None:
    weights = np.arange(24.0)
    trimmed = run(num_chunks=5, trim_cases=True, case_weights=weights)
    assert (
        trimmed.theta.tobytes()
        == run(
            inputs=X[:, :20], targets=X[:, :20], num_chunks=5, case_weights=weights[:20].reshape(1, -1)
        ).theta.tobytes()
    )


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (
            {"case_weights": np.ones(23)},
            "case_weights: expected 24 numbers, one for each case (column) of inputs, got 23.",
        ),
        (
            {"case_weights": np.ones((4, 6))},
            "case_weights: expected 24 numbers, one for each case (column) of inputs, got",
        ),
        ({"case_weights": -np.ones(24)}, "case_weights: expected numbers of at least 0, got -1."),
        (
            {"case_weights": np.zeros(24)},
            "case_weights: expected a weight above 0 for at least one case, got 0 for all cases.",
        ),
        ({"case_weights": np.full(24, np.nan)}, "case_weights: expected"),
        ({"case_weights": "balanced"}, "case_weights: expected"),
        ({"class_weights": [1, 2]}, "class_weights: expected 5 numbers, one for each row of targets, got 2."),
        ({"class_weights": np.ones(5)}, "class_weights: expected one-of-k targets"),
        ({"targets": CLASSES[1:] / 2, "class_weights": [1, 2]}, "class_weights: expected one-of-k targets"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights: dict[str, Any], said: str) -> None:
    assert refusal(**weights).startswith(said)


def test_a_resume_with_other_weights_is_told(tmp_path: Any) -> None:
    run(run_name=tmp_path / "run", case_weights=np.arange(24))
    checkpoint = tmp_path / "run_nnet_running.mat"
    for weights, said in ((np.ones(24), "case_weights: other numbers"), (None, "were given, are not")):
        with pytest.warns(CheckpointWarning, match=said):
            run(resume_from=checkpoint, case_weights=weights, max_epochs=4)
