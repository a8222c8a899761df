"""Which of a person's photos gives its face to a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Instance, Points
from facechain_ext.portrait.expression import Expression, read_expression
from facechain_ext.portrait.head_pose import FRONTAL, Pose, angle_between, fit_pose
from facechain_ext.portrait.light import grain, to_lab
from facechain_ext.portrait.regions import face_height
from facechain_ext.portrait.skin import cheeks

# How far apart two faces may be before a photo counts for a third (1 / e) of its quality.
_ANGLE = 20.0
_MOUTH = 0.15
_SMILE = 0.6
_CLOSED_EYES_COUNT = 0.3
_USUAL_GRAIN = 0.025

_SHUT = Expression(mouth=0.0, eyes=0.3, smile=0.0)


def choose_template(instances: Sequence[Instance]) -> Instance:
    """Return the photo that shows the face best: of good quality, frontal, eyes open, mouth shut.

    Quality is the instance's own: clear identity feature, enough pixels, sharp. The first wins a
    tie. Raises InvalidInput for no instances.
    """
    return max(
        _required(instances),
        key=lambda instance: _fitness(instance, FRONTAL, _SHUT, smiles=False),
    )


def choose_template_for(picture_landmarks: Points, instances: Sequence[Instance]) -> Instance:
    """Return the photo that fits a picture best: head turned alike, mouth alike, good quality.

    picture_landmarks: (478, 2). Raises InvalidInput for no instances.
    """
    return templates_for(picture_landmarks, instances)[0]


def templates_for(picture_landmarks: Points, instances: Sequence[Instance]) -> list[Instance]:
    """Return the photos by how well they fit a picture, the best first; see above."""
    pose, expression = fit_pose(picture_landmarks), read_expression(picture_landmarks)
    return sorted(
        _required(instances),
        key=lambda instance: -_fitness(instance, pose, expression, smiles=True),
    )


def _fitness(instance: Instance, pose: Pose, wanted: Expression, *, smiles: bool) -> float:
    """Weigh quality by how near the photo comes to a pose and an expression."""
    shown = read_expression(instance.landmarks)
    off = angle_between(fit_pose(instance.landmarks), pose) / _ANGLE
    mouth = (shown.mouth - wanted.mouth) / _MOUTH
    smile = (shown.smile - wanted.smile) / _SMILE if smiles else 0.0
    eyes = _CLOSED_EYES_COUNT if shown.eyes_closed else 1.0
    clear = min(1.0, _USUAL_GRAIN / max(_grain(instance), 1e-6))
    return max(instance.quality, 1e-3) * eyes * clear * math.exp(-(off**2 + mouth**2 + smile**2))


def _grain(instance: Instance) -> float:
    """Return the noise of the cheeks over their lightness: high in photos taken in the dark."""
    points = instance.landmarks
    x0, y0 = np.maximum(points.min(axis=0), 0).astype(int).tolist()
    x1, y1 = points.max(axis=0).astype(int).tolist()
    face = to_lab(instance.pixels[y0:y1, x0:x1])
    region = cheeks(points - np.array([x0, y0], np.float32), face.shape[:2])
    noise = grain(face, region, radius=0.015 * face_height(points))
    return noise / max(float(np.median(face[region > 0.5][:, 0])), 1.0)


def _required(instances: Sequence[Instance]) -> Sequence[Instance]:
    if not instances:
        raise InvalidInput("A template needs at least one photo of the person.")
    return instances
