"""What a training picture is called, in the words that the mini checkpoint knows too.

A caption is a list of phrases: "fcsks, portrait photo of a young woman, smiling, wearing glasses,
gray background, color photo". Whatever it names, the trigger word need not absorb. What cannot be
told is left out.
"""

from __future__ import annotations

import re

import cv2
import numpy as np

from facechain_ext.base.records import Attributes, Face, Gender, Pixels, Points
from facechain_ext.imaging.geometry import yaw_ratio

_CHILD_BELOW = 13
_AGE_BANDS = ((35, "young "), (55, "middle aged "), (float("inf"), "old "))
_ADULTS = {Gender.WOMAN: "woman", Gender.MAN: "man", None: "person"}
_CHILDREN = {Gender.WOMAN: "girl", Gender.MAN: "boy", None: "child"}

_TURNED = 0.35
"""|yaw_ratio| from which a face is called turned; three photos in four are below."""

_CORNER = 0.12
"""Side of the two upper corners that stand for the background, in picture sides."""

_UNEVEN = 0.15
"""Above this mean distance from their median colour (0..1), corners have no one colour."""

_COLOURED = 0.24
"""Saturation (HSV, 0..1) from which a background has a colour name."""

_HUES = (
    (12, "red"), (50, "brown"), (75, "yellow"), (170, "green"), (265, "blue"), (335, "purple"),
)  # fmt: skip
"""Upper ends of hue ranges in degrees; red again above the last."""

_SIDES = {"left": "right", "right": "left"}


def caption(
    attributes: Attributes,
    trigger_word: str,
    *,
    looking: str | None = None,
    background: str | None = None,
) -> str:
    """Write a caption; looking as from `looking_phrase`, background as from `background_phrase`."""
    return ", ".join(
        phrase
        for phrase in (
            trigger_word,
            f"portrait photo of {subject(attributes)}",
            {True: "smiling", False: "serious", None: ""}[attributes.smiling],
            "wearing glasses" if attributes.glasses else "",
            looking,
            background,
            "black and white photo" if attributes.monochrome else "color photo",
        )
        if phrase
    )


def subject(attributes: Attributes) -> str:
    """Name age and gender: "a young woman", "an old man", "a girl", "a person"."""
    if attributes.age is not None and attributes.age < _CHILD_BELOW:
        return f"a {_CHILDREN[attributes.gender]}"
    words = _age_words(attributes.age) + _ADULTS[attributes.gender]
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def _age_words(age: float | None) -> str:
    return "" if age is None else next(words for limit, words in _AGE_BANDS if age < limit)


def mirrored(text: str) -> str:
    """Return the caption of the mirrored picture: left and right change places."""
    return re.sub(
        r"\b(left|right)\b", lambda side: _SIDES[side[0].lower()], text, flags=re.IGNORECASE
    )


def looking_phrase(face: Face) -> str | None:
    """Say to which side of the picture a face is clearly turned; None for a frontal one."""
    return turned_phrase(face.landmarks)


def turned_phrase(points: Points) -> str | None:
    """Say it of right eye, left eye and nose, as in `looking_phrase`."""
    yaw = yaw_ratio(points)
    return None if abs(yaw) < _TURNED else "looking left" if yaw < 0 else "looking right"


def background_phrase(pixels: Pixels) -> str | None:
    """Name the colour of the background, told by the two upper corners; None where it is mixed."""
    side = max(1, round(min(pixels.shape[:2]) * _CORNER))
    corners = np.concatenate([pixels[:side, :side], pixels[:side, -side:]])
    rgb = corners.reshape(-1, 3).astype(np.float32) / np.float32(255)
    middle = np.median(rgb, axis=0)
    if float(np.abs(rgb - middle).mean(axis=0).max()) > _UNEVEN:
        return None
    return f"{_color_name(middle)} background"


def _color_name(rgb: np.ndarray) -> str:
    hue, saturation, value = cv2.cvtColor(rgb.reshape(1, 1, 3), cv2.COLOR_RGB2HSV).reshape(3)
    if value < 0.27:
        return "dark"
    if saturation < _COLOURED:
        return "gray" if value < 0.74 else "light" if value < 0.92 else "white"
    return next((name for limit, name in _HUES if hue < limit), "red")
