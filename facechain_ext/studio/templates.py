"""People of the library painted into a picture that exists, each on the right face."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

import numpy as np

from facechain_ext.base.errors import InvalidInput, NoPortraitFound
from facechain_ext.base.events import Candidate, Drawing, Event, PortraitsFinished, Stage
from facechain_ext.base.host import GenerationRequest, Host
from facechain_ext.base.infotext import add_fields
from facechain_ext.base.records import Embedding, Photo, Portrait, Score
from facechain_ext.base.stopwatch import Stopwatch
from facechain_ext.config import PortraitConfig, TemplateConfig
from facechain_ext.imaging.color import is_monochrome
from facechain_ext.library.people import PeopleLibrary, Person
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.acquaintance import Acquaintance
from facechain_ext.portrait.casting import Cast, Sitter, checked_cast, propose
from facechain_ext.portrait.exchange import exchange
from facechain_ext.portrait.likeness import mean_embedding
from facechain_ext.portrait.numbered import NumberedFace, number_faces
from facechain_ext.portrait.place import Place
from facechain_ext.portrait.rank import rank
from facechain_ext.portrait.template_infotext import Seated, template_fields
from facechain_ext.studio.portraits import LARGEST_SEED, Portraits
from facechain_ext.studio.seat import NewFace, Seat

_COLOURLESS = "black and white photo"


@dataclass(frozen=True, eq=False)
class Count:
    """How many candidates were painted, and how many there will be if nothing fails from now on."""

    before: Sequence[Seat]
    seat: Seat
    after: int
    candidates: int

    @property
    def done(self) -> int:
        return sum(len(seat.found) for seat in (*self.before, self.seat))

    @property
    def total(self) -> int:
        attempts = max(1, ceil(len(self.seat.found) / self.candidates))
        earlier = sum(len(seat.found) for seat in self.before)
        return earlier + (attempts + self.after) * self.candidates


@dataclass(frozen=True)
class Templates:
    """Paints people into templates through the host."""

    host: Host
    nets: FaceNets
    library: PeopleLibrary
    portraits: Portraits
    _looked: dict[object, list[NumberedFace]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def look(self, template: Photo) -> list[NumberedFace]:
        """Find and number every face; raises NoFaceFound, InvalidInput for a crowd.

        The last template is remembered: it is looked at when it is chosen, queued and painted.
        """
        pixels = np.ascontiguousarray(template.pixels)
        mark = pixels.shape, hashlib.sha256(pixels.data).digest()
        faces = self._looked.get(mark)
        if faces is None:
            faces = number_faces(template, self.nets)
            self._looked.clear()
            self._looked[mark] = faces
        return [*faces]

    def propose(self, faces: Sequence[NumberedFace]) -> Cast:
        """Choose by what fits who might come on which face, of all who are trained."""
        sitters = [
            Sitter(person.manifest.name, person.manifest.attributes, person.load_instances())
            for person in self.library.trained()
        ]
        return propose(faces, sitters)

    def checked(
        self, template: Photo, cast: Mapping[int, str], config: TemplateConfig
    ) -> tuple[list[NumberedFace], Cast]:
        """Return the faces and who comes on them, an empty cast filled in by what fits.

        Raises NoFaceFound, PersonNotFound, InvalidInput for what cannot be done.
        """
        faces = self.look(template)
        named = {n: self.library.get(name).manifest.name for n, name in cast.items()}
        settled = checked_cast(named or self.propose(faces), faces, template.name)
        if not settled:
            raise InvalidInput(
                "Nobody can be proposed for this template: train somebody first, or choose a "
                "picture with larger faces."
            )
        for name in settled.values():
            self._drawing(name, config, template)
        return faces, settled

    def make(
        self,
        template: Photo,
        cast: Mapping[int, str],
        config: TemplateConfig,
        tell: Callable[[Drawing], None] | None = None,
    ) -> Iterator[Event]:
        """Paint, judge and rank whole pictures; the last event is PortraitsFinished.

        cast: who comes on which face; empty for what is proposed. Faces that nobody is named for
        stay as they are. Raises what `checked` raises; NoPortraitFound where a face never came
        out, after a PortraitsFinished with what was made.
        """
        watch = Stopwatch()
        with watch.measure("look"):
            faces, settled = self.checked(template, cast, config)
            seats = [*self._seats(template, faces, settled, config)]
        for place, seat in enumerate(seats):
            yield Stage(f"face {seat.face.number}: {seat.name}", config.candidates)
            count = Count(seats[:place], seat, len(seats) - place - 1, config.candidates)
            with watch.measure("paint"):
                yield from self._filled(seat, template, config, count, tell)
        with watch.measure("put back"):
            pictures = [*_pictures(template, seats, config)]
        ranked, rejected = rank(pictures)
        notes = tuple(dict.fromkeys(filter(None, self._notes(seats))))
        yield PortraitsFinished(tuple(ranked), (), tuple(rejected), watch.seconds, notes)
        if not ranked:
            raise NoPortraitFound(_why_none(seats))

    def _filled(
        self,
        seat: Seat,
        template: Photo,
        config: TemplateConfig,
        count: Count,
        tell: Callable[[Drawing], None] | None,
    ) -> Iterator[Event]:
        def on_step(picture: int, step: int, steps: int) -> None:
            if tell is not None:
                number = min(count.done + 1, count.total)
                tell(Drawing(number, count.total, step, steps, self.host.preview()))

        for _ in seat.fill(template.pixels, config, self.host, self.nets, on_step):
            yield Candidate(count.done, count.total)

    def _seats(
        self,
        template: Photo,
        faces: Sequence[NumberedFace],
        cast: Cast,
        config: TemplateConfig,
    ) -> Iterator[Seat]:
        known = self._known(faces)
        first = random.randint(0, LARGEST_SEED) if config.seed < 0 else config.seed
        each = config.candidates * config.attempts
        for place, face in enumerate(face for face in faces if face.number in cast):
            name = cast[face.number]
            others = [other.mesh for other in faces if other is not face]
            instances = self.library.get(name).load_instances()
            person = mean_embedding(instances)
            square = Place.around(face.face, template.pixels, self.nets.landmarker)
            yield Seat(
                face,
                name,
                exchange(
                    square,
                    instances,
                    person,
                    self.nets,
                    kind=config.mask,
                    strength=config.fusion_strength,
                    others=[square.points(mesh) for mesh in others],
                ),
                Acquaintance(person, {n: e for n, e in known.items() if n != name}),
                self._drawing(name, config, template).for_seeds(_seeds(first + place * each, each)),
                others,
            )

    def _known(self, faces: Sequence[NumberedFace]) -> dict[str, Embedding]:
        """Return everybody of the library, and who the template shows."""
        people = ((p.manifest.name, _reference(p)) for p in self.library.people())
        shown = {f"face {face.number} of the template": face.embedding for face in faces}
        return {**{name: mean for name, mean in people if mean is not None}, **shown}

    def _drawing(self, name: str, config: TemplateConfig, template: Photo) -> GenerationRequest:
        """Return what a person is painted by; raises what `Portraits.request` raises."""
        words = (_COLOURLESS if is_monochrome(template.pixels) else "", config.prompt)
        portrait = PortraitConfig(
            prompt=", ".join(filter(None, words)),
            negative_prompt=config.negative_prompt,
            steps=config.steps,
            guidance_scale=config.guidance_scale,
            sampler_name=config.sampler_name,
            lora_weight=config.lora_weight,
            seed=0,
        )
        return self.portraits.request(name, portrait)

    def _notes(self, seats: Sequence[Seat]) -> Iterator[str]:
        for seat in seats:
            yield self.portraits.mismatch(seat.name)
            if seat.exchange.note is not None:
                yield f"Face {seat.face.number}, {seat.name}: {seat.exchange.note}"


def _reference(person: Person) -> Embedding | None:
    instances = person.load_instances()
    return mean_embedding(instances) if instances else None


def _seeds(first: int, count: int) -> tuple[int, ...]:
    return tuple((first + offset) % (LARGEST_SEED + 1) for offset in range(count))


def _pictures(template: Photo, seats: Sequence[Seat], config: TemplateConfig) -> Iterator[Portrait]:
    """Put whole pictures together: each face's best on the first, its second best on the next."""
    if not all(seat.found for seat in seats):
        return
    most = max(len(seat.found) for seat in seats)
    for place in range(min(config.count, most)):
        chosen = [(seat, seat.found[min(place, len(seat.found) - 1)]) for seat in seats]
        yield _picture(template, chosen, config)


def _picture(
    template: Photo, chosen: Sequence[tuple[Seat, NewFace]], config: TemplateConfig
) -> Portrait:
    """Lay faces into a copy of the template; it counts as much as its least alike person."""
    whole = template.pixels.copy()
    for seat, face in chosen:
        seat.exchange.place.lay_into(whole, face.square, seat.exchange.alpha, seat.others)
    least = min((face for _, face in chosen), key=lambda face: face.rank)
    seated = [
        Seated(seat.face.number, seat.name, face.seed, face.score.similarity)
        for seat, face in chosen
    ]
    told = template_fields(template.name, seated, config)
    first = chosen[0][1]
    return Portrait(
        whole,
        Score(least.score.similarity, least.score.rejection),
        first.seed,
        add_fields(first.infotext, told),
        fusion_note=next((s.exchange.note for s, _ in chosen if s.exchange.note), None),
    )


def _why_none(seats: Sequence[Seat]) -> str:
    failed = [seat for seat in seats if not any(face.score.ranked for face in seat.found)]
    told = ", ".join(f"{seat.face.number} ({seat.name}: {_why(seat.found)})" for seat in failed)
    return (
        f"No candidate is good enough for face {told}. Try more attempts, another seed, or more "
        "fusion."
    )


def _why(found: Sequence[NewFace]) -> str:
    reasons = [face.score.rejection.value for face in found if face.score.rejection]
    return ", ".join(dict.fromkeys(reason.replace("_", " ") for reason in reasons)) or "not painted"
