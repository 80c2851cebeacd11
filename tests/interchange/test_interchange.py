"""Networks in other programs' formats compute what they compute here, and files of something else are refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import train
from hf_matlab_compat.errors import CheckpointError, DataError, OptionError
from hf_matlab_compat.interchange import (
    from_torch,
    read_onnx,
    read_safetensors,
    to_torch,
    write_onnx,
    write_safetensors,
)
from hf_matlab_compat.observers.tensorboard import TensorBoard
from hf_matlab_compat.plots.trained_network import load_network

X = np.random.default_rng(0).random((8, 60))
T = np.eye(3)[:, np.arange(60) % 3]
HIDDEN = ["logistic", "tanh", "relu", "softplus", "elu", "gelu", "linear"]


class Own:
    """A unit that no other program has."""

    def activate(self, xp: Any, x: Any) -> Any:
        return x**3 / 3 + x

    def slope(self, xp: Any, x: Any, y: Any) -> Any:
        return x**2 + 1


@pytest.fixture(scope="module")
def result() -> Any:
    units = [*HIDDEN, "softmax"]
    return train(inputs=X, targets=T, hidden_sizes=[5] * 7, unit_types=units, max_epochs=3, seed=0)


def test_safetensors_hold_every_bit(result: Any, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    for dtype in (np.float32, np.float64):  # the run was in single precision
        write_safetensors(result, tmp_path / "net.safetensors", dtype)
        again = read_safetensors(tmp_path / "net.safetensors")
        assert np.array_equal(again.predict(X), result.predict(X))
        assert list(again.unit_types) == [*HIDDEN, "softmax"]


def test_onnxruntime_computes_the_same(result: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    write_onnx(result, tmp_path / "net.onnx")
    assert np.array_equal(read_onnx(tmp_path / "net.onnx").predict(X), result.predict(X))
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(str(tmp_path / "net.onnx"))
    (made,) = session.run(None, {"inputs": X.T.astype(np.float32)})
    np.testing.assert_allclose(made.T, result.predict(X), atol=1e-6)


@pytest.mark.parametrize(
    ("operator", "attributes", "sentence"),
    [
        ("Softmax", {"axis": 0}, "expected Softmax with axis=-1, got axis=0"),
        ("Elu", {"alpha": 0.5}, "expected Elu with alpha=1.0, got alpha=0.5"),
        ("Gelu", {"approximate": "tanh"}, "expected Gelu with approximate=b'none', got"),
        ("Gemm", {"alpha": 2.0}, "expected Gemm without transA, alpha and beta, got"),
        ("Gemm", {"transA": 1}, "expected Gemm without transA, alpha and beta, got"),
        ("Softmax", {"axis": -1}, ""),
        ("Elu", {}, ""),
    ],
)
def test_an_onnx_model_that_computes_something_else_is_refused(
    operator: str, attributes: Any, sentence: str, tmp_path: Path
) -> None:
    """A Gemm without a bias and with W as (inputs, outputs) is read; other settings would give other numbers."""
    onnx = pytest.importorskip("onnx")
    W, helper = np.random.default_rng(0).random((8, 3)).astype(np.float32), onnx.helper
    own = attributes if operator == "Gemm" else {}
    nodes = [helper.make_node("Gemm", ["inputs", "W"], ["x"], **own)]
    if operator != "Gemm":
        nodes.append(helper.make_node(operator, ["x"], ["y"], **attributes))
    graph = helper.make_graph(nodes, "g", [], [], [onnx.numpy_helper.from_array(W, "W")])
    onnx.save(helper.make_model(graph), tmp_path / "a.onnx")
    if sentence:
        with pytest.raises(CheckpointError, match=sentence):
            read_onnx(tmp_path / "a.onnx")
    else:
        unit = {"Softmax": "softmax", "Elu": "elu"}[operator]
        network = read_onnx(tmp_path / "a.onnx")
        assert list(network.unit_types) == [unit]
        x = W.T.astype(float) @ X
        expected = np.exp(x) / np.exp(x).sum(axis=0) if unit == "softmax" else np.where(x > 0, x, np.expm1(x))
        np.testing.assert_allclose(network.predict(X), expected, rtol=1e-12)


def test_a_checkpoint_becomes_onnx(tmp_path: Path) -> None:
    """From the .mat file of a run, as `hf-compat export` does; MATLAB's own has no sidecar, so layers are given."""
    pytest.importorskip("onnx")
    ran = train(
        inputs=X, targets=X, hidden_sizes=[4], unit_types=["tanh", "logistic"], max_epochs=2, run_name=tmp_path / "r"
    )
    (tmp_path / "matlab.mat").write_bytes((tmp_path / "r_nnet_running.mat").read_bytes())
    network = load_network(tmp_path / "matlab.mat", [4], ["tanh", "logistic"], 8)
    write_onnx(network, tmp_path / "net.onnx")
    np.testing.assert_allclose(read_onnx(tmp_path / "net.onnx").predict(X), ran.predict(X), atol=1e-6)


def test_torch_modules_go_both_ways(result: Any) -> None:
    torch = pytest.importorskip("torch")
    module = to_torch(result, torch.float64)
    np.testing.assert_allclose(module(torch.tensor(X.T)).detach().numpy().T, result.predict(X), atol=1e-12)
    assert np.array_equal(from_torch(module).predict(X), result.predict(X))


class _Part:
    """A stand-in for torch's modules, of which `from_torch` reads names and arrays."""

    def __init__(self, W: Any = None, b: Any = None) -> None:
        self.weight, self.bias = (None if a is None else _Tensor(a) for a in (W, b))


class _Tensor:
    def __init__(self, array: Any) -> None:
        self.array = array

    def detach(self) -> _Tensor:
        return self

    cpu = double = detach

    def numpy(self) -> Any:
        return self.array


def part(name: str, *arrays: Any) -> Any:
    return type(name, (_Part,), {})(*arrays)


def test_what_a_sequential_may_hold() -> None:
    W, b = np.random.default_rng(1).random((3, 8)), np.arange(3.0)
    network = from_torch([part("Linear", W, b), part("Tanh"), part("Linear", W[:, :3])])
    np.testing.assert_allclose(network.predict(X), W[:, :3] @ np.tanh(W @ X + b[:, None]))
    same = from_torch([part("Linear", W, b), part("Dropout"), part("Tanh"), part("Linear", W[:, :3]), part("Identity")])
    assert np.array_equal(same.predict(X), network.predict(X))
    for name, setting, value in (("Softmax", "dim", 0), ("ELU", "alpha", 2), ("GELU", "approximate", "tanh")):
        other = part(name)
        setattr(other, setting, value)
        with pytest.raises(DataError, match=f"module: expected {name} with {setting}=.*, got {setting}={value}"):
            from_torch([part("Linear", W, b), other])
    with pytest.raises(DataError, match="module: expected Linear layers and units in turn, got LSTM"):
        from_torch(part("LSTM"))
    for parts in ([part("Conv2d")], [part("Tanh")], [part("Linear", W, b), part("Tanh"), part("Tanh")], []):
        with pytest.raises(DataError, match="module: expected Linear layers and units in turn"):
            from_torch(parts)


def test_units_of_ones_own_and_other_files_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("safetensors")
    own = train(inputs=X, targets=X, hidden_sizes=[3], unit_types=[Own(), "linear"], max_epochs=1, seed=0)
    with pytest.raises(DataError, match="unit_types: expected units that ONNX has operators for, got 'Own'"):
        write_onnx(own, tmp_path / "own.onnx")
    assert not (tmp_path / "own.onnx").exists()
    (tmp_path / "other").write_bytes(b"something else")
    for read in (read_onnx, read_safetensors):
        with pytest.raises(CheckpointError, match="expected a"):
            read(tmp_path / "other")
        with pytest.raises(CheckpointError, match="expected a"):
            read(tmp_path / "nothing")
    with pytest.raises(DataError, match="result: expected a Result, or what load_network returns, got str"):
        write_onnx("net.mat", tmp_path / "x.onnx")


@pytest.mark.parametrize(
    ("package", "call", "extra"),
    [
        ("onnx", lambda result: write_onnx(result, "x.onnx"), r"hf_matlab_compat\[export\]"),
        ("safetensors", lambda result: read_safetensors("x"), r"hf_matlab_compat\[export\]"),
        ("torch", to_torch, "pip install torch"),
        ("tensorboardX", lambda result: TensorBoard("events"), r"hf_matlab_compat\[tensorboard\]"),
    ],
)
def test_a_missing_package_is_one_sentence(
    package: str, call: Any, extra: str, result: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        OptionError, match=rf"^{package}: expected it to be installed, got no such package\. Run .*{extra}"
    ):
        call(result)


def test_tensorboard_gets_the_figures_of_every_epoch(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.record_writer import RecordWriter

    assert RecordWriter  # the format that is read below: length, checksum, event, checksum
    given = {"inputs": X, "targets": T, "hidden_sizes": [4], "unit_types": ["tanh", "softmax"], "seed": 0}
    ran = train(**given, test_inputs=X, test_targets=T, max_epochs=3, observers=[TensorBoard(tmp_path)])
    data, at, found = next(tmp_path.iterdir()).read_bytes(), 0, {}
    while at < len(data):
        size = int.from_bytes(data[at : at + 8], "little")
        event = Event.FromString(data[at + 12 : at + 12 + size])
        found |= {(value.tag, event.step): value.simple_value for value in event.summary.value}
        at += 16 + size
    for epoch in (1, 2, 3):
        for which in ("train", "test"):
            expected = ran.history[f"{which}_log_likelihood"][epoch - 1]
            assert found[f"log_likelihood/{which}", epoch] == pytest.approx(expected, rel=1e-6)
        assert found["method/lam", epoch] == pytest.approx(ran.history["lam"][epoch - 1], rel=1e-6)
