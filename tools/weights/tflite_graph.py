"""Read a TensorFlow Lite file: its operators, constants and options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import tflite
from numpy.typing import NDArray

Array = NDArray[np.generic]

_TYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}
_NAMES = {code: name for name, code in vars(tflite.BuiltinOperator).items() if name.isupper()}
_OPTIONS = {
    "CONV_2D": tflite.Conv2DOptions,
    "DEPTHWISE_CONV_2D": tflite.DepthwiseConv2DOptions,
    "MAX_POOL_2D": tflite.Pool2DOptions,
    "AVERAGE_POOL_2D": tflite.Pool2DOptions,
    "RESIZE_BILINEAR": tflite.ResizeBilinearOptions,
    "TRANSPOSE_CONV": tflite.TransposeConvOptions,
    "SOFTMAX": tflite.SoftmaxOptions,
    "SUM": tflite.ReducerOptions,
    "MEAN": tflite.ReducerOptions,
    "FULLY_CONNECTED": tflite.FullyConnectedOptions,
    "ADD": tflite.AddOptions,
    "MUL": tflite.MulOptions,
}


@dataclass(frozen=True)
class Operator:
    """One operator: its name (a custom one's own), tensor indices and options."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: object


class Graph:
    """The first subgraph of a TensorFlow Lite model."""

    def __init__(self, data: bytes) -> None:
        self._model = tflite.Model.GetRootAsModel(data, 0)
        self._graph = self._model.Subgraphs(0)
        self.inputs: list[int] = self._graph.InputsAsNumpy().tolist()
        self.outputs: list[int] = self._graph.OutputsAsNumpy().tolist()

    def operators(self) -> Iterator[Operator]:
        for index in range(self._graph.OperatorsLength()):
            operator = self._graph.Operators(index)
            name = self._name(operator.OpcodeIndex())
            ends = operator.InputsAsNumpy().tolist(), operator.OutputsAsNumpy().tolist()
            yield Operator(name, tuple(ends[0]), tuple(ends[1]), _options(name, operator))

    def tensor_name(self, tensor: int) -> str:
        name: bytes = self._graph.Tensors(tensor).Name()
        return name.decode()

    def shape(self, tensor: int) -> tuple[int, ...]:
        return tuple(self._graph.Tensors(tensor).ShapeAsNumpy().tolist())

    def constant(self, tensor: int) -> Array | None:
        """Return a tensor's stored values, or None when it is computed."""
        entry = self._graph.Tensors(tensor)
        buffer = self._model.Buffers(entry.Buffer())
        if not buffer.DataLength():
            return None
        stored = buffer.DataAsNumpy().tobytes()
        return np.frombuffer(stored, _TYPES[entry.Type()]).reshape(self.shape(tensor))

    def _name(self, code: int) -> str:
        entry = self._model.OperatorCodes(code)
        builtin = max(entry.BuiltinCode(), entry.DeprecatedBuiltinCode())
        if builtin == tflite.BuiltinOperator.CUSTOM:
            custom: bytes = entry.CustomCode()
            return custom.decode()
        name: str = _NAMES[builtin]
        return name


def _options(name: str, operator: object) -> object:
    if name not in _OPTIONS:
        return None
    table = operator.BuiltinOptions()  # type: ignore[attr-defined]
    options = _OPTIONS[name]()
    options.Init(table.Bytes, table.Pos)
    return options
