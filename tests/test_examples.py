"""Every example runs, small, wherever it is started from, and says something."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der, rosen_hess_prod

from hf_matlab_compat import train
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.state import Outcome

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


NO_TORCH = importlib.util.find_spec("torch") is None
RUNNABLE = [path for path in EXAMPLES if not (NO_TORCH and path.stem.startswith("torch"))]


@pytest.mark.parametrize("path", RUNNABLE, ids=lambda path: path.stem)
def test_every_example_runs_small_and_tells_what_it_did(path, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(path).main(epochs=2) is not None
    assert len(capsys.readouterr().out.splitlines()) >= 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_short_and_has_a_sensible_default(path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60
    assert 5 <= inspect.signature(load(path).main).parameters["epochs"].default <= 50


def test_there_are_examples() -> None:
    assert len(RUNNABLE) >= 6


def example(name: str) -> ModuleType:
    return load(EXAMPLES[0].with_name(f"{name}.py"))


def test_the_autoencoder_writes_the_legacy_files_where_it_is_given_a_name(tmp_path) -> None:
    example("autoencoder_nnet_train_2").main(epochs=1, run_name=str(tmp_path / "run"))
    assert {path.name for path in tmp_path.iterdir()} == {
        "run.txt",
        "run_nnet_running.mat",
        "run_nnet_running.sidecar.npz",
    }


def test_the_autoencoder_is_the_same_run_each_time(capsys) -> None:
    run = example("autoencoder_nnet_train_2").main
    assert run(epochs=1) == run(epochs=1)


def test_the_classifier_learns_to_read() -> None:
    assert example("classifier_softmax").main() < 0.05


def test_resuming_goes_on_where_matlab_stopped() -> None:
    result = example("resume_from_matlab_checkpoint").main(epochs=2)
    assert result.history["epoch"].tolist() == [11, 12]
    assert result.records.error.shape == (12, 2)
    assert result.records.error[10, 0] < result.records.error[9, 0]


@pytest.mark.octave
def test_the_checkpoint_of_the_examples_is_what_the_reference_writes(tmp_path) -> None:
    module = example("resume_from_matlab_checkpoint")
    module.make_matlab_checkpoint(tmp_path / "again.mat", epochs=1)
    again, shipped = (module.read_checkpoint(path) for path in (tmp_path / "again.mat", module.CHECKPOINT))
    assert (again.epoch, shipped.epoch) == (1, 10)
    np.testing.assert_allclose(again.records.error[0], shipped.records.error[0], rtol=1e-4)


def test_the_modern_call_in_two_goes_equals_one_go() -> None:
    result = example("modern_train").main(epochs=4)
    assert result.records.error.shape == (4, 2)
    assert result.history["epoch"].tolist() == [3, 4]


def test_a_problem_of_ones_own_has_the_derivatives_it_says_and_resumes_to_the_last_bit(capsys) -> None:
    module = example("own_problem")
    result = module.main()
    assert "equal to the last bit" in capsys.readouterr().out
    assert result.history["epoch"].tolist() == list(range(7, 13))
    assert result.history["train_error"][-1] < 0.04
    random = np.random.default_rng(5)
    problem = module.LogisticRegression(random.random((4, 30)), random.random(30) < 0.5, num_chunks=3)
    theta, v, on = random.standard_normal(5), random.standard_normal(5), Cases(chunk=1)
    values = [problem.score(theta + h * v, on).log_likelihood for h in (1e-5, -1e-5)]
    g = problem.gradient(theta, on)
    np.testing.assert_allclose(g.chunk @ v, (values[0] - values[1]) / 2e-5, rtol=1e-8)
    slopes = [problem.gradient(theta + h * v, on).chunk for h in (1e-5, -1e-5)]
    np.testing.assert_allclose(problem.curvature(theta, on, g)(v), (slopes[1] - slopes[0]) / 2e-5, rtol=1e-7)


def test_a_trust_region_of_ones_own_takes_scipys_steps() -> None:
    thetas = example("own_rule").main()
    options = {"return_all": True}
    scipys = minimize(rosen, thetas[0], (), "trust-ncg", rosen_der, None, rosen_hess_prod, options=options)
    steps = list(zip(thetas, scipys.allvecs, strict=False))
    assert len(steps) > 15
    np.testing.assert_array_equal([theta for theta, _ in steps[:3]], [theta for _, theta in steps[:3]])
    for ours, theirs in steps:
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10)
    np.testing.assert_allclose(thetas[-1], np.ones(5), atol=1e-8)


def test_a_torch_module_gets_the_parameters_that_were_trained(capsys) -> None:
    pytest.importorskip("torch")
    result = example("torch_module").main()
    share, count = (float(line.split()[0].rstrip("%")) for line in capsys.readouterr().out.splitlines())
    assert share < 10
    assert count == round(share / 100 * 500)
    assert result.history["train_log_likelihood"][-1] > result.history["train_log_likelihood"][0]


def test_without_torch_its_example_says_so_in_a_line(monkeypatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert example("torch_module").main(epochs=2) is None
    assert capsys.readouterr().out == "torch is not installed: pip install torch\n"


# --- docs/extending.md


def test_what_the_page_on_extending_shows_does_what_it_says(tmp_path) -> None:
    text = (EXAMPLES[0].parents[1] / "docs" / "extending.md").read_text(encoding="utf-8")
    shown: dict = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, shown)
    for name, apart in (("result", 1e-8), ("gentle", 1e-8), ("descent", 1e-4)):  # θ = (1, 2) solves A θ = b
        np.testing.assert_allclose(shown[name].theta, [1, 2], atol=apart)
    assert np.ptp(shown["gentle"].history["lam"]) > 0
    assert shown["descent"].history["speed"].shape == (100,)
    patient = shown["patient"]
    assert (patient.outcome, patient.state.epoch) == (Outcome.STOPPED, patient.best.epoch + 3)
    assert patient.reason == f"Patience: no better one since epoch {patient.best.epoch}"
    run = {**shown["run"], "method": shown["Momentum"]()}
    train(**run, max_epochs=40, run_name=tmp_path / "run")
    rest = train(**run, max_epochs=100, resume_from=tmp_path / "run_nnet_running.mat")
    np.testing.assert_array_equal(rest.theta, shown["descent"].theta)


def test_the_solver_of_the_page_on_solvers_does_what_minres_does() -> None:
    text = (EXAMPLES[0].parents[1] / "docs" / "solvers.md").read_text(encoding="utf-8")
    shown: dict = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, shown)
    own, built_in = (shown[name].history["train_log_likelihood"] for name in ("own", "built_in"))
    assert own[-1] > own[0]
    assert own[-1] == pytest.approx(built_in[-1], rel=0.01)


def test_the_model_of_the_page_on_automatic_differentiation_is_fitted_and_checked(capsys) -> None:
    text = (EXAMPLES[0].parents[1] / "docs" / "autodiff.md").read_text(encoding="utf-8")
    shown: dict = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, shown)
    np.testing.assert_allclose(shown["result"].theta.ravel(), [3, 0.5, 0.2], atol=1e-6)
    printed = capsys.readouterr().out
    assert [line[:46] for line in printed.splitlines()[2:]] == re.findall(r"^(\S.{45})  ?[ .e\d+-]+agrees$", text, re.M)
    assert "DIFFERS" not in printed


def test_the_weight_decays_of_the_page_on_hypergradients_are_tuned() -> None:
    pytest.importorskip("autograd")
    text = (EXAMPLES[0].parents[1] / "docs" / "hypergradients.md").read_text(encoding="utf-8")
    shown: dict = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, shown)
    first, last = shown["values"][0], shown["values"][-1]
    assert f"falls from {first:.3f} to {last:.3f}" in text
    A, b, A_new, b_new = (shown[name] for name in ("A", "b", "A_new", "b_new"))

    def after_long_training(log_decay: float) -> float:
        x = np.linalg.solve(A.T @ A / 30 + np.exp(log_decay) * np.eye(5), A.T @ b / 30)
        return np.mean((A_new @ x - b_new) ** 2)

    slope = (after_long_training(np.log(0.1) + 1e-4) - after_long_training(np.log(0.1) - 1e-4)) / 2e-4
    assert shown["of_ridge"].d_eta[0] == pytest.approx(slope, rel=1e-3)


def test_the_controller_and_the_plant_of_the_page_on_controllers_learn() -> None:
    text = (EXAMPLES[0].parents[1] / "docs" / "control.md").read_text(encoding="utf-8")
    shown: dict = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, shown)
    assert shown["result"].history["test_error"][-1] < 0.03
    assert shown["fresh"].run(shown["result"].theta).states.shape == (2, 16, 200)
    starts, goals = shown["cases"](8)
    assert shown["controller"](shown["Pendulum"](), starts, goals, steps=5).num_parameters > 0


def test_the_log_density_and_the_net_of_the_page_on_variational_inference_are_approximated() -> None:
    pytest.importorskip("autograd")
    text = (EXAMPLES[0].parents[1] / "docs" / "variational.md").read_text(encoding="utf-8")
    shown: dict = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, shown)
    q, of_net = shown["q"], shown["q_of_net"]
    pull = np.tanh(q.draws(100_000)[:, 0]).mean()  # of the second term, over q
    assert q.mean[0] == pytest.approx(3 - pull, abs=0.03)
    np.testing.assert_allclose([q.mean[1], q.sd[1]], [3, 1], rtol=0.1)
    before = shown["posterior"].posterior(shown["posterior"].initial_theta(0))
    assert of_net.elbo > before.elbo + 5 * before.standard_error


def test_the_example_of_variational_inference_finds_the_same_posterior_twice(capsys) -> None:
    pytest.importorskip("autograd")
    example("variational").main()
    one, other = (line.rsplit("ELBO ", 1)[1].split(" ± ") for line in capsys.readouterr().out.splitlines())
    assert abs(float(one[0]) - float(other[0])) < 0.3


def test_the_example_of_hypergradients_tunes_all_settings(capsys) -> None:
    pytest.importorskip("autograd")
    values = example("hypergradients").main()
    assert values[-1] < 0.85 * values[0]
    before = ([0.03, 0.03], [0.3, 0.3], [0.9, 0.9])
    after = [[float(each) for each in line.split()[-2:]] for line in capsys.readouterr().out.splitlines()[1:]]
    assert (np.array(before) != after).all()


def test_a_controller_of_a_plant_of_ones_own_gets_where_it_should() -> None:
    assert example("own_plant").main().history["test_error"][-1] < 0.05


def test_a_controller_learns_to_stand_a_wind_that_it_does_not_see() -> None:
    steer = example("delayed_feedback").steer
    late = steer(wind=1, delay=2, epochs=25, seed=0).history["test_error"]
    unprepared = steer(wind=0, delay=0, epochs=8, seed=0, judged=1).history["test_error"]
    assert late[-1] < 0.03
    assert unprepared[-1] > 0.3


def test_the_unit_and_the_loss_of_the_page_on_units_train() -> None:
    text = (EXAMPLES[0].parents[1] / "docs" / "units.md").read_text(encoding="utf-8")
    shown: dict = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, shown)
    X = np.random.default_rng(0).random((4, 20))
    net = {"hidden_sizes": [3], "unit_types": [shown["Swish"](), "linear"], "loss": shown["StudentT"]()}
    ll = train(inputs=X, targets=X, **net, curvature="hessian", max_epochs=4, seed=0).history["train_log_likelihood"]
    assert ll[-1] > ll[0]
