"""Portraits of a trained person: drawn, fused, judged, ranked, enlarged, saved."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from facechain_ext.base.controls import Control
from facechain_ext.base.errors import NoPortraitFound, PersonNotFound
from facechain_ext.base.events import Candidate, Event, Stage
from facechain_ext.base.host import GenerationRequest, Host, LoraUse
from facechain_ext.base.records import LoraFile, Portrait
from facechain_ext.base.stopwatch import Stopwatch
from facechain_ext.config import PortraitConfig
from facechain_ext.library.people import Manifest, PeopleLibrary, Person
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.likeness import mean_embedding
from facechain_ext.studio.earlier_pose import names_portrait, posed_as_before
from facechain_ext.studio.fast import made_fast
from facechain_ext.studio.finishing import Finisher
from facechain_ext.studio.posing import controls_of, looking_of
from facechain_ext.studio.sitting import Sitting
from facechain_ext.studio.stepping import Tell, stepping
from facechain_ext.studio.styling import (
    face_weight,
    find_style_lora,
    prompt_for,
    settled,
    style_weight,
)
from facechain_ext.studio.suitability import family_of, knows_faces_alone, mismatch
from facechain_ext.styles import Style, Styles, find_style

STRONGEST = 2.0
"""What a control may weigh at most in every webui."""

LARGEST_SEED = 2**32 - 1

MINI_LEAD = 2.0
"""How much stronger a turned head leads the mini where guidance adds to what a face's LoRA does,
which holds it to the front."""


@dataclass(frozen=True)
class Portraits:
    """Makes portraits of the people of a library through the host."""

    host: Host
    nets: FaceNets
    library: PeopleLibrary
    styles: Styles

    def make(self, name: str, config: PortraitConfig, tell: Tell | None = None) -> Iterator[Event]:
        """Draw, fuse, judge and rank portraits; the last event is PortraitsFinished.

        tell: hears of every step of drawing. What was drawn before a run is stopped or fails comes
        as PortraitsFinished without ranked portraits, before the error is raised. So it is with
        NoPortraitFound, when every candidate was rejected.
        """
        config = self.posed(name, config)
        request = self.request(name, config)
        sitting = Sitting(self.finisher(name, config), Stopwatch(), self._notes(name))
        try:
            yield from self._draw(sitting, request, tell)
            ranked, rejected = yield from self._judge(sitting)
            if ranked:
                with sitting.watch.measure("enlarge"):
                    best = sitting.enlarge(ranked[: config.count])
        except Exception as error:  # whatever it was
            if sitting.drawn:
                yield sitting.cut_short(error)
            raise
        if not ranked:
            yield sitting.finished([], [], rejected)
            raise NoPortraitFound(_why_none(rejected))
        yield sitting.finished(best, ranked[config.count :], rejected)

    def _draw(
        self,
        sitting: Sitting,
        request: GenerationRequest,
        tell: Tell | None,
    ) -> Iterator[Event]:
        total = len(request.seeds)
        on_step = stepping(self.host, tell, lambda picture: (picture + 1, total))
        yield Stage("generate", total)
        with sitting.watch.measure("generate"):
            for image in self.host.generate(request, on_step):
                sitting.drawn.append(image)
                yield Candidate(len(sitting.drawn), total)

    def _judge(
        self, sitting: Sitting
    ) -> Generator[Event, None, tuple[list[Portrait], list[Portrait]]]:
        yield Stage("fuse and rank", len(sitting.drawn))
        with sitting.watch.measure("fuse and rank"):
            return sitting.judge()

    def mismatch(self, name: str) -> str:
        """Say that a person's LoRA was trained on another checkpoint than would draw now."""
        person = self.library.get(name)
        run = person.latest_run
        return mismatch(person, run, self.host.current_checkpoint()) if run else ""

    def _notes(self, name: str) -> tuple[str, ...]:
        told = self.mismatch(name)
        return (told,) if told else ()

    def request(self, name: str, config: PortraitConfig) -> GenerationRequest:
        """Return what the host will be asked to draw: prompt, seeds, the style's LoRA, the face's.

        Raises PersonNotFound without a trained LoRA, NoUsablePhotos without crops, InvalidInput
        where the style's LoRA, or that of fast mode, is missing or unfit, or a control cannot be
        read.
        """
        styles = self.styles.now()
        person, style = self.library.get(name), find_style(styles, config.style)
        config = posed_as_before(config, self.library, person, self.nets)
        face = LoraUse(self._face_lora(person), face_weight(config, style))
        person.require_crops()
        own = self._style_lora(style)
        looking = looking_of(config.pose)
        prompt = prompt_for(self._as_trained(person), styles, config, looking)
        request = GenerationRequest(
            prompt=prompt.positive,
            negative_prompt=prompt.negative,
            seeds=_seeds(config),
            loras=(face,) if own is None else (LoraUse(own, style_weight(config, style)), face),
            width=config.width or 0,
            height=config.height or 0,
            steps=config.steps,
            guidance_scale=config.guidance_scale,
            sampler_name=config.sampler_name or "",
            hires_scale=config.hires_scale,
            restore_faces=config.restore_faces,
            controls=self._controls(config, turned=bool(looking)),
        )
        return made_fast(request, self.host) if config.fast else request

    def _controls(self, config: PortraitConfig, *, turned: bool) -> tuple[Control, ...]:
        """Draw what leads, a turned head as strongly as the checkpoint needs it beside a LoRA."""
        controls = controls_of(config)
        held = turned and not config.fast
        if not held or not knows_faces_alone(self.host.current_checkpoint()):
            return controls
        return tuple(_stronger(each) if each.kind == "pose" else each for each in controls)

    def posed(self, name: str, config: PortraitConfig) -> PortraitConfig:
        """Write a pose out that is told by a portrait; raises what `posed_as_before` raises, and
        PersonNotFound."""
        if not names_portrait(config.pose):
            return config
        return posed_as_before(config, self.library, self.library.get(name), self.nets)

    def _style_lora(self, style: Style) -> LoraFile | None:
        if not style.style_lora:
            return None
        family = family_of(self.host.current_checkpoint())
        return find_style_lora(style, self.host.paths.lora_dir, family)

    def _face_lora(self, person: Person) -> LoraFile:
        run = person.latest_run
        if run is None:
            raise PersonNotFound(
                f"{person.manifest.name} has no trained LoRA yet; train one first."
            )
        path, trained = self.library.lora_file(run), self._as_trained(person)
        return LoraFile(path, trained.trigger_word, run.lora_sha256)

    def _as_trained(self, person: Person) -> Manifest:
        """Return what the LoRA knows the person by, whatever was set since."""
        run = person.latest_run
        return person.manifest if run is None else person.as_trained(run)

    def finisher(self, name: str, config: PortraitConfig) -> Finisher:
        """Return what makes portraits of a person's pictures."""
        person = self.library.get(name)
        person.require_crops()
        instances = person.load_instances()
        return Finisher(
            self.host,
            self.nets,
            person.manifest.name,
            self._as_trained(person).trigger_word,
            instances,
            mean_embedding(instances),
            settled(config, find_style(self.styles.now(), config.style)),
        )


def _stronger(control: Control) -> Control:
    return replace(control, weight=min(MINI_LEAD * control.weight, STRONGEST))


def _seeds(config: PortraitConfig) -> tuple[int, ...]:
    """Return one seed per candidate: consecutive, as the webui's batches count them."""
    first = random.randint(0, LARGEST_SEED) if config.seed < 0 else config.seed
    total = ceil(config.count * config.candidates)
    return tuple((first + offset) % (LARGEST_SEED + 1) for offset in range(total))


def _why_none(rejected: Sequence[Portrait]) -> str:
    reasons = Counter(p.score.rejection.value for p in rejected if p.score.rejection)
    told = ", ".join(f"{count} x {reason.replace('_', ' ')}" for reason, count in reasons.items())
    return (
        f"None of {len(rejected)} pictures shows one face of the right size ({told}). Try another "
        "seed or style, a lower LoRA weight, or wider face size limits."
    )
