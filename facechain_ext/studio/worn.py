"""A picture of somebody in the clothes made one of the person: clothes kept, all else theirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import Event, PortraitsFinished, Stage
from facechain_ext.base.host import Host
from facechain_ext.base.infotext import add_fields
from facechain_ext.base.records import Mask, Photo, Pixels, Portrait
from facechain_ext.base.repainting import RepaintRequest
from facechain_ext.config import PortraitConfig, TryOnConfig
from facechain_ext.nets import FaceNets
from facechain_ext.studio.stepping import Tell
from facechain_ext.studio.suitability import knows_faces_alone
from facechain_ext.studio.templates import Templates
from facechain_ext.tryon.garment import Garment, read_garment
from facechain_ext.tryon.infotext import worn_fields

_SURE = 0.5
_BLEND = 4
"""Pixels over which what is drawn anew fades into the clothes, outside them."""


@dataclass(frozen=True)
class Worn:
    """Exchanges whoever wears the clothes, through the templates."""

    host: Host
    nets: FaceNets
    templates: Templates

    def check(
        self, picture: Photo, alpha: Mask | None, person: str, config: TryOnConfig
    ) -> Garment:
        """Return the clothes; raises InvalidInput, NoFaceFound and PersonNotFound."""
        if not person:
            raise InvalidInput("Say who is to wear the clothes: somebody who is trained.")
        self.templates.library.get(person)
        garment = read_garment(picture, alpha, self.nets)
        if not garment.worn:
            raise InvalidInput(
                f"Nobody wears the clothes in {picture.name}: for the way worn the picture must "
                "show somebody in them. Fitted takes a garment by itself."
            )
        self.templates.checked(picture, {self._face(picture): person}, config)
        return garment

    def make(
        self,
        picture: Photo,
        alpha: Mask | None,
        person: str,
        config: TryOnConfig,
        tell: Tell | None = None,
    ) -> Iterator[Event]:
        """Draw what is around, then paint the person; the last event is PortraitsFinished."""
        garment = self.check(picture, alpha, person, config)
        scene = picture
        notes: tuple[str, ...] = ()
        if config.background.strip():
            if knows_faces_alone(self.host.current_checkpoint()):
                notes = (
                    "The background stays as it was: this checkpoint knows faces alone. A "
                    "checkpoint of full size draws it anew.",
                )
            else:
                yield Stage("draw the background", 1)
                scene = replace(picture, pixels=self._surrounded(garment, person, config))
        cast = {self._face(scene): person}
        for event in self.templates.make(scene, cast, config, tell):
            yield self._told(event, garment, config, notes)

    def _face(self, picture: Photo) -> int:
        faces = self.templates.look(picture)
        return max(faces, key=lambda face: face.face.area).number

    def _surrounded(self, garment: Garment, person: str, config: TryOnConfig) -> Pixels:
        """Draw all but the clothes anew, as the person before the background of the words."""
        words = ", ".join(filter(None, (config.background.strip(), config.prompt)))
        portrait = PortraitConfig(
            prompt=words,
            negative_prompt=config.negative_prompt,
            steps=config.steps,
            guidance_scale=config.guidance_scale,
            sampler_name=config.sampler_name,
            lora_weight=config.lora_weight,
            seed=max(config.seed, 0),
        )
        asked = self.templates.portraits.request(person, portrait)
        drawing = asked.for_seeds((max(config.seed, 0),))
        around = np.asarray(garment.mask < _SURE, np.float32)
        request = RepaintRequest(drawing, garment.pixels, around, 1.0, _BLEND)
        (image, *_) = self.host.repaint(request, None)
        return _with_clothes(image.pixels, garment)

    def _told(
        self, event: Event, garment: Garment, config: TryOnConfig, notes: tuple[str, ...]
    ) -> Event:
        """Lay the clothes back and say whose they are."""
        if not isinstance(event, PortraitsFinished):
            return event
        told = worn_fields(garment.name, config)

        def clothed(portrait: Portrait) -> Portrait:
            said = add_fields(portrait.infotext, told)
            pixels = _with_clothes(portrait.pixels, garment)
            return replace(portrait, pixels=pixels, infotext=said)

        return replace(
            event,
            ranked=tuple(map(clothed, event.ranked)),
            rejected=tuple(map(clothed, event.rejected)),
            notes=(*event.notes, *notes),
        )


def _with_clothes(pixels: Pixels, garment: Garment) -> Pixels:
    """Put the clothes back pixel for pixel."""
    return np.where((garment.mask >= _SURE)[..., None], garment.pixels, pixels)
