"""How each shipped weight file is made from the file in its package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from safetensors.numpy import save

from facechain_ext.nets.catalog import find
from tools.weights.dequantize import dequantize
from tools.weights.tflite_to_onnx import convert

Recipe = Callable[[bytes], bytes]


def unchanged(content: bytes) -> bytes:
    return content


def yunet(content: bytes) -> bytes:
    return _bytes(dequantize(onnx.load_from_string(content), half=False))


def sface(content: bytes) -> bytes:
    return _bytes(dequantize(onnx.load_from_string(content), half=True))


def face_mesh(content: bytes) -> bytes:
    outputs = {"Identity": "mesh", "Identity_1": "presence"}
    return _bytes(convert(content, name="face_landmarks", outputs=outputs))


def selfie(content: bytes) -> bytes:
    return _bytes(convert(content, name="selfie_segmentation", outputs={"activation_10": "matte"}))


def garments(content: bytes) -> bytes:
    return _bytes(convert(content, name="selfie_multiclass", outputs={"Identity": "classes"}))


def kokoro_voices(content: bytes) -> bytes:
    """Content: the styles of all voices one after the other, float32."""
    names = (Path(part).stem for part in find("kokoro-voices").files[0].member.split("+"))
    styles = np.frombuffer(content, "<f4").reshape(-1, 510, 256).astype("<f2")
    return bytes(save(dict(zip(names, styles, strict=True))))


def hand(content: bytes) -> bytes:
    outputs = {"Identity": "points", "Identity_1": "presence"}
    return _bytes(convert(content, name="hand_landmark", outputs=outputs))


RECIPES: dict[str, Recipe] = {
    "yunet": yunet,
    "sface": sface,
    "face-mesh": face_mesh,
    "selfie": selfie,
    "selfie-multiclass": garments,
    "kokoro-voices": kokoro_voices,
    "hand": hand,
    "gender": unchanged,
    "age": unchanged,
}


def _bytes(model: onnx.ModelProto) -> bytes:
    content: bytes = model.SerializeToString(deterministic=True)
    return content
