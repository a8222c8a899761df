"""What of a head is exchanged: the face, hair too, or the outline as well."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facechain_ext.base.records import Mask, Points
from facechain_ext.config.template import MaskKind
from facechain_ext.imaging.masks import Shape, dilate, face_oval, feather
from facechain_ext.portrait.regions import face_height, upwards

_MARGIN = 0.02
"""How far a face reaches over the oval of its mesh, in face heights."""

_OUTLINE = 0.14
"""How far around the old head a new outline may lie, in face heights."""

_REACH = 1.15
"""How far from the middle of the face hair is looked for, in face heights."""

_CHIN = 152


def head_mask(
    kind: MaskKind, landmarks: Points, matte: Mask, others: Sequence[Points] = ()
) -> Mask:
    """Select what is exchanged of a head; 0 on the other faces and nearer to them than to this.

    landmarks: (478, 2). matte: (H, W), the person. others: meshes of the other faces.
    """
    shape, height = matte.shape[:2], face_height(landmarks)
    face = dilate(face_oval(landmarks, shape), round(_MARGIN * height))
    mask = face if kind == "face" else np.maximum(face, _hair(landmarks, matte))
    if kind == "head":
        grown = dilate(mask, round(_OUTLINE * height))
        mask = np.maximum(mask, grown * _above_chin(landmarks, shape))
    for other in others:
        mask = mask * _on_this_side(landmarks, other, shape)
    return mask.astype(np.float32)


def faces_mask(meshes: Sequence[Points], shape: Shape) -> Mask:
    """Select faces with a margin, for them to be left alone."""
    kept = np.zeros(shape, np.float32)
    for mesh in (mesh for mesh in meshes if _is_in(mesh, shape)):
        kept = np.maximum(kept, dilate(face_oval(mesh, shape), round(_MARGIN * face_height(mesh))))
    return kept


def _is_in(mesh: Points, shape: Shape) -> bool:
    (left, top), (right, bottom) = mesh.min(axis=0).tolist(), mesh.max(axis=0).tolist()
    return bool(right > 0 and bottom > 0 and left < shape[1] and top < shape[0])


def _hair(landmarks: Points, matte: Mask) -> Mask:
    """Select the person above the chin: head, hair and ears, and of long hair what hangs there."""
    shape, height = matte.shape[:2], face_height(landmarks)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    center = landmarks[:468].mean(axis=0) + upwards(landmarks) * (0.15 * height)
    near = np.hypot(x - center[0], y - center[1]) < _REACH * height
    hair: Mask = matte * near * _above_chin(landmarks, shape)
    return hair


def _above_chin(landmarks: Points, shape: Shape) -> Mask:
    up = upwards(landmarks)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    above = x * up[0] + y * up[1] - float(landmarks[_CHIN] @ up)
    return feather((above > 0).astype(np.float32), 0.06 * face_height(landmarks))


def _on_this_side(landmarks: Points, other: Points, shape: Shape) -> Mask:
    """Select what is nearer to this face than to another, in their own sizes, and off its oval."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)

    def distance(mesh: Points) -> Mask:
        middle = mesh[:468].mean(axis=0)
        apart: Mask = np.hypot(x - middle[0], y - middle[1]) / face_height(mesh)
        return apart

    off = 1 - dilate(face_oval(other, shape), round(2 * _MARGIN * face_height(other)))
    return np.asarray((distance(landmarks) < distance(other)) * off, np.float32)
