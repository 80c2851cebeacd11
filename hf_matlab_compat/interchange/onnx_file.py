"""Networks as ONNX: a Gemm and the unit for each layer; cases are rows there."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.errors import CheckpointError, DataError
from hf_matlab_compat.interchange.parts import Trained, needed, network_of, reading, trained_network
from hf_matlab_compat.matlab.files.atomic_file import atomic_file
from hf_matlab_compat.model.activations import TrainedNetwork

_OPSET = 20  # the first with Gelu
_OPERATORS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "logistic": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "softmax": ("Softmax", {"axis": 1}),
    "relu": ("Relu", {}),
    "softplus": ("Softplus", {}),
    "elu": ("Elu", {}),
    "gelu": ("Gelu", {}),
}
"""The operator of each unit; 'linear' has none."""


def write_onnx(trained: Trained, path: str | os.PathLike[str]) -> None:
    """Write a network as an ONNX model from ``inputs``, (N, s_0) float32, to ``outputs``, (N, s_L).

    Parameters
    ----------
    trained : Result or TrainedNetwork
        What to write.
    path : path
        The file.

    Raises
    ------
    DataError
        A unit of one's own has no operator.
    """
    onnx, network = needed("onnx", "export"), network_of(trained)
    helper = onnx.helper
    nodes, constants, before = [], [], "inputs"
    for i, (layer, unit) in enumerate(zip(network.layers, network.unit_types, strict=True), start=1):
        if unit not in _OPERATORS and unit != "linear":
            raise DataError("unit_types", expected="units that ONNX has operators for", got=repr(unit))
        for name, value in ((f"W{i}", layer.W), (f"b{i}", layer.b.ravel())):
            constants.append(onnx.numpy_helper.from_array(np.ascontiguousarray(value, dtype=np.float32), name))
        last = "outputs" if i == len(network.layers) else f"y{i}"
        made = last if unit == "linear" else f"x{i}"
        nodes.append(helper.make_node("Gemm", [before, f"W{i}", f"b{i}"], [made], transB=1))
        if unit != "linear":
            operator, attributes = _OPERATORS[unit]
            nodes.append(helper.make_node(operator, [made], [last], **attributes))
        before = last
    sides = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["cases", size])
        for name, size in (("inputs", network.sizes[0]), ("outputs", network.sizes[-1]))
    ]
    graph = helper.make_graph(nodes, "network", sides[:1], sides[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=9)
    onnx.checker.check_model(model)
    with atomic_file(Path(path)) as stream:
        stream.write(model.SerializeToString())


def read_onnx(path: str | os.PathLike[str]) -> TrainedNetwork:
    """Return the network of an ONNX model that is a chain of Gemm and units, as `write_onnx` writes.

    Raises
    ------
    CheckpointError
        There is no such file, or the model has other nodes.
    """
    onnx = needed("onnx", "export")
    with reading(path, "an ONNX model"):
        graph = onnx.load(os.fspath(path)).graph
        constants = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
        units = {operator: unit for unit, (operator, _) in _OPERATORS.items()}
        layers: list[Any] = []
        types: list[str] = []
        for node in graph.node:
            if node.op_type == "Gemm":
                has = _attributes(onnx, node)
                if has.get("transA", 0) or has.get("alpha", 1.0) != 1 or has.get("beta", 1.0) != 1:
                    raise CheckpointError(f"{path}: expected Gemm without transA, alpha and beta, got {has}.")
                transposed = bool(has.get("transB", 0))
                W = constants[node.input[1]]
                b = constants[node.input[2]] if len(node.input) > 2 else np.zeros(W.shape[0 if transposed else 1])
                layers.append((W if transposed else W.T, b))
                types.append("linear")
            elif node.op_type in units and layers and types[-1] == "linear":
                _check_attributes(path, node.op_type, _attributes(onnx, node))
                types[-1] = units[node.op_type]
            else:
                raise CheckpointError(f"{path}: expected Gemm and units in turn, got {node.op_type}.")
        return trained_network(layers, types)


_DEFAULTS: Mapping[str, tuple[str, Sequence[Any]]] = {
    "Softmax": ("axis", (-1, 1)),
    "Elu": ("alpha", (1.0,)),
    "Gelu": ("approximate", (b"none",)),
}
"""Attributes of operators, and the values with which they compute what the units here do."""


def _attributes(onnx: Any, node: Any) -> dict[str, Any]:
    return {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}


def _check_attributes(path: Any, operator: str, has: Mapping[str, Any]) -> None:
    name, fit = _DEFAULTS.get(operator, ("", ()))
    if name in has and has[name] not in fit:
        raise CheckpointError(f"{path}: expected {operator} with {name}={fit[0]}, got {name}={has[name]}.")
