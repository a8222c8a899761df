"""How each shipped weight file is made from the file in its package."""

from __future__ import annotations

from collections.abc import Callable

import onnx

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


def hand(content: bytes) -> bytes:
    outputs = {"Identity": "points", "Identity_1": "presence"}
    return _bytes(convert(content, name="hand_landmark", outputs=outputs))


RECIPES: dict[str, Recipe] = {
    "yunet": yunet,
    "sface": sface,
    "face-mesh": face_mesh,
    "selfie": selfie,
    "selfie-multiclass": garments,
    "hand": hand,
    "gender": unchanged,
    "age": unchanged,
}


def _bytes(model: onnx.ModelProto) -> bytes:
    content: bytes = model.SerializeToString(deterministic=True)
    return content
