"""A relief of one person: depth from the face mesh and the matte, where no net for depth is there.

It is no measured depth: the body is a plateau that rises towards the viewer as it comes down, and
the face stands out of it as the mesh says. Near is white, as ControlNets for depth expect it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Pixels
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.skeleton import the_face

BODY, NEARER, FACE = 110.0, 50.0, 60.0
"""Greys of a body behind the face, what its lower end has more, and what the nose tip has more."""
SMOOTH = 0.04
"""Blur of the relief, in widths of the face."""

Relief = NDArray[np.float32]


def draw_relief(pixels: Pixels, nets: FaceNets) -> NDArray[np.uint8]:
    """Draw the relief of the one person in a picture, (H, W).

    Raises InvalidInput for nobody or several people.
    """
    face = the_face(nets.detector.detect(pixels), "depth picture")
    matte = nets.segmenter.person(pixels, face)
    heights = np.linspace(0, 1, len(pixels), dtype=np.float32)[:, None]
    body = np.broadcast_to(BODY + NEARER * heights, matte.shape)
    relief = body * matte + _face_relief(nets.landmarker.solid(pixels, face), matte.shape)
    smooth = cv2.GaussianBlur(relief.astype(np.float32), (0, 0), max(1.0, SMOOTH * face.width))
    return np.asarray(np.clip(smooth, 0, 255), np.uint8)


def _face_relief(mesh: NDArray[np.float32], shape: tuple[int, ...]) -> Relief:
    """Fill the triangles between the mesh's points with how much nearer they are, 0..FACE."""
    canvas = np.zeros(shape, np.float32)
    depth = mesh[:, 2]
    near = (depth.max() - depth) / max(float(np.ptp(depth)), 1e-6) * FACE
    for corners in _triangles(mesh[:, :2], shape):
        outline = mesh[corners, :2].round().astype(np.int32)
        cv2.fillConvexPoly(canvas, outline, float(near[corners].mean()))
    return canvas


def _triangles(points: NDArray[np.float32], shape: tuple[int, ...]) -> list[list[int]]:
    """Join points to Delaunay's triangles, as places among them; those outside are left out."""
    plane = cv2.Subdiv2D((0, 0, shape[1], shape[0]))
    places: dict[tuple[float, float], int] = {}
    for place, (x, y) in enumerate(points.tolist()):
        if 0 <= x < shape[1] and 0 <= y < shape[0]:
            plane.insert((x, y))
            places[(np.float32(x).item(), np.float32(y).item())] = place
    corners = np.asarray(plane.getTriangleList()).reshape(-1, 3, 2).tolist()
    named = ([places.get((x, y)) for x, y in triangle] for triangle in corners)
    return [[p for p in each if p is not None] for each in named if None not in each]
