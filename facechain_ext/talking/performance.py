"""The face in motion: one portrait, a mouth and gestures to pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from facechain_ext.base.records import Mask, Pixels
from facechain_ext.imaging.masks import dilate
from facechain_ext.portrait.expression import read_expression
from facechain_ext.talking.backdrop import fill_behind
from facechain_ext.talking.eyelids import close_eyes, find_eyelids
from facechain_ext.talking.face_frame import Field
from facechain_ext.talking.gestures import Gestures
from facechain_ext.talking.grids import Box
from facechain_ext.talking.head import HeadPose, HeadRig, rig_head
from facechain_ext.talking.lip_masks import mask_lips
from facechain_ext.talking.mouth_inside import MouthInside
from facechain_ext.talking.mouth_rig import MouthRig, rig_mouth
from facechain_ext.talking.mouth_track import MouthTrack
from facechain_ext.talking.sitter import Sitter
from facechain_ext.talking.teeth import Donor, find_teeth

_UNSMILING = 0.7
"""How much narrower the widest mouth of a full smile is: else it would laugh instead of speak."""
_FROM_BELOW = 0.35
"""How dark a lower lip's shadow in the mouth is, of an upper one's: light comes from above."""
_REACH = 0.1
"""How far a head may go from where it was, in face widths."""


class Performer:
    """Shows a sitter with any mouth, pose and lids; the work that is the same is done once."""

    def __init__(self, sitter: Sitter, donors: Iterable[Donor] = ()) -> None:
        frame = sitter.frame
        self._pixels = sitter.pixels
        self._lids = () if sitter.eyes_closed else find_eyelids(sitter.pixels, sitter.mesh)
        shape = (sitter.pixels.shape[0], sitter.pixels.shape[1])
        self._mouth: MouthRig = rig_mouth(frame, shape)
        self._masks = mask_lips(frame, self._mouth.grid)
        teeth = find_teeth(sitter.pixels, frame, self._mouth.grid, self._masks.hole, donors)
        self._inside = MouthInside(frame, self._mouth.grid, teeth, _light(sitter))
        self._head: HeadRig = rig_head(frame, sitter.person)
        self._person = np.clip(1.5 * sitter.person, 0, 1).astype(np.float32)
        self._backdrop = self._behind(sitter)
        self._smile = float(np.clip(read_expression(sitter.mesh).smile, 0, 1))
        self.teeth_from = teeth.source

    def frames(self, mouth: MouthTrack, gestures: Gestures) -> Iterator[Pixels]:
        """Yield one picture for each frame of the mouth, of the portrait's size."""
        for at in range(len(mouth)):
            pose = HeadPose(
                float(gestures.turn[at]), float(gestures.nod[at]),
                float(gestures.tilt[at]), float(gestures.brows[at]),
            )  # fmt: skip
            opening, width = float(mouth.opening[at]), float(mouth.width[at])
            yield self.show(opening, width, pose, float(gestures.lids[at]))

    def show(
        self, opening: float, width: float, pose: HeadPose | None = None, lids: float = 0.0
    ) -> Pixels:
        """Return one picture. opening: 0..1, width: -1..1, lids: 0 open .. 1 closed."""
        width = max(-1.0, width - _UNSMILING * self._smile * opening)
        portrait = close_eyes(self._pixels, self._lids, lids)
        places = self._head.grid.pixels
        if pose is not None and not pose.still:
            places = places + self._head.back(pose)
        drawn = self._with_mouth(portrait, places, opening, width)
        return self._in_front(drawn, places)

    def _with_mouth(self, portrait: Pixels, places: Field, opening: float, width: float) -> Pixels:
        """Draw the head's box: places are where in the portrait, its mouth as it is, to look."""
        x1, y1, x2, y2 = part = self._mouth_part()
        near = places[y1:y2, x1:x2]
        grid = self._mouth.grid
        above = near + grid.at(self._mouth.upper.back(opening, width), near)
        below = near + grid.at(self._mouth.lower.back(opening, width), near)
        places = places.copy()
        places[y1:y2, x1:x2] = above
        drawn = _read(portrait, places)
        drawn[y1:y2, x1:x2] = self._lips(portrait, near, above, below, opening, drawn, part)
        return drawn

    def _lips(
        self,
        portrait: Pixels,
        near: Field,
        above: Field,
        below: Field,
        opening: float,
        drawn: Pixels,
        part: Box,
    ) -> Pixels:
        """Lay inside, lower and upper lip over each other."""
        x1, y1, x2, y2 = part
        offset = np.array(self._mouth.grid.box[:2], np.float32)
        upper, lower = (
            _read(mask, places - offset)
            for mask, places in ((self._masks.upper, above), (self._masks.lower, below))
        )
        cover = upper + (1 - upper) * lower
        inside = self._inside.draw(near, opening, upper + _FROM_BELOW * (cover - upper))
        under = cv2.blendLinear(_read(portrait, below), inside, lower, 1 - lower)
        return np.asarray(cv2.blendLinear(drawn[y1:y2, x1:x2], under, upper, 1 - upper), np.uint8)

    def _mouth_part(self) -> Box:
        """Return where the mouth's box lies in the head's."""
        left, top, right, bottom = self._head.grid.box
        x1, y1, x2, y2 = self._mouth.grid.box
        x1, y1, x2, y2 = max(x1, left), max(y1, top), min(x2, right), min(y2, bottom)
        return x1 - left, y1 - top, x2 - left, y2 - top

    def _in_front(self, drawn: Pixels, places: Field) -> Pixels:
        """Lay the head over what is behind it."""
        x1, y1, x2, y2 = self._head.grid.box
        person = _read(self._person, places)
        behind = self._backdrop[y1:y2, x1:x2]
        shown: Pixels = self._pixels.copy()
        shown[y1:y2, x1:x2] = cv2.blendLinear(drawn, behind, person, 1 - person)
        return shown

    def _behind(self, sitter: Sitter) -> Pixels:
        """Fill what the head hides where it moves; beside shoulders all stays as it was."""
        filled = fill_behind(sitter.pixels, sitter.person, max(1, round(0.01 * sitter.frame.width)))
        share = np.zeros(sitter.person.shape, np.float32)
        x1, y1, x2, y2 = self._head.grid.box
        share[y1:y2, x1:x2] = np.minimum(1, 3 * self._head.grid.enlarged(self._head.share))
        near = dilate((sitter.person > 0.02).astype(np.float32), 2)
        weight = (share * near)[..., None]
        mixed = sitter.pixels + (filled.astype(np.float32) - sitter.pixels) * weight
        return np.rint(mixed).astype(np.uint8)


def _light(sitter: Sitter) -> float:
    """Return how bright the face is."""
    spots = np.rint(sitter.mesh[[50, 280, 205, 425, 151]]).astype(int)
    height, width = sitter.pixels.shape[:2]
    spots = spots.clip(0, [width - 1, height - 1])
    return float(np.median(sitter.pixels[spots[:, 1], spots[:, 0]].mean(axis=1)))


def _read(picture: Pixels | Mask, places: Field) -> Pixels:
    read: Pixels = cv2.remap(
        picture, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return read
