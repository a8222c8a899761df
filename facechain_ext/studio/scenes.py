"""Pictures of several people from words, for them to be templates."""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from textwrap import shorten

from facechain_ext.base.errors import InvalidInput, NoPortraitFound
from facechain_ext.base.events import Candidate, Event, PortraitsFinished, Stage
from facechain_ext.base.host import GeneratedImage, GenerationRequest, Host, Unavailable
from facechain_ext.base.records import Face, Pixels, Portrait, Rejection, Score
from facechain_ext.config import TemplateConfig
from facechain_ext.imaging.encode import encode_png
from facechain_ext.imaging.files import resize
from facechain_ext.imaging.provenance import ai_marker
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.numbered import LEAST_WIDTH
from facechain_ext.studio.portraits import LARGEST_SEED
from facechain_ext.studio.stepping import Tell, stepping
from facechain_ext.studio.suitability import knows_faces_alone, native_side
from facechain_ext.templates.gallery import Gallery
from facechain_ext.templates.template import Template

MOST_PEOPLE = 8
"""Whom one picture from words may show."""

LONGEST_TITLE = 60
TAG = "drawn"

_STEP = 64
_WIDTH, _WIDTH_OF_HEADS = (1.0, 0.25), (0.67, 0.5)
"""A picture's width by the checkpoint's own side: at first, and for every person on it; the second
where a checkpoint draws nobody smaller than with head and shoulders."""

_SURE = 0.85
"""Detector score from which on a drawn face is a face."""

_LEAST_HEIGHT = 512
"""Pixels; what a small checkpoint draws is enlarged to that."""


@dataclass(frozen=True)
class Scenes:
    """Draws scenes through the host until one shows enough people."""

    host: Host
    nets: FaceNets
    gallery: Gallery

    def draw(
        self, words: str, people: int, config: TemplateConfig, tell: Tell | None = None
    ) -> Generator[Event, None, Template]:
        """Draw what the words say, and keep the best as a template, which is returned.

        Raises InvalidInput for a crowd; NoPortraitFound where no picture shows enough faces, after
        a PortraitsFinished with what was drawn.
        """
        if people > MOST_PEOPLE:
            raise InvalidInput(
                f"A picture from words shows {MOST_PEOPLE} people at most, not {people}."
            )
        first = random.randint(0, LARGEST_SEED) if config.seed < 0 else config.seed
        checkpoint = self.host.current_checkpoint()
        side, heads = native_side(checkpoint), knows_faces_alone(checkpoint)
        width = scene_width(people, side, heads=heads)
        total = config.candidates * config.attempts
        failed: list[GeneratedImage] = []
        yield Stage("draw the scene", total)
        for number in range(total):
            seed = (first + number) % (LARGEST_SEED + 1)
            request = _request(words, (width, side), config).for_seeds((seed,))
            on_step = stepping(self.host, tell, partial(_place, number + 1, total))
            for image in self.host.generate(request, on_step):
                yield Candidate(number + 1, total)
                if self._shows(image.pixels, people):
                    return self._kept(image, words)
                failed.append(image)
        yield PortraitsFinished((), (), tuple(map(_set_aside, failed)))
        raise NoPortraitFound(
            f"None of {total} pictures of these words shows {people} faces that are large and "
            "clear enough. Use other words, more candidates or attempts, or another checkpoint."
        )

    def _shows(self, pixels: Pixels, people: int) -> bool:
        faces = self.nets.detector.detect(pixels)
        return len(faces) == people and all(map(_is_clear, faces))

    def _kept(self, image: GeneratedImage, words: str) -> Template:
        """Put the scene among the user's templates, enlarged where it is small."""
        pixels = self._enlarged(image.pixels)
        told = {"parameters": image.infotext, **ai_marker("trainedAlgorithmicMedia")}
        content = encode_png(pixels, told)
        return self.gallery.add(
            content, ".png", shorten(words, LONGEST_TITLE, placeholder=""), (TAG,)
        )

    def _enlarged(self, pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        if height >= _LEAST_HEIGHT:
            return pixels
        size = (round(width * _LEAST_HEIGHT / height), _LEAST_HEIGHT)
        large = self.host.upscale(pixels, max(size))
        return resize(pixels if isinstance(large, Unavailable) else large, size)


def _request(words: str, size: tuple[int, int], config: TemplateConfig) -> GenerationRequest:
    return GenerationRequest(
        words,
        config.negative_prompt,
        width=size[0],
        height=size[1],
        steps=config.steps,
        guidance_scale=config.guidance_scale,
        sampler_name=config.sampler_name or "",
    )


def scene_width(people: int, side: int, *, heads: bool) -> int:
    """Return how wide a picture of so many people is; side: of the checkpoint's own pictures.

    heads: whether the checkpoint knows faces alone.
    """
    first, each = _WIDTH_OF_HEADS if heads else _WIDTH
    step = _STEP if side >= 4 * _STEP else _STEP // 2
    wide = side if people < 2 else side * (first + each * people)
    return round(wide / step) * step


def _is_clear(face: Face) -> bool:
    return face.score >= _SURE and min(face.width, face.height) >= LEAST_WIDTH


def _place(number: int, total: int, _: int) -> tuple[int, int]:
    """Return where a picture stands that is drawn by itself."""
    return number, total


def _set_aside(image: GeneratedImage) -> Portrait:
    return Portrait(image.pixels, Score(None, Rejection.NO_FACE), image.seed, image.infotext)
