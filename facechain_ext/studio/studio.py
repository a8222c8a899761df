"""The product on one page: photos in, a face LoRA; a style in, ranked portraits."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from facechain_ext.base.controls import Depth
from facechain_ext.base.events import Event, PhotoPrepared, PortraitsFinished
from facechain_ext.base.host import GenerationRequest, Host, Unavailable
from facechain_ext.base.records import LoraFile, Pixels
from facechain_ext.base.stopwatch import Stopwatch
from facechain_ext.config import PortraitConfig, PrepareConfig, TalkConfig, TrainConfig
from facechain_ext.library.people import PeopleLibrary, Person
from facechain_ext.library.runs import Resumable, RunHistory
from facechain_ext.nets import FaceNets
from facechain_ext.studio.enrolment import Enrolment
from facechain_ext.studio.finishing import Finisher
from facechain_ext.studio.forecast import Forecast, Forecasts
from facechain_ext.studio.portrait_files import save_portraits
from facechain_ext.studio.portraits import Portraits
from facechain_ext.studio.posing import relief
from facechain_ext.studio.results import Results
from facechain_ext.studio.scenes import Scenes
from facechain_ext.studio.stepping import Tell
from facechain_ext.studio.style_shelf import StyleShelf
from facechain_ext.studio.style_trainings import StyleTrainings
from facechain_ext.studio.talking import Order, Talking
from facechain_ext.studio.templates import Templates
from facechain_ext.studio.trainings import Trainings
from facechain_ext.studio.tryon import TryOn
from facechain_ext.studio.uploads import Upload
from facechain_ext.styles import Style, Styles
from facechain_ext.styles.favourites import FILE, Favourites
from facechain_ext.templates.gallery import Gallery


@dataclass(frozen=True)
class Studio:
    """Everything a front end calls, over one host; what it promises is said where it is done."""

    host: Host
    nets: FaceNets

    @cached_property
    def library(self) -> PeopleLibrary:
        paths = self.host.paths
        library = PeopleLibrary(paths.people_dir, paths.lora_dir, paths.output_dir)
        library.settle()
        return library

    @property
    def styles(self) -> dict[str, Style]:
        """The shipped styles and the user's own, as their files now are."""
        return self._styles.now()

    def check(self, uploads: Sequence[Upload], config: PrepareConfig) -> Iterator[PhotoPrepared]:
        """Judge photos, and keep none."""
        return self._enrolment.check(uploads, config)

    def enrol(
        self,
        name: str,
        uploads: Sequence[Upload],
        config: PrepareConfig,
        owner: str = "",
        *,
        add: bool = False,
    ) -> Generator[Event, None, Person]:
        """Judge photos, and keep what can be trained on; add: beside the photos kept before."""
        return self._enrolment.enrol(name, uploads, config, owner, add=add)

    def train(self, name: str, config: TrainConfig) -> Iterator[Event]:
        """Train a face LoRA on the library's crops, with captions as they now stand, and publish
        it; the last event is TrainingFinished.

        Raises PersonNotFound, NoUsablePhotos, or InvalidInput for the checkpoint, before anything
        is written. What is Cancelled can be resumed.
        """
        return self._trainings.begin(self.library.get(name), config, Stopwatch())

    def train_person(
        self,
        name: str,
        uploads: Sequence[Upload],
        prepare_config: PrepareConfig,
        train_config: TrainConfig,
        owner: str = "",
    ) -> Iterator[Event]:
        """Enrol, then train; raises what these raise, for checkpoint and face prior before all
        else. Earlier photos are kept until the first step can be taken."""
        self._trainings.require(train_config)
        watch = Stopwatch()
        with ExitStack() as drafts:
            with watch.measure("prepare"):
                judged = yield from self._enrolment.judge(name, uploads, prepare_config, owner)
                drafted = self._enrolment.drafted(name, uploads, judged, prepare_config, owner)
                draft = drafts.enter_context(drafted)
            yield from self._trainings.begin(draft, train_config, watch)

    def forecast(self, name: str, config: TrainConfig) -> Forecast:
        """Tell how long a training on a person's kept photos would be."""
        return Forecasts(self.host, self.library).of(name, config)

    def resumable(self, name: str) -> Resumable | None:
        """Find the newest training of a person that was stopped and can go on."""
        return self._trainings.resumable(name)

    def resume(self, name: str) -> Iterator[Event]:
        """Go on with that training; the last event is TrainingFinished."""
        return self._trainings.resume(name)

    def go_on(self, name: str, since: float) -> Iterator[Event] | None:
        """Go on with a training that was begun since then and broke off; None where none was."""
        return self._trainings.go_on(name, since)

    def finished(self, name: str, run: str) -> Iterator[Event] | None:
        """Tell again how a training ended; None where it has not."""
        return self._trainings.finished(name, run)

    def discard(self, name: str) -> None:
        """Give that training up; what it has shown stays."""
        self._trainings.discard(name)

    def publish(
        self, name: str, run: str | None = None, step: int | None = None, lora_name: str = ""
    ) -> LoraFile:
        """Publish a snapshot of an earlier training, under a name of the user's choice."""
        return self._trainings.publish(name, run, step, lora_name)

    def import_person(self, archive: Path, name: str = "", owner: str = "") -> Person:
        """Take an export in, its LoRAs and portraits put back."""
        return self.library.import_(archive, name, self.host.paths.lora_folder, owner)

    def history(self, name: str, run: str | None = None) -> RunHistory | None:
        """Read back what a person's training has shown, the newest one's unless named."""
        return self._trainings.history(name, run)

    def make_portraits(
        self, name: str, config: PortraitConfig, tell: Tell | None = None
    ) -> Iterator[Event]:
        """Draw, fuse, judge and rank portraits; the last event is PortraitsFinished.

        tell: hears of every step of drawing.
        """
        return self._portraits.make(name, config, tell)

    def mismatch(self, name: str) -> str:
        """Say that a person's LoRA was trained on another checkpoint than would draw now."""
        return self._portraits.mismatch(name)

    def request(self, name: str, config: PortraitConfig) -> GenerationRequest:
        """Return what the host will be asked to draw for portraits."""
        return self._portraits.request(name, config)

    def posed(self, name: str, config: PortraitConfig) -> PortraitConfig:
        """Write the pose out that is told by a portrait made before."""
        return self._portraits.posed(name, config)

    def finisher(self, name: str, config: PortraitConfig) -> Finisher:
        """Return what fuses and judges a person's pictures, wherever they are drawn."""
        return self._portraits.finisher(name, config)

    def save_portraits(self, finished: PortraitsFinished, folder: Path) -> list[Path]:
        """Save the ranked pictures, and the rejected ones aside; return where the ranked are."""
        return save_portraits(self.host, finished, folder)

    def read_depth(self, pixels: Pixels, nets: FaceNets) -> Depth:
        """Read depth by a net of the user's or the host's, else draw a relief of one person."""
        found = self.host.read_depth(pixels)
        return relief(pixels, nets) if isinstance(found, Unavailable) else found

    @property
    def talking(self) -> Talking:
        """Portraits that speak."""
        return Talking(self.host, self.nets, self.library)

    def talk(self, order: Order, config: TalkConfig) -> Iterator[Event]:
        """Let a portrait speak; the last event is VideoFinished."""
        return self.talking.talk(order, config)

    @cached_property
    def favourites(self) -> Favourites:
        """The styles that the user has marked."""
        return Favourites(self.host.paths.data_dir / "facechain" / FILE)

    @cached_property
    def shelf(self) -> StyleShelf:
        """The user's own styles, and the LoRAs they may come from."""
        return StyleShelf(self.host, self.library, self._styles, self._styles_dir)

    @cached_property
    def style_trainings(self) -> StyleTrainings:
        """Styles with LoRAs of their own, trained on pictures of a look."""
        return StyleTrainings(self.host, self.shelf, self.host.paths.looks_dir)

    @cached_property
    def results(self) -> Results:
        """What the portraits that were kept say of themselves."""
        return Results(self.library)

    @cached_property
    def _styles(self) -> Styles:
        return Styles(self._styles_dir)

    @property
    def _styles_dir(self) -> Path:
        return self.host.paths.data_dir / "facechain" / "styles"

    @cached_property
    def _enrolment(self) -> Enrolment:
        return Enrolment(self.nets, self.library)

    @cached_property
    def _trainings(self) -> Trainings:
        return Trainings(self.host, self.nets, self.library, self._styles)

    @cached_property
    def templates(self) -> Templates:
        """People painted into pictures that exist."""
        return Templates(self.host, self.nets, self.library, self._portraits, self.gallery)

    @cached_property
    def gallery(self) -> Gallery:
        """The pictures that people are painted into: shipped ones and the user's own."""
        return Gallery(self.host.paths.data_dir / "facechain" / "templates")

    @property
    def scenes(self) -> Scenes:
        """Pictures of several people from words."""
        return Scenes(self.host, self.nets, self.gallery)

    @cached_property
    def try_on(self) -> TryOn:
        """Clothes put on people."""
        return TryOn(self.host, self.nets, self.library, self.templates)

    @cached_property
    def _portraits(self) -> Portraits:
        return Portraits(self.host, self.nets, self.library, self._styles)
