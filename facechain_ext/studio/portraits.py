"""Portraits of a trained person: drawn, fused, judged, ranked, enlarged, saved."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from facechain_ext.base.errors import NoPortraitFound, PersonNotFound
from facechain_ext.base.events import Candidate, Event, PortraitsFinished, Stage
from facechain_ext.base.host import GeneratedImage, GenerationRequest, Host, LoraUse
from facechain_ext.base.records import LoraFile, Portrait
from facechain_ext.base.stopwatch import Stopwatch
from facechain_ext.config import PortraitConfig
from facechain_ext.library.people import PeopleLibrary, Person
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.likeness import mean_embedding
from facechain_ext.portrait.rank import rank
from facechain_ext.studio.finishing import Finisher
from facechain_ext.studio.styling import (
    face_weight,
    find_style_lora,
    prompt_for,
    settled,
    style_weight,
)
from facechain_ext.styles import Styles, find_style

LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Portraits:
    """Makes portraits of the people of a library through the host."""

    host: Host
    nets: FaceNets
    library: PeopleLibrary
    styles: Styles

    def make(self, name: str, config: PortraitConfig) -> Iterator[Event]:
        """Draw, fuse, judge and rank portraits; the last event is PortraitsFinished.

        Raises NoPortraitFound when every candidate was rejected.
        """
        watch, request = Stopwatch(), self.request(name, config)
        yield Stage("generate", len(request.seeds))
        images: list[GeneratedImage] = []
        with watch.measure("generate"):
            for image in self.host.generate(request):
                images.append(image)
                yield Candidate(len(images), len(request.seeds))
        yield Stage("fuse and rank", len(images))
        with watch.measure("fuse and rank"):
            finisher = self._finisher(name, config)
            ranked, rejected = rank(map(finisher.finish, images))
        if not ranked:
            raise NoPortraitFound(_why_none(rejected))
        best, spare = ranked[: config.count], ranked[config.count :]
        with watch.measure("enlarge"):
            drawn = {image.seed: image.infotext for image in images}
            best, _ = rank(finisher.enlarge(portrait, drawn[portrait.seed]) for portrait in best)
        yield PortraitsFinished(
            tuple(best), tuple(spare), tuple(rejected), watch.seconds, tuple(finisher.notes)
        )

    def request(self, name: str, config: PortraitConfig) -> GenerationRequest:
        """Return what the host will be asked to draw: prompt, seeds, the style's LoRA, the face's.

        Raises PersonNotFound without a trained LoRA, InvalidInput where the style's is missing.
        """
        styles = self.styles.now()
        person, style = self.library.get(name), find_style(styles, config.style)
        face = LoraUse(self._face_lora(person), face_weight(config, style))
        own = find_style_lora(style, self.host.paths.lora_dir)
        prompt = prompt_for(person.manifest, styles, config)
        return GenerationRequest(
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
        )

    def save(self, finished: PortraitsFinished, folder: Path) -> list[Path]:
        """Save the ranked pictures as `<rank>-<seed>.png`, and the rejected ones aside."""
        for portrait in finished.rejected:
            reason = portrait.score.rejection.value if portrait.score.rejection else "unranked"
            stem = f"{reason}-{portrait.seed}"
            self.host.save_image(portrait.pixels, portrait.infotext, folder / "rejected", stem)
        return [
            self.host.save_image(p.pixels, p.infotext, folder, f"{place:02d}-{p.seed}")
            for place, p in enumerate(finished.ranked, 1)
        ]

    def _face_lora(self, person: Person) -> LoraFile:
        run = person.latest_run
        if run is None:
            raise PersonNotFound(
                f"{person.manifest.name} has no trained LoRA yet; train one first."
            )
        path = self.library.lora_file(run)
        return LoraFile(path, person.manifest.trigger_word, run.lora_sha256)

    def _finisher(self, name: str, config: PortraitConfig) -> Finisher:
        person = self.library.get(name)
        instances = person.load_instances()
        return Finisher(
            self.host,
            self.nets,
            person.manifest.name,
            person.manifest.trigger_word,
            instances,
            mean_embedding(instances),
            settled(config, find_style(self.styles.now(), config.style)),
        )


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
