"""Scripts of the public MATLAB trainer of recurrent nets: calls of hf_opt, and what is said of those not translated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate import migrate_directory, translate
from hf_matlab_compat.migrate import runtime as ml
from hf_matlab_compat.problem import Cases

pytest.importorskip("tree_sitter_matlab")

GOLDENS = Path(__file__).parents[1] / "goldens" / "rnn"
UNITS = {
    "tanh": ("@tanh", "@(a) diag(1 - tanh(a).^2)"),
    "logistic": ("@(a) 1./(1 + exp(-a))", "@(a) diag(exp(-a)./(1 + exp(-a)).^2)"),
}
OUTPUTS = {
    "softmax": ("@SMX", "@dXH"),
    "linear": ("@(s) (s)", "@(t, o) 2.0*(o - t)"),
    "logistic": ("@(s) 1./(1 + exp(-s))", "@(t, o) (o - t)./(o.*(1 - o))"),
}
SCRIPT = """\
load sequence
x0 = {{h0, W_hh, W_hx, W_yh, b_h, b_y}};
e = {hidden};
Je = {slope};
L = {loss};
f = @(p) XH(y, rnn(x, p, e, {output}));
grad = @(p) bptt(x, y, p, e, {output}, Je, @J, L);
hess = @(q, v, lm) {products};
w = hf_opt(x0, f, grad, hess, 1, 0.1, 25);
"""
STRUCTURAL = "gn_struct_v(x, y, q, v, e, {output}, Je, @J, @H, L, @ddL, lm)"


def script(hidden: str = "tanh", output: str = "softmax", products: str = STRUCTURAL, loss: str = "") -> str:
    unit, slope = UNITS[hidden]
    g, derivative = OUTPUTS[output]
    made = products.format(output=g)
    return SCRIPT.format(hidden=unit, slope=slope, output=g, products=made, loss=loss or derivative)


def cells_of(vector: Any, n: int, m: int, k: int) -> list[Any]:
    """The cells {h0, W_hh, W_hx, W_yh, b_h, b_y} of a vector of the public program."""
    parts = np.split(np.ravel(vector), np.cumsum([n, n * n, n * m, k * n, n]))
    return [part.reshape(shape, order="F") for part, shape in zip(parts, _shapes(n, m, k), strict=True)]


def _shapes(n: int, m: int, k: int) -> list[tuple[int, int]]:
    return [(n, 1), (n, n), (n, m), (k, n), (n, 1), (k, 1)]


def run(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run a translated script; return the arguments of its call of `train`."""
    asked: dict[str, Any] = {}

    class Trained:
        theta = np.arange(68.0)

    def train(**given: Any) -> Any:
        asked.update(given)
        return Trained

    monkeypatch.setattr("hf_matlab_compat.train", train)
    monkeypatch.chdir(folder)
    made: dict[str, Any] = {}
    exec(compile(text, "script.py", "exec"), made)
    assert ml.recurrent_theta(made["w"]).tolist() == Trained.theta.tolist()
    return asked


@pytest.mark.parametrize("pair", ["tanh_softmax", "tanh_linear", "tanh_logistic", "logistic_softmax"])
def test_gradient_and_products_of_a_translated_call_are_those_of_the_public_program(pair, tmp_path, monkeypatch):
    recorded = scipy.io.loadmat(GOLDENS / f"dpfau_products_{pair}.mat", mat_dtype=True)
    names = ("h0", "W_hh", "W_hx", "W_yh", "b_h", "b_y")
    made = translate(script(*pair.split("_")), name="experiment")
    assert not made.todos
    sizes = (5, 3, 3)
    for sequence in recorded["seq"].ravel():
        data = {"x": sequence["x"], "y": sequence["y"], **{name: recorded[name] for name in names}}
        scipy.io.savemat(tmp_path / "sequence.mat", data)
        asked = run(made.python, tmp_path, monkeypatch)
        problem, theta = asked["problem"], asked["initial_theta"]
        g = problem.gradient(theta, Cases(0))
        G = problem.curvature(theta, Cases(0), g)
        v = ml.recurrent_theta(cells_of(recorded["vv"], *sizes))
        for ours, theirs in (
            (-g.full, sequence["grad"]),
            (G(v), sequence["Gv"]),
            (G.structurally_damped(v, float(recorded["lm"].item())), sequence["Gv_struct"]),
        ):
            wanted = ml.recurrent_theta(cells_of(theirs, *sizes))
            assert np.linalg.norm(ours - wanted) <= 5e-15 * np.linalg.norm(wanted)
        assert -g.log_likelihood == pytest.approx(sequence["loss"].item(), rel=1e-14)
        given = [asked[name] for name in ("initial_lam", "structural_damping", "max_epochs", "reduction_ratio")]
        assert given == [1, 0.1, 25, "damped"]


def test_a_loss_with_one_half_doubles_lambda_and_products_without_damping_have_no_mu(tmp_path, monkeypatch):
    plain = "gauss_newton_v(x, y, q, v, e, {output}, Je, @J, @Q, @H, L, @ddL)"
    made = translate(script("tanh", "linear", plain, loss="@(t, o) o - t"))
    assert not made.todos
    rng = np.random.default_rng(0)
    names = ("h0", "W_hh", "W_hx", "W_yh", "b_h", "b_y")
    drawn = {name: rng.standard_normal(shape) for name, shape in zip(names, _shapes(5, 3, 3), strict=True)}
    scipy.io.savemat(tmp_path / "sequence.mat", {"x": np.ones((3, 4)), "y": np.ones((3, 4)), **drawn})
    asked = run(made.python, tmp_path, monkeypatch)
    assert asked["initial_lam"] == 2
    assert "structural_damping" not in asked


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("bptt(x, y, p, e", "my_bptt(x, y, p, e", "it does not call bptt on one sequence"),
        ("gn_struct_v(x, y", "gn_struct_v(y, y", "its grad and hess_v have other data or units"),
        ("gn_struct_v(x", "my_products(x", "its hess_v is none of gn_struct_v, gauss_newton_v, hess_v"),
        (", lm);", ", 3);", "does not hand the strength of the damping on"),
        ("e = @tanh", "e = @erf", "its hidden unit is not known here"),
        ("L = @dXH", "L = @(t, o) o - t", "the derivative of its loss does not go with softmax outputs"),
        ("1, 0.1, 25", "1, 25", "with 6 arguments instead of x0, f, grad, hess_v, lambda, mu, maxiters"),
    ],
)
def test_other_forms_name_what_is_recognised_and_what_to_call(old, new, said):
    assert old in script()
    made = translate(script().replace(old, new))
    (todo,) = [one for one in made.todos if "hf_opt" in one.remark]
    assert said in todo.remark
    assert "Call train(problem=recurrent(inputs, targets" in todo.remark
    if "6 arguments" not in said:
        assert "x0 is x0, lambda is 1, mu is 0.1, maxiters is 25" in todo.remark


def test_handles_that_the_script_reads_elsewhere_are_left_to_do():
    made = translate(script() + "disp(f(w))\n")
    assert [one.number for one in made.todos] == [6]
    assert "part of hf_opt" in made.todos[0].remark


def test_in_a_loop_over_sequences_one_call_on_all_of_them_is_offered():
    body = script().replace("load sequence\n", "load all\nfor i = 1:4\nx = xs{i}; y = ys{i};\n") + "end\n"
    made = translate(body)
    assert not made.todos
    assert any("one call on all sequences" in line.remark for line in made.offered)
    assert "to verify: MATLAB's handles keep the x and y" in made.python


def test_the_trainer_s_own_files_are_not_translated(tmp_path):
    (tmp_path / "experiment.m").write_text(script())
    for name in ("hf_opt", "rnn", "bptt"):
        (tmp_path / f"{name}.m").write_text(f"function y = {name}(x)\ny = x;\n")
    made, failed = migrate_directory(tmp_path, tmp_path / "out")
    assert ([each.name for each in made], failed, made[0].todos) == (["experiment"], [], ())


def test_cells_that_are_no_net_are_refused():
    with pytest.raises(MigrationError, match=r"x0: expected the cells \{h0, W_hh, W_hx, W_yh, b_h, b_y\}, got 2 cells"):
        ml.recurrent_theta([np.ones((2, 1)), 1])
    shapes = [np.ones(shape) for shape in _shapes(5, 3, 2)]
    shapes[2] = np.ones((3, 5))
    with pytest.raises(
        MigrationError, match="x0: expected weights and biases of one net, got h0 5x1, W_hh 5x5, W_hx 3"
    ):
        ml.recurrent_theta(shapes)
