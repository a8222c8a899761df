"""Rewrite MediaPipe's TensorFlow Lite nets as ONNX for cv2.dnn and onnxruntime.

Channels move from last to first: the net then takes (1, 3, H, W). Weights are kept in float16.
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
_CHANNELS_LAST = (0, 2, 3, 1)
_DEPTHWISE_FIRST = (3, 0, 1, 2)
_ACTIVATIONS: Mapping[int, Sequence[int]] = {
    tflite.ActivationFunctionType.RELU: (),
    tflite.ActivationFunctionType.RELU6: (0, 6),
}
"""Those known here, by what they cut values to, where it is more than what is negative."""


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

    def add_activated(
        self, kind: str, operator: Operator, inputs: Sequence[str], **attributes: Any
    ) -> None:
        """Write a node, and behind it the activation that the operator ends with."""
        options: Any = operator.options
        activation, target = options.FusedActivationFunction(), self.result(operator)
        if activation == tflite.ActivationFunctionType.NONE:
            self.writer.add(kind, inputs, target, **attributes)
            return
        if activation not in _ACTIVATIONS:
            raise ValueError("No other fused activations than RELU and RELU6 are known here.")
        self.writer.add(kind, inputs, f"{target}_linear", **attributes)
        bounds = [self.writer.constant(f"b{n}", np.float32(n)) for n in _ACTIVATIONS[activation]]
        self.writer.add("Clip" if bounds else "Relu", [f"{target}_linear", *bounds], target)

    def result(self, operator: Operator) -> str:
        index = operator.outputs[0]
        return self.names.setdefault(index, f"t{index}")

    def source(self, index: int) -> str:
        """Return the name of a tensor that is computed, or of a stored one of values by channel."""
        if index in self.names:
            return self.names[index]
        return self.writer.weight(f"w{index}", self.values(index).reshape(1, -1, 1, 1))

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

    def add_between(self, kind: str, inputs: Sequence[str], source: str, target: str) -> None:
        """Write a node that sees channels last; its first input is the source turned so."""
        self.writer.add("Transpose", [source], inputs[0], perm=_CHANNELS_LAST)
        self.writer.add(kind, inputs, f"{target}_first")
        self.writer.add("Transpose", [f"{target}_first"], target, perm=_CHANNELS_FIRST)

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
        if len(shape) == 2:
            return (*shape, 1, 1)
        return tuple(shape[axis] for axis in _CHANNELS_FIRST)


def _convolution(to: _Conversion, operator: Operator) -> None:
    _convolve(to, operator, order=_CHANNELS_FIRST, groups=1)


def _depthwise(to: _Conversion, operator: Operator) -> None:
    channels = to.values(operator.inputs[1]).shape[-1]
    _convolve(to, operator, order=_DEPTHWISE_FIRST, groups=channels)


def _convolve(to: _Conversion, operator: Operator, *, order: Sequence[int], groups: int) -> None:
    source, kernel, bias = operator.inputs
    window = to.window(operator, to.values(kernel).shape[1:3])
    inputs = to.names[source], to.weight(kernel, order), to.weight(bias, (0,))
    to.add_activated("Conv", operator, inputs, group=groups, **window)


def _transposed_convolution(to: _Conversion, operator: Operator) -> None:
    """Translate MediaPipe's own operator."""
    source, kernel, bias = operator.inputs
    inputs, size = _doubling(to, source, kernel, bias)
    to.writer.add("ConvTranspose", inputs, to.result(operator), kernel_shape=size, strides=size)


def _transposed(to: _Conversion, operator: Operator) -> None:
    _, kernel, source, bias = operator.inputs
    inputs, size = _doubling(to, source, kernel, bias)
    to.add_activated("ConvTranspose", operator, inputs, kernel_shape=size, strides=size)


def _doubling(
    to: _Conversion, source: int, kernel: int, bias: int
) -> tuple[tuple[str, str, str], tuple[int, ...]]:
    """Return the inputs of a kernel of 2 and stride 2, where no pixels overlap, and its size."""
    size = to.values(kernel).shape[1:3]
    if size != (2, 2):
        raise ValueError(f"Expected a kernel of 2 x 2, got {size}.")
    weights = to.weight(kernel, _DEPTHWISE_FIRST), to.weight(bias, (0,))
    return (to.names[source], *weights), size


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


def _mean(to: _Conversion, operator: Operator) -> None:
    """Write a mean over the whole picture; the axes that it drops stay, of length 1."""
    if np.atleast_1d(to.values(operator.inputs[1])).tolist() != [1, 2]:
        raise ValueError("Only a mean over the whole picture is known here.")
    to.add("GlobalAveragePool", operator)


def _fully_connected(to: _Conversion, operator: Operator) -> None:
    """Write a layer on single values as a convolution of one pixel."""
    source, kernel, bias = operator.inputs
    weights = to.writer.weight(f"w{kernel}", to.values(kernel)[..., None, None])
    inputs = to.names[source], weights, to.weight(bias, (0,))
    to.add_activated("Conv", operator, inputs, kernel_shape=(1, 1))


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


def _resize_nearest(to: _Conversion, operator: Operator) -> None:
    before, after = to.graph.shape(operator.inputs[0]), to.graph.shape(operator.outputs[0])
    if after[1:3] != (2 * before[1], 2 * before[2]):
        raise ValueError("Only doubling is known here, where all ways to round agree.")
    scales = np.array([1, 1, 2, 2], np.float32)
    name = to.writer.constant(f"{to.result(operator)}_scales", scales)
    mode = {
        "mode": "nearest",
        "coordinate_transformation_mode": "asymmetric",
        "nearest_mode": "floor",
    }
    to.add("Resize", operator, "", name, attributes=mode)


def _reshape(to: _Conversion, operator: Operator) -> None:
    """Reshape as if channels were last; where it only flattens single values, skip it."""
    source, target = operator.inputs[0], operator.outputs[0]
    before, after = to.graph.shape(source), to.graph.shape(target)
    if len(after) != len(_CHANNELS_LAST) or before[1:3] == (1, 1):
        to.names[target] = to.names[source]
        return
    name = to.result(operator)
    shape = to.writer.constant(f"{name}_shape", np.array(after, np.int64))
    to.add_between("Reshape", [f"{name}_last", shape], to.names[source], name)


def _transpose(to: _Conversion, operator: Operator) -> None:
    """Swap axes, which are counted with the channels last, while they stand first."""
    wanted = to.values(operator.inputs[1]).tolist()
    order = [_CHANNELS_FIRST.index(wanted[axis]) for axis in _CHANNELS_FIRST]
    to.add("Transpose", operator, attributes={"perm": order})


def _softmax(to: _Conversion, operator: Operator) -> None:
    options: Any = operator.options
    if options.Beta() != 1:
        raise ValueError("Only an even softmax is known here.")
    to.add("Softmax", operator, attributes={"axis": 1})


def _sum(to: _Conversion, operator: Operator) -> None:
    """Write a sum along rows as their mean times their length: OpenCV 4.8 adds up wrongly."""
    options: Any = operator.options
    if np.atleast_1d(to.values(operator.inputs[1])).tolist() != [2] or not options.KeepDims():
        raise ValueError("Only sums along the rows are known here.")
    source, target = to.names[operator.inputs[0]], to.result(operator)
    length = to.graph.shape(operator.inputs[0])[2]
    row = {"kernel_shape": (1, length), "strides": (1, length)}
    to.writer.add("AveragePool", [source], f"{target}_mean", **row)
    times = to.writer.constant(f"{target}_length", np.full((1, 1, 1, 1), length, np.float32))
    to.writer.add("Mul", [f"{target}_mean", times], target)


def _both(kind: str) -> Callable[[_Conversion, Operator], None]:
    def write(to: _Conversion, operator: Operator) -> None:
        first, second = map(to.source, operator.inputs)
        to.add_activated(kind, operator, (first, second))

    return write


_HANDLERS: dict[str, Callable[[_Conversion, Operator], None]] = {
    "DEQUANTIZE": _dequantize,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "Convolution2DTransposeBias": _transposed_convolution,
    "TRANSPOSE_CONV": _transposed,
    "MAX_POOL_2D": _max_pool,
    "AVERAGE_POOL_2D": _average_pool,
    "MEAN": _mean,
    "FULLY_CONNECTED": _fully_connected,
    "HARD_SWISH": _hard_swish,
    "PRELU": _prelu,
    "PAD": _pad,
    "RESIZE_BILINEAR": _resize,
    "RESIZE_NEAREST_NEIGHBOR": _resize_nearest,
    "RESHAPE": _reshape,
    "TRANSPOSE": _transpose,
    "SOFTMAX": _softmax,
    "SUM": _sum,
    "RELU": lambda to, operator: to.add("Relu", operator),
    "LOGISTIC": lambda to, operator: to.add("Sigmoid", operator),
    "ADD": _both("Add"),
    "MUL": _both("Mul"),
}
