"""What is to be painted anew in a picture that exists."""

from __future__ import annotations

from dataclasses import dataclass

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import GenerationRequest
from facechain_ext.base.records import Mask, Pixels

MOST_STEPS_SHARE = 0.999
"""Of strength, as webuis have it: the noisiest level of all would leave nothing of the picture."""


@dataclass(frozen=True, eq=False)
class RepaintRequest:
    """Paint a part of a picture anew, once for every seed of `drawing`.

    pixels: of any size. mask: (H, W), what is above a half is painted. blend: so many pixels around
    it fade from the new to the old; further out the picture stays as it is in every byte.
    strength: 0..1, how much noise the painting starts from; 1 all but forgets what was there.
    drawing: width and height are those that the part is drawn at, 0 for what suits the checkpoint.
    """

    drawing: GenerationRequest
    pixels: Pixels
    mask: Mask
    strength: float = 0.5
    blend: int = 8

    def __post_init__(self) -> None:
        """Raises InvalidInput."""
        if self.mask.shape != self.pixels.shape[:2]:
            raise InvalidInput(
                f"The mask must have the picture's size {self.pixels.shape[:2]}, "
                f"not {self.mask.shape}."
            )
        if not (self.mask > 0.5).any():
            raise InvalidInput("The mask is empty: nothing would be painted.")
        if not 0 < self.strength <= 1:
            raise InvalidInput(f"strength must be above 0 and at most 1, not {self.strength}.")
        if self.blend < 0:
            raise InvalidInput(f"blend must be 0 or more, not {self.blend}.")
        if self.drawing.hires_scale != 1:
            raise InvalidInput("A part of a picture is not drawn a second time in larger.")

    def steps_of(self, steps: int) -> int:
        """Return how many of so many steps are taken: those from the strength's noise level on."""
        return min(int(min(self.strength, MOST_STEPS_SHARE) * steps) + 1, steps)
