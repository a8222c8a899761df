"""Clothes put on people: on a photo of them, or by making a picture of the clothes one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import Candidate, Event, PortraitsFinished, Stage
from facechain_ext.base.host import GenerationRequest, Host
from facechain_ext.base.infotext import add_fields, format_infotext
from facechain_ext.base.records import Embedding, Pixels, Portrait, Score
from facechain_ext.base.repainting import RepaintRequest
from facechain_ext.base.stopwatch import Stopwatch
from facechain_ext.config import TryOnConfig
from facechain_ext.library.people import PeopleLibrary
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.likeness import mean_embedding
from facechain_ext.portrait.rank import rank
from facechain_ext.studio.outfit import Outfit
from facechain_ext.studio.stepping import Tell, stepping
from facechain_ext.studio.suitability import knows_faces_alone
from facechain_ext.studio.templates import Templates
from facechain_ext.studio.worn import Worn
from facechain_ext.tryon.dress import Dressed, dress
from facechain_ext.tryon.figure import Figure, read_figure
from facechain_ext.tryon.garment import read_garment
from facechain_ext.tryon.infotext import fitted_fields

_BLEND = 0.03
"""Of the repainted edge into its surroundings, in face heights."""

_CLOTH = "clothes, fabric, neckline"


@dataclass(frozen=True)
class TryOn:
    """Puts clothes on people through the host."""

    host: Host
    nets: FaceNets
    library: PeopleLibrary
    templates: Templates
    _last: dict[str, tuple[Figure, Dressed]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def check(self, outfit: Outfit, config: TryOnConfig) -> None:
        """Raises InvalidInput, NoFaceFound and PersonNotFound for what cannot be done."""
        if outfit.person:
            self.library.get(outfit.person)
        if config.way == "fitted":
            self._dressed(outfit, config)
        else:
            self._worn.check(outfit.garment, outfit.alpha, outfit.person, config)

    def make(
        self, outfit: Outfit, config: TryOnConfig, tell: Tell | None = None
    ) -> Iterator[Event]:
        """Try a garment on; the last event is PortraitsFinished.

        Raises what `check` raises, before anything is drawn, and NoPortraitFound where a face
        never came out.
        """
        if config.way == "worn":
            yield from self._worn.make(outfit.garment, outfit.alpha, outfit.person, config, tell)
        else:
            yield from self._fitted(outfit, config, tell)

    @property
    def _worn(self) -> Worn:
        return Worn(self.host, self.nets, self.templates)

    def _fitted(self, outfit: Outfit, config: TryOnConfig, tell: Tell | None) -> Iterator[Event]:
        watch = Stopwatch()
        yield Stage("fit the garment", 1)
        with watch.measure("fit"):
            self.check(outfit, config)
            figure, dressed = self._dressed(outfit, config)
        drawn = [(dressed.pixels, max(config.seed, 0), "")]
        seam, notes = self._seam(config, dressed)
        if seam > 0:
            yield Stage("paint the edge", config.count)
            drawn = []
            with watch.measure("paint"):
                for picture in self._painted(figure, dressed, config, tell):
                    drawn.append(picture)
                    yield Candidate(len(drawn), config.count)
        photo = outfit.photo.name if outfit.photo else ""
        told = fitted_fields(photo, outfit.garment.name, outfit.person, config, seam=seam)
        known = self._known(outfit, figure)
        portraits = [self._judged(figure, known, *picture, told) for picture in drawn]
        ranked, rejected = rank(portraits)
        yield PortraitsFinished(
            tuple(ranked), (), tuple(rejected), watch.seconds, (*dressed.notes, *notes)
        )

    def _dressed(self, outfit: Outfit, config: TryOnConfig) -> tuple[Figure, Dressed]:
        """Put the garment on; the last outfit is remembered: it is checked, queued and made."""
        if outfit.photo is None:
            raise InvalidInput("Choose a photo of whoever is to wear the garment.")
        mark = f"{outfit.mark} {config.part}"
        if mark not in self._last:
            figure = read_figure(outfit.photo, self.nets)
            garment = read_garment(outfit.garment, outfit.alpha, self.nets, config.part)
            dressed = dress(figure, garment)
            self._last.clear()
            self._last[mark] = figure, dressed
        return self._last[mark]

    def _seam(self, config: TryOnConfig, dressed: Dressed) -> tuple[float, tuple[str, ...]]:
        """Return how freely the edge is painted, and why not where it is left as it was laid."""
        if config.seam == 0 or not dressed.edge.any():
            return 0.0, ()
        checkpoint = self.host.current_checkpoint()
        if knows_faces_alone(checkpoint):
            return 0.0, (
                f"The edge was not painted: {checkpoint.name} knows faces alone. A checkpoint of "
                "full size can settle it.",
            )
        return config.seam, ()

    def _painted(
        self, figure: Figure, dressed: Dressed, config: TryOnConfig, tell: Tell | None
    ) -> Iterator[tuple[Pixels, int, str]]:
        on_step = stepping(self.host, tell, lambda picture: (picture + 1, config.count))
        drawing = GenerationRequest(
            ", ".join(filter(None, (config.prompt, _CLOTH))),
            config.negative_prompt,
            tuple(max(config.seed, 0) + offset for offset in range(config.count)),
            steps=config.steps,
            guidance_scale=config.guidance_scale,
            sampler_name=config.sampler_name or "",
        )
        blend = max(2, round(_BLEND * figure.unit))
        request = RepaintRequest(drawing, dressed.pixels, dressed.edge, config.seam, blend)
        for image in self.host.repaint(request, on_step):
            yield image.pixels, image.seed, image.infotext

    def _known(self, outfit: Outfit, figure: Figure) -> Embedding:
        """Return who it should look like: the person named, or whoever is on the photo."""
        if outfit.person:
            instances = self.library.get(outfit.person).load_instances()
            if instances:
                return mean_embedding(instances)
        return self.nets.embedder.embed(figure.pixels, figure.face)

    def _judged(
        self,
        figure: Figure,
        known: Embedding,
        pixels: Pixels,
        seed: int,
        infotext: str,
        told: Mapping[str, object],
    ) -> Portrait:
        similarity = float(np.dot(self.nets.embedder.embed(pixels, figure.face), known))
        said = add_fields(infotext, told) if infotext else format_infotext("", "", told)
        return Portrait(pixels, Score(similarity), seed, said)
