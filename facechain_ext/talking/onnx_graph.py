"""ONNX nets for onnxruntime, without the onnx package."""

from __future__ import annotations

from typing import Any

_GRAPH, _OUTPUT, _NAME = 7, 12, 1
"""Field numbers of ModelProto.graph, GraphProto.output and ValueInfoProto.name in onnx.proto."""


def open_net(model: bytes) -> Any:
    """Return a session that runs a net on one thread of the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def with_output(model: bytes, name: str) -> bytes:
    """Return a model whose graph also gives out the value of that name.

    A message of protocol buffers that comes twice is merged, repeated fields one after the other,
    so that a graph with nothing but the output, put behind the model, adds it to the model's own.
    """
    return model + _field(_GRAPH, _field(_OUTPUT, _field(_NAME, name.encode("utf-8"))))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    low = value & 0x7F
    return bytes([low]) if value < 0x80 else bytes([low | 0x80]) + _varint(value >> 7)
