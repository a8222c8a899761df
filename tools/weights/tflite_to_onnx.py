"""Rewrite MediaPipe's convolutional TensorFlow Lite nets as ONNX for cv2.dnn and onnxruntime.

Channels move from last to first: the net then takes (1, 3, H, W). Weights stay in float16.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import tflite
from numpy.typing import NDArray

from tools.weights.onnx_writer import Writer
from tools.weights.tflite_graph import Graph, Operator

_CHANNELS_FIRST = (0, 3, 1, 2)
_DEPTHWISE_FIRST = (3, 0, 1, 2)


def convert(data: bytes, *, name: str, outputs: Mapping[str, str]) -> onnx.ModelProto:
    """Convert a model of one input.

    outputs: TensorFlow Lite output name to ONNX name; outputs not named are left out.
    Raises KeyError for an operator, and ValueError for a use of one, that is not known here.
    """
    conversion = _Conversion(Graph(data), outputs)
    for operator in conversion.graph.operators():
        _HANDLERS[operator.name](conversion, operator)
    return conversion.finish(name)


class _Conversion:
    """The graph that is read, the one that is written, and the names of tensors in it."""

    def __init__(self, graph: Graph, outputs: Mapping[str, str]) -> None:
        self.graph = graph
        self.writer = Writer()
        self.stored: dict[int, NDArray[Any]] = {}
        found = {graph.tensor_name(index): index for index in graph.outputs}
        self._ends = {found[source]: target for source, target in outputs.items()}
        self.names = {graph.inputs[0]: "input", **self._ends}

    def finish(self, name: str) -> onnx.ModelProto:
        inputs = {"input": self._shape(self.graph.inputs[0])}
        outputs = {target: self._shape(index) for index, target in self._ends.items()}
        return self.writer.build(name, inputs, outputs)

    def add(
        self, kind: str, operator: Operator, *more: str, attributes: Mapping[str, Any] | None = None
    ) -> None:
        """Write a node whose first input and output are the operator's."""
        inputs = [self.names[operator.inputs[0]], *more]
        self.writer.add(kind, inputs, self.result(operator), **(attributes or {}))

    def result(self, operator: Operator) -> str:
        index = operator.outputs[0]
        return self.names.setdefault(index, f"t{index}")

    def values(self, index: int) -> NDArray[Any]:
        values = self.stored.get(index)
        if values is None:
            values = self.graph.constant(index)
        if values is None:
            raise ValueError(f"Tensor {index} is computed; a stored one was expected.")
        return values

    def weight(self, index: int, order: Sequence[int]) -> str:
        """Write a stored tensor with its axes in another order."""
        return self.writer.weight(f"w{index}", self.values(index).transpose(order))

    def window(self, operator: Operator, kernel: Sequence[int]) -> dict[str, Sequence[int]]:
        """Translate TensorFlow's SAME and VALID padding, which depend on the input's size."""
        options: Any = operator.options
        strides = (options.StrideH(), options.StrideW())
        window: dict[str, Sequence[int]] = {"kernel_shape": kernel, "strides": strides}
        if options.Padding() == tflite.Padding.SAME:
            sides = self.graph.shape(operator.inputs[0])[1:3]
            missing = [
                max((-(-side // stride) - 1) * stride + length - side, 0)
                for side, stride, length in zip(sides, strides, kernel, strict=True)
            ]
            before = [total // 2 for total in missing]
            window["pads"] = before + [t - b for t, b in zip(missing, before, strict=True)]
        return window

    def _shape(self, index: int) -> tuple[int, ...]:
        shape = self.graph.shape(index)
        return tuple(shape[axis] for axis in _CHANNELS_FIRST)


def _convolution(to: _Conversion, operator: Operator) -> None:
    _convolve(to, operator, order=_CHANNELS_FIRST, groups=1)


def _depthwise(to: _Conversion, operator: Operator) -> None:
    channels = to.values(operator.inputs[1]).shape[-1]
    _convolve(to, operator, order=_DEPTHWISE_FIRST, groups=channels)


def _convolve(to: _Conversion, operator: Operator, *, order: Sequence[int], groups: int) -> None:
    _require_plain(operator)
    _, kernel, bias = operator.inputs
    window = to.window(operator, to.values(kernel).shape[1:3])
    weights = to.weight(kernel, order), to.weight(bias, (0,))
    to.add("Conv", operator, *weights, attributes={"group": groups, **window})


def _transposed_convolution(to: _Conversion, operator: Operator) -> None:
    """Translate MediaPipe's own operator, of kernel 2 and stride 2, where no pixels overlap."""
    _, kernel, bias = operator.inputs
    size = to.values(kernel).shape[1:3]
    if size != (2, 2):
        raise ValueError(f"Expected a kernel of 2 x 2, got {size}.")
    weights = to.weight(kernel, _DEPTHWISE_FIRST), to.weight(bias, (0,))
    to.add("ConvTranspose", operator, *weights, attributes={"kernel_shape": size, "strides": size})


def _max_pool(to: _Conversion, operator: Operator) -> None:
    options: Any = operator.options
    size = (options.FilterHeight(), options.FilterWidth())
    to.add("MaxPool", operator, attributes=to.window(operator, size))


def _average_pool(to: _Conversion, operator: Operator) -> None:
    options: Any = operator.options
    size = (options.FilterHeight(), options.FilterWidth())
    if size != to.graph.shape(operator.inputs[0])[1:3]:
        raise ValueError("Only pooling over the whole picture is known here.")
    to.add("GlobalAveragePool", operator)


def _hard_swish(to: _Conversion, operator: Operator) -> None:
    """Write x times a hard sigmoid: the operator of its own is too new for OpenCV 4.8."""
    source, target = to.names[operator.inputs[0]], to.result(operator)
    to.writer.add("HardSigmoid", [source], f"{target}_gate", alpha=1 / 6, beta=0.5)
    to.writer.add("Mul", [source, f"{target}_gate"], target)


def _prelu(to: _Conversion, operator: Operator) -> None:
    to.add("PRelu", operator, to.weight(operator.inputs[1], (2, 0, 1)))


def _pad(to: _Conversion, operator: Operator) -> None:
    pads = to.values(operator.inputs[1])[list(_CHANNELS_FIRST)].T.reshape(-1).astype(np.int64)
    to.add("Pad", operator, to.writer.constant(f"{to.result(operator)}_pads", pads))


def _resize(to: _Conversion, operator: Operator) -> None:
    options: Any = operator.options
    if not options.HalfPixelCenters() or options.AlignCorners():
        raise ValueError("Only half-pixel resizing is known here.")
    before, after = to.graph.shape(operator.inputs[0]), to.graph.shape(operator.outputs[0])
    scales = np.array([1, 1, after[1] / before[1], after[2] / before[2]], np.float32)
    name = to.writer.constant(f"{to.result(operator)}_scales", scales)
    mode = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    to.add("Resize", operator, "", name, attributes=mode)


def _dequantize(to: _Conversion, operator: Operator) -> None:
    to.stored[operator.outputs[0]] = to.values(operator.inputs[0])


def _reshape(to: _Conversion, operator: Operator) -> None:
    """Skip it: in these nets it only flattens single values."""
    to.names[operator.outputs[0]] = to.names[operator.inputs[0]]


def _both(kind: str) -> Callable[[_Conversion, Operator], None]:
    def write(to: _Conversion, operator: Operator) -> None:
        _require_plain(operator)
        to.add(kind, operator, to.names[operator.inputs[1]])

    return write


def _require_plain(operator: Operator) -> None:
    options: Any = operator.options
    if options.FusedActivationFunction() != tflite.ActivationFunctionType.NONE:
        raise ValueError("Fused activations are not known here.")


_HANDLERS: dict[str, Callable[[_Conversion, Operator], None]] = {
    "DEQUANTIZE": _dequantize,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "Convolution2DTransposeBias": _transposed_convolution,
    "MAX_POOL_2D": _max_pool,
    "AVERAGE_POOL_2D": _average_pool,
    "HARD_SWISH": _hard_swish,
    "PRELU": _prelu,
    "PAD": _pad,
    "RESIZE_BILINEAR": _resize,
    "RESHAPE": _reshape,
    "RELU": lambda to, operator: to.add("Relu", operator),
    "LOGISTIC": lambda to, operator: to.add("Sigmoid", operator),
    "ADD": _both("Add"),
    "MUL": _both("Mul"),
}
