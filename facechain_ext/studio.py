"""The product on one page: photos in, a face LoRA; a style in, ranked portraits."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import cached_property
from math import ceil
from pathlib import Path

import torch

from facechain_ext.config import PortraitConfig, PrepareConfig, TrainConfig
from facechain_ext.dataset.latents import cache
from facechain_ext.dataset.prepare import Unreadable, prepare
from facechain_ext.dataset.review import require_usable, review
from facechain_ext.errors import InvalidInput, NoPortraitFound, PersonNotFound
from facechain_ext.events import (
    Candidate,
    Event,
    PhotoPrepared,
    PortraitsFinished,
    Stage,
    TrainingFinished,
)
from facechain_ext.finishing import Finisher
from facechain_ext.host import (
    Family,
    GeneratedImage,
    GenerationRequest,
    Host,
    LoraUse,
    PredictionType,
)
from facechain_ext.imaging.files import read_photo
from facechain_ext.likeness import Likeness, mean_embedding
from facechain_ext.lora.checkpoint import describe, save_lora, write_sidecars
from facechain_ext.lora.metadata import LoraRecord
from facechain_ext.nets import FaceNets
from facechain_ext.nets.attributes import vote
from facechain_ext.portrait.prompt import Prompt, compose
from facechain_ext.portrait.rank import rank
from facechain_ext.portrait.template import choose_template
from facechain_ext.records import Instance, LoraFile, Photo, Portrait, PreparedPhoto
from facechain_ext.stopwatch import Stopwatch
from facechain_ext.store import PeopleLibrary, Person, Run, slugify
from facechain_ext.styles import Style, find_style, load_styles
from facechain_ext.training.select import Chosen
from facechain_ext.training.trainer import resolved, train

Upload = Photo | Unreadable
LARGEST_SEED = 2**32 - 1
DEFAULT_LORA_WEIGHT = 1.0


def read_uploads(paths: Sequence[Path], config: PrepareConfig) -> list[Upload]:
    """Decode photos; one that cannot be read stays in the list with its error."""
    return [_read_upload(path, config.max_megapixels) for path in paths]


def _read_upload(path: Path, max_megapixels: float) -> Upload:
    try:
        return read_photo(path, max_megapixels=max_megapixels)
    except InvalidInput as error:
        return Unreadable(path.name, error)


@dataclass(frozen=True)
class Trained:
    """What training left: the snapshot to keep, and the settings as they were carried out."""

    chosen: Chosen
    config: TrainConfig
    family: Family
    prediction_type: PredictionType
    started: datetime


@dataclass(frozen=True)
class Studio:
    """Everything a front end calls, over one host."""

    host: Host
    nets: FaceNets

    @cached_property
    def library(self) -> PeopleLibrary:
        paths = self.host.paths
        people = paths.data_dir / "facechain" / "people"
        return PeopleLibrary(people, paths.lora_dir, paths.output_dir)

    @cached_property
    def styles(self) -> dict[str, Style]:
        return load_styles(self.host.paths.data_dir / "facechain" / "styles")

    def check(self, uploads: Sequence[Upload], config: PrepareConfig) -> Iterator[PhotoPrepared]:
        """Judge each upload by itself, then tell again of those that change beside the others."""
        prepared: list[PreparedPhoto] = []
        for photo in prepare(uploads, config, self.nets):
            prepared.append(photo)
            yield PhotoPrepared(photo, len(prepared), len(uploads))
        for number, (before, after) in enumerate(zip(prepared, review(prepared), strict=True), 1):
            if after is not before:
                yield PhotoPrepared(after, number, len(uploads))

    def train_person(
        self,
        name: str,
        uploads: Sequence[Upload],
        prepare_config: PrepareConfig,
        train_config: TrainConfig,
    ) -> Iterator[Event]:
        """Train a face LoRA and publish it; the last event is TrainingFinished.

        Raises NoUsablePhotos, or InvalidInput for the name or the checkpoint, before anything is
        written; Cancelled leaves the snapshots so far.
        """
        watch = Stopwatch()
        slugify(name)
        self.host.current_checkpoint()
        yield Stage("prepare", len(uploads))
        latest: dict[int, PreparedPhoto] = {}
        with watch.measure("prepare"):
            for event in self.check(uploads, prepare_config):
                latest[event.done] = event.photo
                yield event
            instances = require_usable(latest.values())
            person = self._keep(name, uploads, instances, prepare_config)
        run_folder = person.new_run()
        trained = yield from self._train(person, instances, train_config, run_folder, watch)
        lora = self._publish(person, instances, trained, run_folder)
        chosen = trained.chosen
        yield TrainingFinished(lora, chosen.steps, chosen.similarity, watch.seconds)

    def _keep(
        self,
        name: str,
        uploads: Sequence[Upload],
        instances: Sequence[Instance],
        config: PrepareConfig,
    ) -> Person:
        """Write the accepted photos and crops into the library."""
        person = self.library.create_or_get(name, config.trigger_word)
        accepted = {instance.name for instance in instances}
        person.save_photos([p for p in uploads if isinstance(p, Photo) and p.name in accepted])
        person.save_instances(instances)
        return person.save(attributes=vote([instance.attributes for instance in instances]))

    def _train(
        self,
        person: Person,
        instances: Sequence[Instance],
        config: TrainConfig,
        run_folder: Path,
        watch: Stopwatch,
    ) -> Generator[Event, None, Trained]:
        """Train on the host's model."""
        started, likeness = (
            datetime.now(timezone.utc),
            Likeness(self.nets, mean_embedding(instances)),
        )
        prompt = self._prompt(person, PortraitConfig())
        yield Stage("cache", len(instances))
        with self.host.borrow_model(for_training=True) as model:
            config = resolved(model, config)
            with watch.measure("cache"):
                generator = torch.Generator().manual_seed(config.seed)
                latents = cache(model, instances, config, generator=generator)
            yield Stage("train", config.max_train_steps)
            with watch.measure("train"):
                chosen = yield from train(
                    model,
                    latents,
                    config,
                    out_dir=run_folder,
                    score=likeness.of_all,
                    prompt=prompt.positive,
                    negative_prompt=prompt.negative,
                    cancelled=self.host.cancelled,
                )
            return Trained(chosen, config, model.family, model.prediction_type, started)

    def _publish(
        self, person: Person, instances: Sequence[Instance], trained: Trained, run_folder: Path
    ) -> LoraFile:
        """Write the LoRA with its sidecars where the host finds it, and note it in the library."""
        checkpoint, chosen = self.host.current_checkpoint(), trained.chosen
        path = self.host.paths.lora_dir / f"{person.slug}-{run_folder.name}.safetensors"
        record = LoraRecord(
            name=path.stem,
            person=person.manifest.name,
            trigger_word=person.manifest.trigger_word,
            photo_count=len(instances),
            config=trained.config,
            steps=chosen.steps,
            similarity=chosen.similarity,
            checkpoint=checkpoint.path,
            checkpoint_sha256=checkpoint.sha256,
            family=trained.family,
            prediction_type=trained.prediction_type,
            started=trained.started,
            finished=datetime.now(timezone.utc),
            weight=DEFAULT_LORA_WEIGHT,
        )
        lora = save_lora(path, chosen.state, record.metadata())
        notes = f"Trained on {checkpoint.name} from {len(instances)} photos."
        write_sidecars(lora, notes=notes, preview=choose_template(instances).pixels)
        run = Run(
            name=run_folder.name,
            lora=path.name,
            lora_sha256=lora.sha256,
            checkpoint=checkpoint.name,
            similarity=chosen.similarity,
            steps=chosen.steps,
        )
        person.save(runs=(*person.manifest.runs, run))
        self.host.publish_lora(lora)
        return lora

    def make_portraits(self, name: str, config: PortraitConfig) -> Iterator[Event]:
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
        person, style = self.library.get(name), find_style(self.styles, config.style)
        config = settled(config, style)
        face = LoraUse(self._face_lora(person), config.lora_weight)
        own = find_style_lora(style, self.host.paths.lora_dir)
        prompt = self._prompt(person, config)
        return GenerationRequest(
            prompt=prompt.positive,
            negative_prompt=prompt.negative,
            seeds=_seeds(config),
            loras=(face,) if own is None else (LoraUse(own, config.style_lora_weight), face),
            width=config.width,
            height=config.height,
            steps=config.steps,
            guidance_scale=config.guidance_scale,
            sampler_name=config.sampler_name,
            hires_scale=config.hires_scale,
            restore_faces=config.restore_faces,
        )

    def _face_lora(self, person: Person) -> LoraFile:
        run = person.latest_run
        if run is None:
            raise PersonNotFound(
                f"{person.manifest.name} has no trained LoRA yet; train one first."
            )
        path = self.host.paths.lora_dir / run.lora
        return LoraFile(path, person.manifest.trigger_word, run.lora_sha256)

    def _prompt(self, person: Person, config: PortraitConfig) -> Prompt:
        manifest, style = person.manifest, find_style(self.styles, config.style)
        return compose(manifest.attributes, manifest.trigger_word, style, config)

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
            settled(config, find_style(self.styles, config.style)),
        )

    def save_portraits(self, finished: PortraitsFinished, folder: Path) -> list[Path]:
        """Save the ranked pictures as `<rank>-<seed>.png`, and the rejected ones aside."""
        for portrait in finished.rejected:
            reason = portrait.score.rejection.value if portrait.score.rejection else "unranked"
            stem = f"{reason}-{portrait.seed}"
            self.host.save_image(portrait.pixels, portrait.infotext, folder / "rejected", stem)
        return [
            self.host.save_image(p.pixels, p.infotext, folder, f"{place:02d}-{p.seed}")
            for place, p in enumerate(finished.ranked, 1)
        ]


def settled(config: PortraitConfig, style: Style) -> PortraitConfig:
    """Fill in the weights that are left to the style, and keep to the most fusion it allows."""
    limit = 1.0 if style.fusion_strength is None else style.fusion_strength
    own = config.style_lora_weight or style.style_lora_weight
    return replace(
        config,
        lora_weight=config.lora_weight or style.lora_weight or DEFAULT_LORA_WEIGHT,
        style_lora_weight=own if style.style_lora else 0.0,
        fusion_strength=min(config.fusion_strength, limit),
    )


def find_style_lora(style: Style, lora_dir: Path) -> LoraFile | None:
    """Find the style's own LoRA, in a subfolder too; None for a style without one.

    Raises InvalidInput where there should be one and is not.
    """
    if not style.style_lora:
        return None
    name = style.style_lora.removesuffix(".safetensors") + ".safetensors"
    found = next(
        (path for path in sorted(lora_dir.rglob("*.safetensors")) if path.name == name), None
    )
    if found is None:
        raise InvalidInput(
            f"The style {style.name!r} uses the LoRA {name}, which is not in {lora_dir}. "
            "Put it there, or choose another style."
        )
    return describe(found)


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
