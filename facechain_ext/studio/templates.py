"""People of the library painted into a picture that exists, each on the right face."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from facechain_ext.base.errors import InvalidInput, NoPortraitFound
from facechain_ext.base.events import Candidate, Event, PortraitsFinished, Stage
from facechain_ext.base.host import GenerationRequest, Host
from facechain_ext.base.records import Embedding, Photo
from facechain_ext.base.stopwatch import Stopwatch
from facechain_ext.config import PortraitConfig, TemplateConfig
from facechain_ext.imaging.color import is_monochrome
from facechain_ext.imaging.still import read_still
from facechain_ext.library.people import PeopleLibrary, Person
from facechain_ext.library.seats import last_cast, remember_cast
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.acquaintance import Acquaintance
from facechain_ext.portrait.casting import Cast, Sitter, checked_cast, propose, require_once, seated
from facechain_ext.portrait.exchange import exchange
from facechain_ext.portrait.likeness import mean_embedding
from facechain_ext.portrait.numbered import NumberedFace, number_faces, number_known
from facechain_ext.portrait.place import Place
from facechain_ext.portrait.rank import rank
from facechain_ext.studio.portraits import LARGEST_SEED, Portraits
from facechain_ext.studio.seat import Count, Seat
from facechain_ext.studio.stepping import Tell, stepping
from facechain_ext.studio.template_pictures import whole_pictures, why_none
from facechain_ext.templates.gallery import Gallery
from facechain_ext.templates.template import Template

_COLOURLESS = "black and white photo"


@dataclass(frozen=True)
class Templates:
    """Paints people into templates through the host."""

    host: Host
    nets: FaceNets
    library: PeopleLibrary
    portraits: Portraits
    gallery: Gallery = field(default_factory=Gallery)
    _kept: dict[object, Template] = field(default_factory=dict, repr=False, compare=False)
    _looked: dict[object, list[NumberedFace]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def read(self, picture: Path) -> Photo:
        """Read a picture that people are painted into; raises what `read_still` raises.

        Of one that is in the gallery it is known from then on where its faces are.
        """
        photo = read_still(picture)
        if (kept := self.gallery.of_file(picture.read_bytes())) is not None:
            self._kept[_mark(photo)] = kept
        return photo

    def look(self, template: Photo) -> list[NumberedFace]:
        """Find and number every face; raises NoFaceFound, InvalidInput for a crowd.

        The last template is remembered: it is looked at when it is chosen, queued and painted.
        """
        mark = _mark(template)
        faces = self._looked.get(mark)
        if faces is None:
            faces = self._numbered(template, self._kept.get(mark))
            self._looked.clear()
            self._looked[mark] = faces
        return [*faces]

    def _numbered(self, template: Photo, kept: Template | None) -> list[NumberedFace]:
        if kept is not None and kept.faces:
            return number_known(template, kept.faces, self.nets)
        faces = number_faces(template, self.nets)
        if kept is not None:
            self.gallery.remember(kept, [face.face for face in faces])
        return faces

    def keep(self, picture: Path, title: str = "", tags: Sequence[str] = ()) -> Template:
        """Add a picture to the gallery, with its faces; raises what `look` and `keep` raise."""
        photo = read_still(picture)
        faces = self.look(photo)
        kept = self.gallery.keep(picture, title, tags)
        return self.gallery.remember(kept, [face.face for face in faces])

    def remove(self, name: str) -> Template:
        """Delete one of the user's templates, and who came into it; raises InvalidInput."""
        gone = self.gallery.remove(name)
        remember_cast(self.library, gone.name, {})
        return gone

    def suggest(self, template: Photo, faces: Sequence[NumberedFace]) -> Cast:
        """Return who came on which face the last time; for others, whoever fits."""
        kept = self._kept.get(_mark(template))
        known = {face.number for face in faces if not face.is_small}
        last = last_cast(self.library, kept.name) if kept else {}
        return {n: name for n, name in last.items() if n in known} or self.propose(faces)

    def propose(self, faces: Sequence[NumberedFace]) -> Cast:
        """Choose by what fits who might come on which face, of all who are trained."""
        return propose(faces, _sitters(self.library.trained()))

    def seat(self, template: Photo, who: Sequence[str]) -> Cast:
        """Give each of these people the face that fits best; raises InvalidInput, PersonNotFound,
        and what `look` raises."""
        people = [self.library.get(name) for name in who]
        names = [person.manifest.name for person in people]
        require_once(names)
        faces = self.look(template)
        return seated(propose(faces, _sitters(people)), names, len(faces), template.name)

    def require_trained(self, who: Sequence[str], config: TemplateConfig) -> None:
        """Require that these people can be painted; raises PersonNotFound, InvalidInput."""
        names = [self.library.get(name).manifest.name for name in who]
        require_once(names)
        for name in names:
            self._drawing(name, config)

    def checked(
        self, template: Photo, cast: Mapping[int, str], config: TemplateConfig
    ) -> tuple[list[NumberedFace], Cast]:
        """Return the faces and who comes on them, an empty cast filled in by what fits.

        Raises NoFaceFound, PersonNotFound, InvalidInput for what cannot be done.
        """
        faces = self.look(template)
        named = {n: self.library.get(name).manifest.name for n, name in cast.items()}
        settled = checked_cast(named or self.suggest(template, faces), faces, template.name)
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
        tell: Tell | None = None,
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
            if (kept := self._kept.get(_mark(template))) is not None:
                remember_cast(self.library, kept.name, settled)
        for place, seat in enumerate(seats):
            yield Stage(f"face {seat.face.number}: {seat.name}", config.candidates)
            count = Count(seats[:place], seat, len(seats) - place - 1, config.candidates)
            with watch.measure("paint"):
                yield from self._filled(seat, template, config, count, tell)
        with watch.measure("put back"):
            pictures = [*whole_pictures(template, seats, config)]
        ranked, rejected = rank(pictures)
        notes = tuple(dict.fromkeys(filter(None, self._notes(seats))))
        yield PortraitsFinished(tuple(ranked), (), tuple(rejected), watch.seconds, notes)
        if not ranked:
            raise NoPortraitFound(why_none(seats))

    def _filled(
        self,
        seat: Seat,
        template: Photo,
        config: TemplateConfig,
        count: Count,
        tell: Tell | None,
    ) -> Iterator[Event]:
        on_step = stepping(self.host, tell, lambda _: (count.done + 1, count.total))
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

    def _drawing(
        self, name: str, config: TemplateConfig, template: Photo | None = None
    ) -> GenerationRequest:
        """Return what a person is painted by; raises what `Portraits.request` raises."""
        colourless = template is not None and is_monochrome(template.pixels)
        words = (_COLOURLESS if colourless else "", config.prompt)
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


def _mark(template: Photo) -> tuple[object, ...]:
    pixels = np.ascontiguousarray(template.pixels)
    return pixels.shape, hashlib.sha256(pixels.data).digest()


def _sitters(people: Sequence[Person]) -> list[Sitter]:
    return [
        Sitter(person.manifest.name, person.manifest.attributes, person.load_instances())
        for person in people
    ]


def _seeds(first: int, count: int) -> tuple[int, ...]:
    return tuple((first + offset) % (LARGEST_SEED + 1) for offset in range(count))
