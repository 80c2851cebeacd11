"""The compiled backend: the figures of numpy's within rounding, the same decisions, the same bits for any threads."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import hf_matlab_compat.backends as backends_package
from hf_matlab_compat import nnet_train, train
from hf_matlab_compat.backends import get_backend, numba_backend
from hf_matlab_compat.errors import NonFiniteError, OptionError
from hf_matlab_compat.model import compiled_passes as model_side
from hf_matlab_compat.model.compiled_passes import CompiledPasses
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.solvers.conjgrad import CGStop, ConjugateGradients, conjgrad
from tests.backends.device_runs import CURVATURES, kernels, options_for, small_run, whole_run
from tests.cases import small_problem, small_theta
from tests.parity.golden_bounds import distance, kernel_bound

HAS_NUMBA = importlib.util.find_spec("numba") is not None
needs_numba = pytest.mark.skipif(not HAS_NUMBA, reason="Numba is not installed")
NETS = [
    (("tanh", "logistic"), "matching"),
    (("logistic", "tanh", "linear"), "matching"),
    (("linear", "logistic", "softmax"), "matching"),
    (("tanh", "logistic"), "squared"),
    (("logistic", "softmax"), "squared"),
    (("gelu", "relu", "linear"), "matching"),
    (("softplus", "elu", "gelu"), "squared"),
]
EVERY_NET = pytest.mark.parametrize(("units", "loss"), NETS, ids=["-".join((*u, loss)) for u, loss in NETS])
EVERY_CURVATURE = pytest.mark.parametrize("curvature", CURVATURES)
BOTH = pytest.mark.parametrize("precision", ["single", "double"])
SIZES = pytest.mark.parametrize("small", [1 << 30, 0], ids=["in loops alone", "with numpy's products"])


@cache
def numpys_kernels(units: tuple[str, ...], loss: str, curvature: str, precision: str) -> dict[str, Any]:
    return kernels(units, options_for(loss, curvature, precision), get_backend("numpy", precision))


@needs_numba
@EVERY_NET
@EVERY_CURVATURE
@BOTH
@SIZES
def test_kernels_equal_numpys_within_rounding(
    units: tuple[str, ...], loss: str, curvature: str, precision: str, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_side, "SMALL", small)
    options = options_for(loss, curvature, precision)
    ours = kernels(units, options, get_backend("numba", precision))
    for name, value in numpys_kernels(units, loss, curvature, precision).items():
        quantity = "grad" if name in ("full", "chunk") else name
        assert distance(ours[name], value) <= kernel_bound(quantity, precision), name


@needs_numba
@EVERY_CURVATURE
def test_the_loops_are_what_computes(curvature: str, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    for name in ("forward", "score", "gradient_back", "point", "tangents", "rank_one", "back", "hessian_back"):
        method = getattr(CompiledPasses, name)

        def noted(*arguments: Any, name: str = name, method: Any = method) -> Any:
            called.append(name)
            return method(*arguments)

        monkeypatch.setattr(CompiledPasses, name, noted)
    kernels(("tanh", "logistic"), options_for("matching", curvature, "double"), get_backend("numba", "double"))
    own = {"gauss_newton": {"back"}, "hessian": {"hessian_back"}, "empirical_fisher": {"back", "rank_one"}}
    assert set(called) == {"forward", "score", "gradient_back", "point", "tangents", *own[curvature]}


@needs_numba
def test_hidden_softmax_is_computed_as_by_numpy() -> None:
    options = options_for("matching", "gauss_newton", "double")
    both = [kernels(("softmax", "logistic"), options, get_backend(name, "double")) for name in ("numba", "numpy")]
    assert all(both[0][name].tobytes() == both[1][name].tobytes() for name in both[1])


@needs_numba
@BOTH
@pytest.mark.parametrize("units", [("tanh", "logistic"), ("logistic", "softmax")], ids="-".join)
def test_the_gradient_pass_scores_as_the_likelihood_does_to_the_bit(units: tuple[str, ...], precision: str) -> None:
    options = Options(num_chunks=1, precision=precision, weight_decay=0)
    problem = small_problem(units, options, backend=get_backend("numba", precision))
    theta = small_theta(problem)
    working = problem.backend.dtype.type
    assert problem.gradient(theta, Cases(0)).log_likelihood == working(problem.score(theta, Cases()).log_likelihood)


# --- decisions and files


@needs_numba
@EVERY_NET
def test_a_run_takes_the_decisions_of_numpys(units: tuple[str, ...], loss: str) -> None:
    runs = []
    for name in ("numba", "numpy"):
        options = options_for(loss, "gauss_newton", "double", backend=name)
        reports, _ = whole_run(units, options, get_backend(name, "double"))
        runs.append([(r.cg_steps, r.reductions, r.lam) for r in reports])
    assert runs[0] == runs[1]


@needs_numba
def test_both_faces_reach_it(tmp_path: Any) -> None:
    given = small_run(precision="double")
    modern = train(**given, backend="numba").theta
    assert distance(modern, train(**given).theta) < 1e-9
    assert modern.tobytes() != train(**given).theta.tobytes()
    X = given["inputs"]
    old = {"indata": X, "outdata": X, "layersizes": [4], "layertypes": ["logistic", "logistic"], "numchunks": 4}
    old |= {"maxepoch": 3, "seed": 1, "maxiters": 12, "precision": "double", "display": "none"}
    thetas = [
        np.ravel(nnet_train(runName=str(tmp_path / str(jacket)), **old, jacket=jacket)) for jacket in ("numba", 0)
    ]
    assert distance(thetas[0], thetas[1]) < 1e-9
    assert thetas[0].tobytes() != thetas[1].tobytes()


@needs_numba
@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_a_sum_that_overflows_stops_the_run_as_with_numpy(backend: str) -> None:
    given = small_run(precision="single", backend=backend, max_epochs=1, loss="squared", unit_types=["linear"] * 2)
    theta = np.full(6 * 4 + 4 + 4 * 6 + 6, 1e18, np.float32)  # finite, and its outputs' squares are not
    with pytest.raises(NonFiniteError):
        train(**given, initial_theta=theta)


@needs_numba
@EVERY_CURVATURE
def test_nothing_hidden_and_arrays_that_are_only_read(curvature: str) -> None:
    options = options_for("matching", curvature, "double")
    found = []
    for name in ("numba", "numpy"):
        problem = small_problem(("logistic",), options, backend=get_backend(name, "double"))
        theta, v = small_theta(problem), small_theta(problem, 1)
        for array in (theta, v):
            array.flags.writeable = False
        g = problem.gradient(theta, Cases(1))
        found.append([g.full, g.full_squared, problem.curvature(theta, Cases(1), g)(v)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-16)


# --- conjugate gradients


def on(backend: str, **settings: Any) -> ConjugateGradients:
    return ConjugateGradients(vectors=get_backend(backend).cg_vectors, **settings)


def system(seed: int = 0, smallest: float = 0.1) -> tuple[Any, NDArray[Any], NDArray[Any]]:
    random = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(random.standard_normal((40, 40)))
    A = Q @ np.diag(np.linspace(smallest, 4, 40)) @ Q.T
    return (lambda v: A @ v), random.standard_normal(40), random.random(40) + 0.5


@needs_numba
@pytest.mark.parametrize("smallest", [0.1, -3.0], ids=["to the end", "negative curvature"])
def test_cg_in_one_call_goes_where_cg_goes(smallest: float) -> None:
    A, b, M = system(smallest=smallest)
    ours, theirs = (conjgrad(A, b, 0 * b, M, on(name, max_cg_steps=30)) for name in ("numba", "numpy"))
    assert (ours.steps, ours.stop, ours.last_step) == (theirs.steps, theirs.stop, theirs.last_step)
    assert (ours.stop is CGStop.NEGATIVE_CURVATURE) == (smallest < 0)
    for a, c in zip(ours.iterates, theirs.iterates, strict=True):
        np.testing.assert_allclose(a, c, rtol=1e-9, atol=1e-12)


@needs_numba
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_cg_says_that_a_product_is_not_finite(wrong: float) -> None:
    _, b, M = system()
    path = conjgrad(lambda v: np.full_like(v, wrong), b, 0 * b, M, on("numba"))
    assert path.stop is CGStop.NOT_FINITE


@needs_numba
def test_a_step_that_has_no_length_leaves_everything() -> None:
    from hf_matlab_compat.backends.compiled_cg import cg_step  # which cannot be imported without Numba

    x, r, y, p, Ap, b, M = np.random.default_rng(0).random((7, 5))
    kept = [a.copy() for a in (x, r, y, p)]
    for ry, product in ((0.0, Ap), (1.0, -Ap), (1.0, Ap * np.inf)):
        pAp, _, _ = cg_step(x, r, y, p, product, b, M, ry)
        assert pAp == pytest.approx(p @ product)
        assert all(np.array_equal(*both) for both in zip(kept, (x, r, y, p), strict=True))


@needs_numba
def test_cg_stops_where_the_residual_is_zero() -> None:
    A, b, M = system()
    path = conjgrad(A, 0 * b, 0 * b, M, on("numba"))
    assert path.stop in (CGStop.EXACT, CGStop.NEGATIVE_CURVATURE)
    assert not path.iterates[-1].any()


# --- elementary functions


@needs_numba
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_units_are_right_to_three_units_of_the_last_place(dtype: Any) -> None:
    loops = numba_backend.load(np.dtype(np.float32))
    exact = {loops.LOGISTIC: lambda x: 1 / (1 + np.exp(-x)), loops.TANH: np.tanh, loops.LINEAR: lambda x: x}
    x = np.concatenate([np.linspace(-60, 60, 20001), np.logspace(-30, 1, 2001), -np.logspace(-30, 1, 2001)])
    x = x.astype(dtype)
    for kind, f in exact.items():
        y, true = x.copy(), f(x.astype(np.longdouble))
        loops.activate(kind, y)
        assert np.max(np.abs(y - true) / np.spacing(np.abs(true).astype(dtype))) <= 3, kind


@needs_numba
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_units_take_what_is_extreme(dtype: Any) -> None:
    loops = numba_backend.load(np.dtype(np.float32))
    x = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 0.0, -0.0], dtype)
    logistic, tanh = x.copy(), x.copy()
    loops.activate(loops.LOGISTIC, logistic)
    loops.activate(loops.TANH, tanh)
    least = np.exp(dtype({np.float32: -86, np.float64: -707}[dtype]))
    np.testing.assert_allclose(logistic, [np.nan, 1, least, 1, least, 0.5, 0.5], rtol=1e-6, atol=0)
    np.testing.assert_array_equal(tanh, [np.nan, 1, -1, 1, -1, 0.0, -0.0])
    assert np.signbit(tanh[-1])


@needs_numba
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_is_right_term_by_term(dtype: Any) -> None:
    loops = numba_backend.load(np.dtype(np.float32))
    x = np.linspace(-40, 40, 3 * 4001).reshape(3, 4001).astype(dtype)
    t = np.random.default_rng(0).random(x.shape).astype(dtype)
    X, T = x.astype(np.longdouble), t.astype(np.longdouble)
    true, y = X * T - np.logaddexp(0, X), np.empty_like(x)
    total, eps = loops.cross_entropy(x, t, y, x[0, :0]), np.finfo(dtype).eps
    np.testing.assert_allclose(y, 1 / (1 + np.exp(-X)), rtol=2 * eps)
    assert np.max(np.abs(x - true) / np.maximum(1, np.abs(X))) <= 2 * eps  # in place of x
    assert abs(total / true.sum() - 1) <= {np.float32: 1e-8, np.float64: 1e-14}[dtype]  # rounding averages out


@needs_numba
def test_cross_entropy_lets_nan_through() -> None:
    x = np.array([[0.0, np.nan], [1.0, 2.0]])
    y = np.empty_like(x)
    assert np.isnan(numba_backend.load(np.dtype(np.float32)).cross_entropy(x, np.ones_like(x), y, x[0, :0]))
    assert np.isnan(y).tolist() == [[False, True], [False, False]]


# --- getting it


def test_asking_for_it_without_numba_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(OptionError, match=r"no Numba .*pip install \"hf_matlab_compat\[numba\]\".*backend='numpy'"):
        get_backend("numba")


@needs_numba
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("no locator available"),
        OSError(28, "No space left"),
        EOFError("Ran out of input"),
        RuntimeError("two\nlines"),
    ],
)
def test_trouble_with_what_is_kept_is_said_before_anything_runs(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(dtype: Any) -> None:
        raise error

    monkeypatch.setattr(numba_backend.load(np.dtype(np.float32)), "compile_all", breaks)
    with pytest.raises(OptionError, match=rf"got {type(error).__name__} .* NUMBA_CACHE_DIR") as caught:
        train(**small_run(backend="numba"))
    assert "\n" not in str(caught.value)


@needs_numba
def test_a_numba_that_is_told_not_to_compile_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    with pytest.raises(OptionError, match=r"got NUMBA_DISABLE_JIT set. Unset"):
        get_backend("numba")


@needs_numba
@BOTH
def test_nothing_is_compiled_after_the_backend_is_had(precision: str) -> None:
    loops = get_backend("numba", precision).loops
    names = ("point", "forward", "cross_entropy", "gradient_back", "activate", "times_slope")
    names = (*names, "tangents", "rank_one", "back", "hessian_back")
    before = {name: len(getattr(loops, name).signatures) for name in names}
    for small in (True, False):
        for curvature in CURVATURES:
            given = small_run(precision=precision, backend="numba", curvature=curvature, max_epochs=1)
            train(**{**given, "hidden_sizes": [4 if small else 3000]})
    assert {name: len(getattr(loops, name).signatures) for name in names} == before


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba's part of the package was not imported yet."""
    monkeypatch.delitem(sys.modules, "hf_matlab_compat.backends.compiled_loops", raising=False)
    monkeypatch.delattr(backends_package, "compiled_loops", raising=False)


def test_tf32_is_not_for_it() -> None:
    with pytest.raises(OptionError, match="precision"):
        get_backend("numba", "tf32")


ONE_AFTER_THE_OTHER = """
with get_backend("numpy").quiet():  # looks for libraries; scipy's is not among them yet
    assert blas() == {1}
with get_backend("numba").quiet():
    inside = blas()
"""
ONE_INSIDE_THE_OTHER = """
with get_backend("numpy").quiet():
    with get_backend("numba").quiet():
        inside = blas()
"""
IN_A_FRESH_PROCESS = """
from threadpoolctl import threadpool_info
from hf_matlab_compat.backends import get_backend

def blas():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}
"""


@needs_numba
@pytest.mark.parametrize("holds", [ONE_AFTER_THE_OTHER, ONE_INSIDE_THE_OTHER], ids=["after", "inside"])
def test_the_blas_that_its_loops_call_is_held_to_one_thread_too(holds: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    code = f"{IN_A_FRESH_PROCESS}\nbefore = blas()\n{holds}\nassert inside == {{1}}, inside\nassert before <= blas()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
