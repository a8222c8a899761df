"""The measurements that decide whether a photo is used, each with the limit it was tested at."""

from __future__ import annotations

from collections.abc import Sequence

from facechain_ext.base.records import Face, Mask, Photo, Reason
from facechain_ext.dataset.verdicts import Unusable
from facechain_ext.imaging.geometry import yaw_ratio

LEAST_NORM = 7.5
"""Length of the raw identity feature below which a face can no longer be recognised.

767 photos of people had 8.7 or more. Falls with covered faces and strange light too.
"""

LEAST_SHARPNESS = 0.25
"""`cutout.face_sharpness` below which a face is blurred.

767 photos of people had .27 or more; of 40 blurred by a Gaussian of 1/20 of the face's width, which
halves their likeness to themselves, none had more than .26.
"""

MOST_YAW = 0.98
"""|yaw_ratio| above which the far eye is about to vanish behind the nose."""

LEAST_VISIBLE = 0.85
"""Share of the face oval that must lie inside the photo: about the loss of a fifth from one side.

The mesh completes a cut face, so this share is true even where the detector's box shrinks.
"""


def check_size(photo: Photo, max_megapixels: float) -> None:
    """Reject photos too large to handle that came in as pixels already."""
    megapixels = photo.pixels.shape[0] * photo.pixels.shape[1] / 1e6
    if megapixels > max_megapixels:
        found = f"{photo.name} has {megapixels:.0f} megapixels"
        detail = f"{found}; at most {max_megapixels:g} are accepted."
        raise Unusable(Reason.TOO_LARGE, detail=detail)


def main_face(faces: Sequence[Face], name: str, *, ratio: float) -> Face:
    """Return the subject: the largest face if it has `ratio` times the area of the next."""
    if not faces:
        raise Unusable(Reason.NO_FACE, name=name)
    first, *others = sorted(faces, key=lambda face: -face.area)
    rivals = [face for face in others if face.area * ratio > first.area]
    if rivals:
        raise Unusable(Reason.SEVERAL_FACES, name=name, count=1 + len(rivals))
    return first


def check_width(face: Face, name: str, *, least: int) -> None:
    """Reject faces whose shorter side, in pixels of the photo, is too small."""
    shorter = min(face.width, face.height)
    if shorter < least:
        raise Unusable(Reason.FACE_TOO_SMALL, name=name, pixels=int(shorter), least=least)


def check_pose(face: Face, name: str) -> None:
    """Reject profiles."""
    if abs(yaw_ratio(face.landmarks)) > MOST_YAW:
        raise Unusable(Reason.TURNED_AWAY, name=name)


def check_cut(face_mask: Mask, valid: Mask, name: str) -> None:
    """Reject faces that reach past the photo's border."""
    visible = float((face_mask * valid).sum() / max(float(face_mask.sum()), 1e-6))
    if visible < LEAST_VISIBLE:
        raise Unusable(Reason.FACE_CUT_OFF, name=name, percent=round(100 * visible))


def check_clear(name: str, *, norm: float, sharpness: float) -> None:
    """Reject faces that are blurred, or that the identity net cannot read for another reason."""
    if norm < LEAST_NORM or sharpness < LEAST_SHARPNESS:
        raise Unusable(Reason.BLURRED, name=name)
