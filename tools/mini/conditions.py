"""Poses of the mini's training portraits, and the OpenPose pictures of every view of them."""

import math
import multiprocessing
from pathlib import Path

import cv2
import numpy as np
from torch import Tensor

from facechain_ext.imaging.openpose import Skeleton, draw_skeleton
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.skeleton import to_body, to_face
from tools.mini.data import SIZE

BODY = 18
PARTS = ("whole", "whole", "whole", "face", "body")
"""What of a pose is drawn for a view: most often all."""
WORTH_A_PROCESS = 500
"""Pictures that take longer to draw than a process to start."""


def read_poses(images: np.ndarray, nets: FaceNets) -> np.ndarray:
    """Read every portrait's pose, in shares of the picture: float32 (N, 88, 2), NaN if unseen."""
    rows = np.full((len(images), BODY + 70, 2), np.nan, np.float32)
    for row, image in zip(rows, images, strict=True):
        faces = nets.detector.detect(image)
        if faces:
            face = max(faces, key=lambda each: each.area)
            row[:BODY] = to_body(nets.movenet.locate(image), face) / SIZE
            row[BODY:] = to_face(nets.landmarker.locate(image, face)) / SIZE
    return rows


def seen_from(pose: np.ndarray, view: Tensor, part: str) -> Skeleton:
    """Move a pose (88, 2) with its view (2, 3), output to input in -1..1; keep only a part."""
    scale, shift = view.diagonal().abs().numpy(), view[:, 2].numpy()
    moved = ((2 * pose - 1 - shift) / scale + 1) / 2
    body, face = moved[:BODY].copy(), moved[BODY:].copy()
    body[~(np.abs(body - 0.5) <= 0.5).all(axis=1)] = np.nan
    if part == "face":
        body[:] = np.nan
    if part == "body" and np.isfinite(body[0]).all():
        face[:] = np.nan
    skeleton = Skeleton(body.astype(np.float32), face.astype(np.float32))
    return skeleton.mirrored() if view[0, 0] < 0 else skeleton


def draw_conditions(poses: np.ndarray, views: Tensor, parts: list[str], out: Path) -> np.ndarray:
    """Draw (N, 88, 2) poses through (N, 2, 3) views on every core: uint8 (N, S, S, 3) in a file."""
    shape = (len(poses), SIZE, SIZE, 3)
    pictures = np.lib.format.open_memmap(out, "w+", np.uint8, shape)
    cores = min(multiprocessing.cpu_count(), math.ceil(len(poses) / WORTH_A_PROCESS))
    rows = np.array_split(np.arange(len(poses)), cores)
    tasks = [(out, r, poses[r], views[r], [parts[i] for i in r]) for r in rows]
    if cores == 1:
        _draw_rows(*tasks[0])
        return pictures
    with multiprocessing.get_context("spawn").Pool(cores, cv2.setNumThreads, (1,)) as pool:
        pool.starmap(_draw_rows, tasks)
    return pictures


def _draw_rows(
    out: Path, rows: np.ndarray, poses: np.ndarray, views: Tensor, parts: list[str]
) -> None:
    pictures = np.lib.format.open_memmap(out, "r+")
    for row, pose, view, part in zip(rows, poses, views, parts, strict=True):
        pictures[row] = draw_skeleton(seen_from(pose, view, part), SIZE, SIZE)
