"""Collect the nodes and constants of an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_OPSET = 13
_IR_VERSION = 7
_FEWEST_HALVES = 1024


class Writer:
    """A graph in the making; nodes that no output needs are left out in the end."""

    def __init__(self) -> None:
        self._casts: list[onnx.NodeProto] = []
        self._nodes: list[onnx.NodeProto] = []
        self._tensors: dict[str, onnx.TensorProto] = {}

    def add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Store values once as they are; return the name."""
        if name not in self._tensors:
            self._tensors[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def weight(self, name: str, values: NDArray[Any]) -> str:
        """Store values, many of them as float16 that is cast when the net is loaded."""
        if values.size < _FEWEST_HALVES:
            return self.constant(name, values.astype(np.float32))
        halves = self.constant(f"{name}_h", values.astype(np.float16))
        self._casts.append(helper.make_node("Cast", [halves], [name], to=TensorProto.FLOAT))
        return name

    def build(
        self, name: str, inputs: dict[str, tuple[int, ...]], outputs: dict[str, tuple[int, ...]]
    ) -> onnx.ModelProto:
        """Return the checked model; inputs and outputs are names with their shapes."""
        nodes = _needed([*self._casts, *self._nodes], set(outputs))
        used = {name for node in nodes for name in node.input}
        tensors = [tensor for key, tensor in self._tensors.items() if key in used]
        graph = helper.make_graph(nodes, name, _infos(inputs), _infos(outputs), tensors)
        opset = helper.make_opsetid("", _OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return model


def _infos(shapes: dict[str, tuple[int, ...]]) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    ]


def _needed(nodes: Sequence[onnx.NodeProto], wanted: set[str]) -> list[onnx.NodeProto]:
    """Keep the nodes that lead to a wanted output; nodes stand in the order they run."""
    kept = []
    for node in reversed(nodes):
        if wanted & set(node.output):
            kept.append(node)
            wanted = wanted | set(node.input)
    return kept[::-1]
