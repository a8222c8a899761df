"""People and garments from the waist down, as plain shapes: nothing is read by a net."""

from __future__ import annotations

import cv2
import numpy as np

from facechain_ext.base.records import Face, Mask, Pixels
from facechain_ext.nets.movenet import BodyPoints
from facechain_ext.nets.parts import Parts
from facechain_ext.tryon.figure import Figure

WALL, SKIN, TOP, JEANS = (200, 200, 200), (220, 170, 140), (240, 240, 235), (40, 60, 120)

_JOINTS = {
    5: (180, 100), 6: (120, 100), 7: (200, 160), 8: (100, 160), 9: (208, 220), 10: (92, 220),
    11: (170, 210), 12: (130, 210), 13: (172, 300), 14: (128, 300), 15: (172, 390), 16: (128, 390),
}  # fmt: skip


def standing(
    height: int = 420, *, hem: int = 390, belt: int = 190, top: tuple[int, int, int] = TOP
) -> Figure:
    """Draw somebody on 300 x 420 pixels in a top and jeans, arms hanging; cut off at a height.

    hem: where the jeans end. belt: where the top does.
    """
    skin, cloth, hair = (np.zeros((420, 300), np.float32) for _ in range(3))
    cv2.circle(hair, (150, 40), 22, 1.0, -1)
    for side in (-1, 1):
        arm = [(150 + side * x, y) for x, y in ((30, 95), (50, 160), (58, 240))]
        cv2.polylines(skin, [np.array(arm, np.int32)], False, 1.0, 16)
        leg = [(150 + side * x, y) for x, y in ((2, 230), (30, 230), (32, 405), (12, 405))]
        cv2.fillPoly(skin, [np.array(leg, np.int32)], 1.0)
        cv2.fillPoly(cloth, [np.array(leg, np.int32)], 1.0)
    cv2.fillPoly(cloth, [np.array(((118, 90), (182, 90), (180, 232), (120, 232)))], 1.0)
    cloth[hem:] = 0
    skin[cloth > 0] = 0
    pixels = np.full((420, 300, 3), WALL, np.uint8)
    for mask, colour in ((hair, (60, 40, 30)), (skin, SKIN), (cloth, JEANS)):
        pixels[mask > 0] = colour
    pixels[:belt][cloth[:belt] > 0] = top
    none = np.zeros_like(skin)
    masks = (each[:height] for each in (hair, skin, none, cloth, none))
    parts = Parts(*masks)
    mesh = np.zeros((478, 2), np.float32)
    mesh[10], mesh[152] = (150, 20), (150, 60)
    points, scores = np.zeros((17, 2), np.float32), np.zeros(17, np.float32)
    for joint, place in _JOINTS.items():
        points[joint], scores[joint] = place, 0.9 if place[1] < height else 0.05
    body = BodyPoints(points, scores)
    face = Face((130, 20, 170, 60), np.zeros((5, 2), np.float32), 1.0)
    shown = np.ascontiguousarray(pixels[:height])
    return Figure("her.jpg", shown, face, mesh, parts, body, body, parts.person)


def trousers(length: int = 340) -> Mask:
    """Draw trousers on 240 x 400 pixels; length: from the waist, of 340."""
    mask = np.zeros((400, 240), np.float32)
    outline = [(75, 30), (165, 30), (172, 100), (185, 370), (135, 370), (122, 110), (118, 110),
               (105, 370), (55, 370), (68, 100)]  # fmt: skip
    cv2.fillPoly(mask, [np.array(outline, np.int32)], 1.0)
    mask[30 + length :] = 0
    return mask


def skirt() -> Mask:
    mask = np.zeros((400, 240), np.float32)
    cv2.fillPoly(mask, [np.array(((80, 60), (160, 60), (190, 230), (50, 230)), np.int32)], 1.0)
    return mask


def gown(*, sleeves: int = 0) -> Mask:
    """Draw a dress on 240 x 400 pixels with its waist at 130; sleeves: how far they hang down."""
    mask = np.zeros((400, 240), np.float32)
    outline = [(104, 34), (74, 44), (76, 90), (84, 130), (64, 330), (176, 330), (156, 130),
               (164, 90), (166, 44), (136, 34), (120, 46)]  # fmt: skip
    cv2.fillPoly(mask, [np.array(outline, np.int32)], 1.0)
    for side in (-1, 1) if sleeves else ():
        arm = [(120 + side * x, y) for x, y in ((40, 44), (66, 60), (80, sleeves), (64, sleeves))]
        cv2.fillPoly(mask, [np.array(arm, np.int32)], 1.0)
    return mask


def dyed(mask: Mask, colour: tuple[int, int, int]) -> Pixels:
    """Return a garment of one colour on white."""
    return np.where(mask[..., None] > 0.5, np.array(colour), 255).astype(np.uint8)
