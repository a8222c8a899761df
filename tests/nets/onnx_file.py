"""Small ONNX files, written without the onnx package (field numbers are those of onnx.proto)."""

from __future__ import annotations

from collections.abc import Sequence

FLOAT, FLOAT16 = 1, 10
_INT, _INTS = 2, 7


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _whole(field: int, value: int) -> bytes:
    return _number(field << 3) + _number(value)


def _part(field: int, content: bytes | str) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    return _number(field << 3 | 2) + _number(len(data)) + data


def _tensor(name: str, shape: Sequence[int | str], kind: int) -> bytes:
    sides = b"".join(
        _part(1, _whole(1, side) if isinstance(side, int) else _part(2, side)) for side in shape
    )
    return _part(1, name) + _part(2, _part(1, _whole(1, kind) + _part(2, sides)))


def mean_of_channels(
    shape: Sequence[int | str] = ("batch", 3, "height", "width"),
    *,
    taken: str = "pixel_values",
    told: str = "predicted_depth",
    keep: bool = False,
    kind: int = FLOAT,
) -> bytes:
    """Return a net that tells the brightness of every pixel, as nets for depth tell theirs.

    keep: (B, 1, H, W) instead of (B, H, W).
    """
    axes = _part(1, "axes") + _whole(8, 1) + _whole(20, _INTS)
    kept = _part(1, "keepdims") + _whole(3, int(keep)) + _whole(20, _INT)
    node = _part(1, taken) + _part(2, told) + _part(4, "ReduceMean")
    node += _part(5, axes) + _part(5, kept)
    after = [shape[0], *([1] if keep else []), *shape[2:]]
    graph = _part(1, node) + _part(2, "depth") + _part(11, _tensor(taken, shape, kind))
    graph += _part(12, _tensor(told, after, kind))
    return _whole(1, 7) + _part(7, graph) + _part(8, _part(1, "") + _whole(2, 13))
