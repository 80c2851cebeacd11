"""Names of methods and rules: what they make, what is refused, and objects in place of names."""

from __future__ import annotations

import math
import pathlib
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import train
from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.hessian_free import HessianFree
from hf_matlab_compat.method import Epoch
from hf_matlab_compat.methods.lissa import LiSSA
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.registry import METHODS, RULES, method_of
from hf_matlab_compat.solvers.conjgrad import CGStop, ConjugateGradients
from hf_matlab_compat.solvers.damping import LevenbergMarquardt
from hf_matlab_compat.solvers.rules import Chosen, Judgement, Path, Step
from hf_matlab_compat.state import Score
from tests.cases import hessian_free, run_epochs
from tests.toy_problem import ToyProblem

FIT = {
    "steihaug": {"damping": "trust_region", "preconditioner": "none"},
    "newton_lanczos": {"damping": "trust_region", "preconditioner": "none"},
    "trust_region": {"solver": "steihaug", "preconditioner": "none"},
    "minres": {"preconditioner": "none"},
    "minres_negative": {"preconditioner": "none"},
    "bicgstab": {"preconditioner": "none"},
    "neumann": {"preconditioner": "none"},
    "lbfgs": {"solver": "truncated_newton"},
}
"""Names that need another beside them."""


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in RULES.items() for name in names])
def test_every_name_makes_a_rule_that_trains(kind: str, name: str) -> None:
    rules = {kind: name} | FIT.get(name, {})
    toy, options = ToyProblem(), Options(max_epochs=2, num_chunks=3, precision="double", **rules)
    start = toy.start()
    known = {**hessian_free(options).start(toy, start.theta), **start.memory}
    reports, _ = run_epochs(toy, options, replace(start, memory=known))
    assert reports[-1].train.log_likelihood > reports[0].old_log_likelihood


@pytest.mark.parametrize("solver", ["steihaug", "newton_lanczos"])
def test_a_radius_and_a_solver_without_one_are_refused_together(solver: str) -> None:
    expected = rf"^damping: expected 'trust_region' beside solver='{solver}', which needs a radius, got 'levenberg_mar"
    with pytest.raises(OptionError, match=expected):
        method_of(Options(solver=solver), get_backend())
    with pytest.raises(
        OptionError, match=r"^solver: expected 'steihaug' or 'newton_lanczos' beside damping='trust_reg"
    ):
        method_of(Options(damping="trust_region"), get_backend())


UNUSED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("gd", "momentum", "nag", "adam", "esgd", "rprop", "ncg", "lbfgs", "saddle_free"), tuple(RULES)),
    "lissa": ("solver", "preconditioner", "damping", "selection", "judge"),
    "krylov_subspace": ("solver", "damping", "line_search", "selection", "judge"),
}
"""Rules that a method has no use for; methods that run Hessian-free inside use all."""
OTHER = {"solver": "minres", "preconditioner": "jacobi", "damping": "trust_region", "line_search": "full_step"}


@pytest.mark.parametrize("method", METHODS)
def test_a_rule_of_the_callers_that_the_method_does_not_use_is_refused(method: str) -> None:
    backend = get_backend()
    for kind in RULES:
        options = Options(method=method, **{kind: OTHER.get(kind, type("Own", (), {"choose": 0, "judge": 0})())})
        if kind in UNUSED.get(method, ()):
            with pytest.raises(OptionError, match=rf"^{kind}: expected nothing beside method='{method}', which does"):
                method_of(options, backend, [kind])
            method_of(options, backend)  # a preset's, or one that a study gives to all methods
        elif (kind, method) != ("preconditioner", "krylov_subspace"):
            method_of(replace(options, **FIT.get(OTHER.get(kind, ""), {})), backend, [kind])
    method_of(Options(method=method, damping=False, preconditioner="none"), backend, ["damping", "preconditioner"])


def test_train_refuses_a_rule_beside_a_method_without_one() -> None:
    own = {"problem": ToyProblem(), "initial_theta": np.zeros(20), "max_epochs": 1, "precision": "double"}
    with pytest.raises(OptionError, match=r"^solver: expected nothing beside method=LiSSA, which .*, got 'minres'"):
        train(**own, method=LiSSA(), solver="minres", preconditioner="none")
    train(**own, method="nag", preset="best2026")  # its solver is not the caller's
    train(**own, method="nag", max_cg_steps=7)


def test_without_settings_the_method_is_the_published_one() -> None:
    backend = get_backend()
    made = method_of(Options(), backend)
    assert isinstance(made, HessianFree)
    assert made.damping == LevenbergMarquardt()
    assert made.solver == ConjugateGradients(vectors=backend.cg_vectors)
    assert HessianFree(solver=made.solver) == made


@pytest.mark.parametrize("kind", [*RULES, "method"])
def test_an_unknown_name_is_refused_with_the_names_that_are_known(kind: str) -> None:
    known = RULES.get(kind, METHODS)
    nearest = next(iter(known))
    with pytest.raises(OptionError, match=rf"^{kind}: expected one of '{nearest}'.* Did you mean '{nearest}'\?$"):
        method_of(Options(**{kind: nearest[:-1]}), get_backend())


@pytest.mark.parametrize("kind", [*RULES, "method"])
def test_an_object_that_cannot_do_it_is_refused_and_so_is_a_class(kind: str) -> None:
    for wrong in (object(), LevenbergMarquardt, ConjugateGradients, HessianFree):
        with pytest.raises(OptionError, match=rf"^{kind}: expected an object with "):
            method_of(Options(**{kind: wrong}), get_backend())


def test_an_object_in_place_of_a_name_does_its_part() -> None:
    toy, options = ToyProblem(), Options(max_epochs=2, num_chunks=3, precision="double")
    own = replace(options, damping=LevenbergMarquardt(drop=0.5))
    named = replace(options, lam_drop=0.5, lam_boost=1.5)
    runs = [run_epochs(toy, each, toy.start()) for each in (own, named, options)]
    lams = [[report.lam for report in reports] for reports, _ in runs]
    assert lams[0] == lams[1] != lams[2]
    method = hessian_free(options)
    assert method_of(Options(method=method), get_backend()) is method


WRONG: dict[str, tuple[str, Any, str]] = {
    "solver": ("solve", [1, 2], "a Path with iterates from Wrong.solve, got list"),
    "selection": ("choose", None, "a Chosen from Wrong.choose, got None"),
    "judge": ("judge", 0.5, "a Judgement from Wrong.judge, got 0.5"),
    "line_search": ("search", (1.0, 0), "a Step from Wrong.search, got tuple"),
    "damping": ("operator", 3, "something to call with a vector from Wrong.operator, got 3"),
    "preconditioner": ("__call__", 1.0, "None, or a diagonal of shape (20,) from Wrong.__call__, got 1.0"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_rule_that_answers_wrongly_is_named_with_what_it_answered(kind: str) -> None:
    name, answer, sentence = WRONG[kind]
    members = {"initial_lam": 1.0, "adapt": lambda self, lam, rho, p: lam, name: lambda self, *given: answer}
    toy, options = ToyProblem(), Options(max_epochs=1, num_chunks=3, precision="double")
    with pytest.raises(OptionError, match=rf"^{kind}: expected {re.escape(sentence)}\.$"):
        run_epochs(toy, replace(options, **{kind: type("Wrong", (), members)()}), toy.start())


@pytest.mark.parametrize(
    ("kind", "name", "answer", "sentence"),
    [
        (
            "solver",
            "solve",
            lambda _, model, *given: Path([1], [model.g[:3]], CGStop.EXACT, 1),
            "an iterate of shape (20,)",
        ),
        ("preconditioner", "__call__", lambda *given: np.ones(3), "None, or a diagonal of shape (20,)"),
        ("preconditioner", "__call__", lambda *given: np.zeros(20), "a diagonal of positive numbers"),
        ("damping", "operator", lambda *given: lambda v: v[:3], "a product of shape (20,)"),
        ("damping", "operator", lambda *given: lambda v: None, "a product of shape (20,)"),
        ("selection", "choose", lambda _, path, *given: Chosen(path.iterates[0], 1, 0.5), "a Score"),
        ("judge", "judge", lambda *given: Judgement(0.0, 0.0, 0.0, None), "a Judgement whose rho is a number"),
        (
            "line_search",
            "search",
            lambda _, score_at, full, *given: Step(math.nan, 0, full),
            "a Step whose rate is finite",
        ),
        (
            "line_search",
            "search",
            lambda _, score_at, full, *given: Step(1.0, None, full),
            "a Step whose reductions is a",
        ),
        ("line_search", "search", lambda *given: Step(1.0, 0, None), "a Score"),
    ],
)
def test_a_part_of_an_answer_that_is_wrong_is_named(kind: str, name: str, answer: Any, sentence: str) -> None:
    members = {"initial_lam": 1.0, "adapt": lambda self, lam, rho, p: lam, name: answer}
    with pytest.raises(OptionError, match=rf"^{kind}: expected {re.escape(sentence)}.* from Wrong\.{name}, got "):
        train(**own(**{kind: type("Wrong", (), members)()}))


@pytest.mark.parametrize("strength", ["large", None, -1.0, lambda self: 3.0])
def test_a_damping_must_begin_with_a_number(strength: Any) -> None:
    members = {"initial_lam": strength, "operator": lambda self, G, lam: G, "adapt": lambda self, lam, *given: lam}
    with pytest.raises(OptionError, match=r"^damping: expected a number of at least 0 from Wrong\.initial_lam, got "):
        train(**own(damping=type("Wrong", (), members)()))


def test_numbers_of_numpy_do_not_widen_a_run_in_single_precision() -> None:
    class Half:
        def search(self, score_at: Any, full_step: Score, before: Any, slope: float, watch: Any) -> Step:
            return Step(np.float64(0.5), np.int64(1), score_at(0.5))  # type: ignore[arg-type]

    class Steady:
        initial_lam = np.float64(2.0)

        def operator(self, G: Any, lam: float) -> Any:
            return lambda v: G(v) + lam * v

        def adapt(self, lam: float, rho: float, p: Any) -> Any:
            return np.float32(2.0)

    result = train(**own(precision="single", line_search=Half(), damping=Steady()))
    assert {result.state.theta.dtype, result.state.d.dtype} == {np.dtype(np.float32)}
    assert type(result.state.lam) is float


def own(**changes: Any) -> dict[str, Any]:
    return {
        "problem": ToyProblem(),
        "initial_theta": np.full(20, 0.1),
        "precision": "double",
        "max_epochs": 2,
        **changes,
    }


# --- methods of one's own


class Ascent:
    """Steps along the gradient; what it remembers and answers can be replaced."""

    def __init__(self, **changes: Any) -> None:
        self.changes = changes

    def start(self, problem: Any, theta: Any) -> Any:
        return self.changes.get("start", {"velocity": 0 * theta, "order": np.arange(3)})

    def epoch(self, problem: Any, theta: Any, memory: Any, n: int, watch: Any) -> Any:
        assert memory["order"].dtype.kind == "i"
        velocity = 0.5 * memory["velocity"] + 0.1 * problem.gradient(theta, Cases(None, n)).full
        new = theta + velocity
        epoch = Epoch(
            new, {**memory, "velocity": velocity}, problem.score(new, Cases(None, n)), {"rate": 0.1, f"at{n}": n}
        )
        return self.changes["answer"](epoch) if "answer" in self.changes else epoch


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("display", ["none", "legacy", "rich"])
def test_another_method_is_trained_shown_and_resumed(precision: str, display: str, capsys: Any) -> None:
    call = own(method=Ascent(), precision=precision, display=display)
    whole, half = (train(**{**call, "max_epochs": n, "test_problem": ToyProblem()}) for n in (4, 2))
    np.testing.assert_array_equal(train(**{**call, "max_epochs": 4, "resume_from": half}).theta, whole.theta)
    assert (np.diff(whole.history["train_log_likelihood"]) > 0).all()
    np.testing.assert_array_equal(whole.history["at2"], [np.nan, 2, np.nan, np.nan])
    shown = capsys.readouterr().out
    assert ("ikelihood" in shown or "ll " in shown) == (display != "none")
    assert "CG" not in shown


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda epoch: tuple(epoch)[:3], "an Epoch from Ascent.epoch, got tuple"),
        (lambda epoch: None, "an Epoch from Ascent.epoch, got None"),
        (
            lambda epoch: epoch._replace(theta=epoch.theta[:3]),
            "theta of shape (20,) from Ascent.epoch, got an array of",
        ),
        (lambda epoch: epoch._replace(memory=3), "a mapping of names to values as memory from Ascent.epoch, got 3"),
        (
            lambda epoch: epoch._replace(memory={1: 2}),
            "a mapping of names to values as memory from Ascent.epoch, got dict",
        ),
        (lambda epoch: epoch._replace(figures=None), "a mapping of names to values as figures from Ascent.epoch, got"),
        (
            lambda epoch: epoch._replace(figures={"train": 1}),
            "figures of other names than those of a Report from Ascent",
        ),
        (lambda epoch: epoch._replace(score=1.0), "a Score from Ascent.epoch, got 1.0"),
    ],
)
def test_a_method_that_answers_wrongly_is_named(answer: Any, sentence: str) -> None:
    with pytest.raises(OptionError, match=rf"^method: expected {re.escape(sentence)}"):
        train(**own(method=Ascent(answer=answer)))


def test_a_method_that_begins_with_no_memory_is_named() -> None:
    with pytest.raises(OptionError, match=r"^method: expected a mapping of names to values from Ascent\.start, got 3"):
        train(**own(method=Ascent(start=3)))


def test_figures_of_any_shape_are_in_the_history() -> None:
    method = Ascent(answer=lambda epoch: epoch._replace(figures={"vector": np.zeros(int(epoch.theta[0] > 0.2))}))
    history = train(**own(method=method)).history
    assert history["vector"].dtype == object


@pytest.mark.parametrize("lam", ["more", math.nan, None, -1.0, True])
def test_a_damping_must_go_on_with_a_number(lam: Any) -> None:
    members = {"initial_lam": 1.0, "operator": lambda self, G, lam: G, "adapt": lambda self, *given: lam}
    toy, options = ToyProblem(), Options(max_epochs=1, num_chunks=3, precision="double")
    with pytest.raises(OptionError, match=r"^damping: expected a number of at least 0 from Wrong\.adapt, got "):
        run_epochs(toy, replace(options, damping=type("Wrong", (), members)()), toy.start())


@pytest.mark.parametrize("kind", [*RULES, "method"])
def test_every_name_is_said_where_the_option_is_described(kind: str) -> None:
    described = Options.__dataclass_fields__[kind].metadata["text"]
    page = (pathlib.Path(__file__).parents[1] / "docs" / "extending.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith(f"| `{kind}` |")) if kind in RULES else ""
    for name in RULES.get(kind, METHODS):
        assert f"'{name}'" in described
        assert f'"{name}"' in row or kind == "method"
