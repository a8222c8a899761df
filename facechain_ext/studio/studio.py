"""The product on one page: photos in, a face LoRA; a style in, ranked portraits."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from facechain_ext.base.errors import InvalidInput, NoPortraitFound, PersonNotFound
from facechain_ext.base.events import (
    Candidate,
    Event,
    PhotoPrepared,
    PortraitsFinished,
    Stage,
)
from facechain_ext.base.host import (
    GeneratedImage,
    GenerationRequest,
    Host,
    LoraUse,
)
from facechain_ext.base.records import DEFAULT_LORA_WEIGHT, LoraFile, Photo, Portrait, PreparedPhoto
from facechain_ext.base.stopwatch import Stopwatch
from facechain_ext.config import PortraitConfig, PrepareConfig, TrainConfig
from facechain_ext.dataset.prepare import Unreadable, prepare
from facechain_ext.dataset.review import require_usable, review
from facechain_ext.imaging.files import read_photo
from facechain_ext.library.people import PeopleLibrary, Person, slugify
from facechain_ext.library.runs import Resumable, RunFolder, RunHistory
from facechain_ext.lora.checkpoint import describe
from facechain_ext.nets import FaceNets
from facechain_ext.nets.attributes import vote
from facechain_ext.portrait.likeness import mean_embedding
from facechain_ext.portrait.prompt import Prompt, compose
from facechain_ext.portrait.rank import rank
from facechain_ext.studio.finishing import Finisher
from facechain_ext.styles import Style, Styles, find_style

if TYPE_CHECKING:
    from facechain_ext.studio.face_training import FaceTraining

Upload = Photo | Unreadable
LARGEST_SEED = 2**32 - 1


def read_uploads(paths: Sequence[Path], config: PrepareConfig) -> list[Upload]:
    """Decode photos; one that cannot be read stays in the list with its error."""
    return [_read_upload(path, config.max_megapixels) for path in paths]


def _read_upload(path: Path, max_megapixels: float) -> Upload:
    try:
        return read_photo(path, max_megapixels=max_megapixels)
    except InvalidInput as error:
        return Unreadable(path.name, error)


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

    @property
    def styles(self) -> dict[str, Style]:
        """The shipped styles and the user's own, as their files now are."""
        return self._styles.now()

    @cached_property
    def _styles(self) -> Styles:
        return Styles(self.host.paths.data_dir / "facechain" / "styles")

    def check(self, uploads: Sequence[Upload], config: PrepareConfig) -> Iterator[PhotoPrepared]:
        """Judge each upload by itself, then tell again of those that change beside the others."""
        prepared: list[PreparedPhoto] = []
        for photo in prepare(uploads, config, self.nets):
            prepared.append(photo)
            yield PhotoPrepared(photo, len(prepared), len(uploads))
        for number, (before, after) in enumerate(zip(prepared, review(prepared), strict=True), 1):
            if after is not before:
                yield PhotoPrepared(after, number, len(uploads))

    def enrol(
        self, name: str, uploads: Sequence[Upload], config: PrepareConfig
    ) -> Generator[Event, None, Person]:
        """Judge the uploads, then keep the accepted photos and their crops in the library.

        Raises NoUsablePhotos, or InvalidInput for the name, before anything is written.
        """
        slugify(name)
        yield Stage("prepare", len(uploads))
        latest: dict[int, PreparedPhoto] = {}
        for event in self.check(uploads, config):
            latest[event.done] = event.photo
            yield event
        instances = require_usable(latest.values())
        person = self.library.create_or_get(name, config.trigger_word)
        accepted = {instance.name for instance in instances}
        photos = [p for p in uploads if isinstance(p, Photo) and p.name in accepted]
        person.save_photos(photos if config.keep_photos else [])
        person.save_instances(instances)
        return person.save(attributes=vote([instance.attributes for instance in instances]))

    def train(self, name: str, config: TrainConfig) -> Iterator[Event]:
        """Train a face LoRA on the library's crops, with captions as they now stand, and publish
        it; the last event is TrainingFinished.

        Raises PersonNotFound, NoUsablePhotos, or InvalidInput for the checkpoint, before anything
        is written. What is Cancelled can be resumed.
        """
        return self._train(self.library.get(name), config, Stopwatch())

    def train_person(
        self,
        name: str,
        uploads: Sequence[Upload],
        prepare_config: PrepareConfig,
        train_config: TrainConfig,
    ) -> Iterator[Event]:
        """Enrol, then train; raises what these raise, for the checkpoint before all else."""
        self.host.current_checkpoint()
        watch = Stopwatch()
        with watch.measure("prepare"):
            person = yield from self.enrol(name, uploads, prepare_config)
        yield from self._train(person, train_config, watch)

    def resumable(self, name: str) -> Resumable | None:
        """Find the newest training of a person that was stopped and can go on."""
        run = self._stopped_run(self.library.get(name))
        if run is None or run.newest_step is None:
            return None
        record = run.record
        return Resumable(
            run=run.name,
            step=run.newest_step,
            total=record.config.max_train_steps,
            config=record.config,
            checkpoint=record.checkpoint.name,
            checkpoint_path=record.checkpoint.path,
        )

    def resume(self, name: str) -> Iterator[Event]:
        """Go on with the training that `resumable` finds; the last event is TrainingFinished.

        Raises InvalidInput where there is none, ModelUnavailable on another checkpoint.
        """
        person = self.library.get(name)
        run = self._stopped_run(person)
        if run is None:
            raise InvalidInput(f"{person.manifest.name} has no stopped training to go on with.")
        return self._training(person, Stopwatch()).resume(run)

    def discard(self, name: str) -> None:
        """Give up the training that `resumable` finds; what it has shown stays."""
        if run := self._stopped_run(self.library.get(name)):
            run.forget_states()

    def history(self, name: str, run: str | None = None) -> RunHistory | None:
        """Read back what a person's training has shown, the newest one's unless named.

        None where there is no such training.
        """
        person = self.library.get(name)
        folders = [folder for folder in _begun(person) if run in (None, folder.name)]
        if not folders:
            return None
        newest = folders[-1]
        finished = newest.name in {done.name for done in person.manifest.runs}
        return RunHistory(newest.name, newest.record, finished, newest.log.read())

    def _training(self, person: Person, watch: Stopwatch) -> FaceTraining:
        # Only here: peft and what it needs take seconds to import, at every start of a webui.
        from facechain_ext.studio.face_training import FaceTraining

        return FaceTraining(self.host, self.nets, person, watch)

    def _train(self, person: Person, config: TrainConfig, watch: Stopwatch) -> Iterator[Event]:
        prompt = self._prompt(person, PortraitConfig())
        return self._training(person, watch).begin(config, prompt)

    def _stopped_run(self, person: Person) -> RunFolder | None:
        finished = {run.name for run in person.manifest.runs}
        stopped = (
            run
            for run in reversed(_begun(person))
            if run.name not in finished and run.newest_step is not None
        )
        return next(stopped, None)

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
        path = self.library.lora_file(run)
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


def _begun(person: Person) -> list[RunFolder]:
    """Return the trainings that got as far as their first step, oldest first."""
    return [run for run in map(RunFolder, person.run_folders) if run.begun]


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
