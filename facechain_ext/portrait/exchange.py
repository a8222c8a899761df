"""A face of a template exchanged for a painted one: led, painted over, fused, harmonised, shown.

A checkpoint paints at its own size, which may be far coarser than the template. So the painting
starts from the template with the person's photo fused in, and what is finer than it can paint is
taken from there; fused once more, and shown through a soft mask on the template's own pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from facechain_ext.base.records import Embedding, Instance, Mask, Pixels, Points
from facechain_ext.config.template import MaskKind
from facechain_ext.imaging.blend import composite
from facechain_ext.imaging.masks import erode, feather
from facechain_ext.nets import FaceNets
from facechain_ext.portrait import regions
from facechain_ext.portrait.fuse import fuse, fusion_note
from facechain_ext.portrait.head_mask import head_mask
from facechain_ext.portrait.light import grain, relight, to_lab, to_rgb
from facechain_ext.portrait.mirrored import mirrored
from facechain_ext.portrait.place import Place
from facechain_ext.portrait.regions import face_height, smoothstep
from facechain_ext.portrait.skin import bare_forehead, cheeks
from facechain_ext.portrait.template import templates_for

_BLEND = 0.03
"""Width of the soft border inside the mask, in face heights."""

_FOREHEAD = (0.1, 0.19)
"""How far above the brows a face is shown: all up to the first, nothing from the second on, where
hairlines differ. In face heights."""

_UNDER_FRINGE = (-0.08, 0.02)
"""The same where a fringe hangs over the forehead of the person's photo."""

_BARE = 0.85
"""Share of skin from which on a forehead has no fringe."""

_TRIED = 6
"""Photos that are tried: one may have a hand before the face, or be of the worst light."""

_FINER = 0.8
"""Of one painted pixel, the sigma of the detail that is too fine for the painting."""

_LIGHT, _TINT = 0.15, 0.08
"""Changes over more than this are the template's, in lightness and in colour; in face heights."""

_GRAIN = 0.015
"""Skin detail below this size, in face heights, may be the grain of the photo."""


@dataclass(frozen=True, eq=False)
class Exchange:
    """A place in the template and the photo of who comes there.

    mask: (S, S) of the square, what is painted. alpha: how much of the outcome shows there.
    led: the square with a photo of the person fused in.
    """

    place: Place
    photo: Instance
    kind: MaskKind
    strength: float
    mask: Mask
    alpha: Mask
    led: Pixels
    note: str | None

    def finish(self, painted: Pixels, scale: float, nets: FaceNets) -> Pixels:
        """Make the square of a painting of `led`; scale: pixels of it that one painted one covers.

        What the mask leaves out stays the template's in every byte.
        """
        square = self._relit(self._refined(painted, scale))
        if self.strength > 0:
            landmarks = nets.landmarker.locate(square, self.place.face)
            square = fuse(square, landmarks, self.photo, strength=self.strength, whole=True)
        return composite(self._regrained(square), self.place.pixels, self.alpha)

    def _refined(self, painted: Pixels, scale: float) -> Pixels:
        """Give a coarse painting the detail of what it started from; not to hair of other shape."""
        if scale <= 1 or self.kind != "face":
            return painted
        sigma = _FINER * scale
        detail = self.led.astype(np.float32) - _blurred(self.led, sigma)
        whole = np.clip(np.rint(_blurred(painted, sigma) + detail), 0, 255).astype(np.uint8)
        refined = composite(whole, painted, (self.mask > 0).astype(np.float32))
        return composite(self.led, refined, _features(self.place.landmarks, self.mask.shape))

    def _relit(self, square: Pixels) -> Pixels:
        """Give a painting the template's light and complexion, which it started from.

        A checkpoint paints skin as it knows skin, whatever the neck below it looks like.
        """
        landmarks, shape = self.place.landmarks, self.mask.shape[:2]
        height = face_height(landmarks)
        face = regions.inside_face(landmarks, shape) if self.kind != "face" else self.alpha
        lit = relight(
            to_lab(square),
            to_lab(self.led),
            face,
            radius=_LIGHT * height,
            tint_radius=_TINT * height,
        )
        shown = face if self.kind != "face" else (self.mask > 0).astype(np.float32)
        return composite(to_rgb(lit), square, shown)

    def _regrained(self, square: Pixels) -> Pixels:
        """Add the grain that the template has on skin, where the new face has less."""
        landmarks = self.place.landmarks
        region, radius = cheeks(landmarks, self.mask.shape), _GRAIN * face_height(landmarks)
        lab = to_lab(square)
        wanted = grain(to_lab(self.place.pixels), region, radius=radius)
        missing = wanted**2 - grain(lab, region, radius=radius) ** 2
        if missing <= 0:
            return square
        noise = np.random.default_rng(0).normal(0, np.sqrt(missing), self.mask.shape)
        lab[..., 0] += noise.astype(np.float32)
        return to_rgb(lab)


def exchange(
    place: Place,
    instances: Sequence[Instance],
    person: Embedding,
    nets: FaceNets,
    *,
    kind: MaskKind,
    strength: float,
    others: Sequence[Points] = (),
) -> Exchange:
    """Make ready to exchange a face, by the photo that makes it most alike.

    person: their mean embedding. strength: of the fusion. others: meshes of other faces.
    """
    mask = head_mask(kind, place.landmarks, _matte(kind, place, nets), others)
    return max(
        (_led(place, photo, mask, kind, strength) for photo in _fitting(place, instances, nets)),
        key=lambda one: float(nets.embedder.embed(one.led, place.face) @ person),
    )


def _fitting(place: Place, instances: Sequence[Instance], nets: FaceNets) -> Sequence[Instance]:
    """Return the few photos, also mirrored, whose heads are turned most alike."""
    both = [*instances, *(mirrored(photo, nets.landmarker) for photo in instances)]
    return templates_for(place.landmarks, both)[:_TRIED]


def _led(place: Place, photo: Instance, mask: Mask, kind: MaskKind, strength: float) -> Exchange:
    alpha = _shown(mask, place.landmarks, kind, fringe=_has_fringe(photo))
    fused = fuse(place.pixels, place.landmarks, photo, strength=1.0, whole=True)
    led = composite(fused, place.pixels, alpha)
    note = fusion_note(place.landmarks, photo)
    return Exchange(place, photo, kind, strength, mask, alpha, led, note)


def _matte(kind: MaskKind, place: Place, nets: FaceNets) -> Mask:
    if kind == "face":
        return np.zeros(place.pixels.shape[:2], np.float32)
    return nets.segmenter.person(place.pixels, place.face)


def _shown(mask: Mask, landmarks: Points, kind: MaskKind, *, fringe: bool) -> Mask:
    """Fade the mask inwards, and where only the face changes, towards the forehead."""
    width = _BLEND * face_height(landmarks)
    inner = feather(erode(mask, max(1, round(width / 2))), width / 2)
    alpha = np.minimum(inner, mask)
    if kind == "face":
        full, end = _UNDER_FRINGE if fringe else _FOREHEAD
        above = regions.above_brows(landmarks, (mask.shape[0], mask.shape[1]))
        alpha = alpha * smoothstep(above, end, full)
    return np.asarray(alpha, np.float32)


def _has_fringe(photo: Instance) -> bool:
    return bare_forehead(to_lab(photo.pixels), photo.landmarks) < _BARE


def _features(landmarks: Points, shape: tuple[int, ...]) -> Mask:
    """Select eyes and mouth: painted coarsely in another state they would show twice."""
    size = (shape[0], shape[1])
    return np.maximum(regions.mouth(landmarks, size), regions.eyes(landmarks, size))


def _blurred(pixels: Pixels, sigma: float) -> Mask:
    blurred = cv2.GaussianBlur(
        pixels.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE
    )
    return np.asarray(blurred, np.float32)
