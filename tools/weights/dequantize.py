"""Edit OpenCV Zoo's block-quantised nets so that older OpenCV and onnxruntime can read them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

_OPSET = 13
_FEWEST_HALVES = 1024


def dequantize(model: onnx.ModelProto, *, half: bool) -> onnx.ModelProto:
    """Replace every DequantizeLinear by the constant it computes, and drop what is then unused.

    half: store constants of 1024 values or more as float16 and cast them when the net is loaded.
    The values come from 8 bits, so float16 loses next to nothing.
    """
    graph = model.graph
    known = {tensor.name: tensor for tensor in graph.initializer}
    folded = [node for node in graph.node if node.op_type == "DequantizeLinear"]
    kept = [node for node in graph.node if node.op_type != "DequantizeLinear"]
    constants, casts = [], []
    for node in folded:
        name, values = node.output[0], _values(node, known)
        if half and values.size >= _FEWEST_HALVES:
            constants.append(numpy_helper.from_array(values.astype(np.float16), f"{name}_h"))
            casts.append(helper.make_node("Cast", [f"{name}_h"], [name], to=onnx.TensorProto.FLOAT))
        else:
            constants.append(numpy_helper.from_array(values, name))
    nodes = casts + kept
    used = {name for node in nodes for name in node.input}
    gone = {node.output[0] for node in folded}
    _replace(graph.node, nodes)
    _replace(graph.input, [item for item in graph.input if item.name in used - known.keys()])
    _replace(graph.value_info, [item for item in graph.value_info if item.name not in gone])
    tensors = [*graph.initializer, *constants]
    _replace(graph.initializer, [tensor for tensor in tensors if tensor.name in used])
    _replace(model.opset_import, [helper.make_opsetid("", _OPSET)])
    return model


def _values(node: onnx.NodeProto, known: dict[str, onnx.TensorProto]) -> NDArray[np.float32]:
    """Compute (quantised - zero point) x scale, each scale standing for a block along one axis."""
    quantised, scale, zero = (numpy_helper.to_array(known[name]) for name in node.input)
    settings = {attribute.name: attribute.i for attribute in node.attribute}
    block, axis = settings.get("block_size", 0), settings.get("axis", 1)
    if block:
        places = np.arange(quantised.shape[axis]) // block
        scale, zero = scale.take(places, axis=axis), zero.take(places, axis=axis)
    steps = quantised.astype(np.int32) - zero.astype(np.int32)
    values: NDArray[np.float32] = steps.astype(np.float32) * scale
    return values


def _replace(field: object, items: Iterable[object]) -> None:
    """Give a repeated protobuf field new content."""
    items = list(items)
    del field[:]  # type: ignore[attr-defined]
    field.extend(items)  # type: ignore[attr-defined]
