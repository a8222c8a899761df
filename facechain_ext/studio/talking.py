"""A portrait that speaks: words or a recording, and a face, to a video."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from facechain_ext.base.errors import Cancelled, FaceChainError, InvalidInput, NoFaceFound
from facechain_ext.base.events import Event, Filming, Stage, VideoFinished
from facechain_ext.base.host import Host, Unavailable
from facechain_ext.base.records import Pixels
from facechain_ext.base.stopwatch import Stopwatch
from facechain_ext.config import TalkConfig
from facechain_ext.imaging.files import read_photo
from facechain_ext.installing.optional import AV
from facechain_ext.library.people import PeopleLibrary
from facechain_ext.nets import FaceNets
from facechain_ext.studio.portrait_files import newest_portraits
from facechain_ext.studio.saying import Saying
from facechain_ext.talking.door import Animator, checked, find_animator
from facechain_ext.talking.gestures import make_gestures
from facechain_ext.talking.mouth_track import loudness_of, track_mouth
from facechain_ext.talking.performance import Performer
from facechain_ext.talking.sadtalker import NAME, SadTalker
from facechain_ext.talking.sitter import Sitter, find_sitter
from facechain_ext.talking.speech import Speech
from facechain_ext.talking.teeth import Donor
from facechain_ext.talking.video import check_format, has_sound, write_video

FPS = 25
FOLDER = "talking"
"""Where videos go that are of nobody in the library."""
_TOLD_EVERY = 25
"""Frames between two events."""
_MOST_DONORS = 12
_MOST_PORTRAITS = 6

SILENT = "The speech cannot be heard: sound in a video takes the package av."


@dataclass(frozen=True)
class Order:
    """What is to be made. person: whose photos help, and whose portrait it is unless one is given.

    audio: a recording in place of the config's text.
    """

    out: Path
    person: str = ""
    portrait: Path | None = None
    audio: Path | None = None


@dataclass(frozen=True)
class _Act:
    """Pictures on their way, how many there should be, and whose teeth show in them."""

    frames: Iterator[Pixels]
    count: int
    teeth: str


def free_path(folder: Path) -> Path:
    """Return a name that no file there has, in the best format that can be written."""
    suffix = ".mp4" if AV.installed else ".webm"
    number = 1
    while (folder / f"talking-{number:03d}{suffix}").exists():
        number += 1
    return folder / f"talking-{number:03d}{suffix}"


@dataclass(frozen=True)
class Talking:
    """Lets portraits of the people of a library, or any other, speak."""

    host: Host
    nets: FaceNets
    library: PeopleLibrary

    def folder(self, person: str = "") -> Path:
        """Return where videos go unless told otherwise: with a person's portraits, or alone."""
        return self.library.place_for(person, FOLDER)

    def require(self, order: Order, config: TalkConfig) -> None:
        """Raise at once what keeps it from being done."""
        check_format(order.out)
        if bool(config.text.strip()) == (order.audio is not None):
            raise InvalidInput("Give either a text to say or a recording, one of them.")
        if order.portrait is None and not order.person:
            raise InvalidInput("Say who is to speak: a portrait, or a person of the library.")
        if order.person:
            self.library.get(order.person)
        if config.animator:
            self._animator(config)
        self._saying.require(order.audio, config)

    def talk(self, order: Order, config: TalkConfig) -> Iterator[Event]:
        """Make a video; the last event is VideoFinished. Raises what `require` raises, what is
        wrong with portrait or recording, and Cancelled, which all leave no file."""
        self.require(order, config)
        watch = Stopwatch()
        yield Stage("speech")
        with watch.measure("speech"):
            speech = self._saying.speech(order.audio, config).at_volume(config.volume)
            check_format(order.out, speech.seconds)
        yield Stage("face")
        with watch.measure("face"):
            act = self._act(order, config, speech)
        yield Stage("film", act.count)
        notes: list[str] = []
        frames = act.frames
        if config.restore_faces:
            frames = self._restored(frames, notes)
        with watch.measure("film"):
            for done in write_video(order.out, frames, speech, FPS):
                self._go_on()
                if done % _TOLD_EVERY == 0 or done == act.count:
                    yield Filming(done, act.count)
        sound = has_sound(order.out)
        if not sound and order.out.suffix.lower() == ".webm":
            notes.append(SILENT)
        seconds = dict(watch.seconds)
        yield VideoFinished(
            order.out, sound, speech.seconds, done, act.teeth, seconds, tuple(notes)
        )

    @property
    def _saying(self) -> Saying:
        return Saying(self.host.paths.models_dir, self._go_on)

    def _act(self, order: Order, config: TalkConfig, speech: Speech) -> _Act:
        """Let our own warp, or the animator that was asked for, begin."""
        sitter = self._sitter(order, config)
        if config.animator:
            others = self._animator(config).frames(sitter.pixels, speech, FPS)
            made = checked(others, sitter.pixels, config.animator)
            return _Act(made, max(1, round(speech.seconds * FPS)), "")
        performer = Performer(sitter, self._donors(order.person))
        loudness = loudness_of(speech.samples, speech.rate, FPS)
        mouth = track_mouth(speech.phones, loudness, FPS, expression=config.expression)
        gestures = make_gestures(
            loudness, FPS, config.seed, motion=config.head_motion, blink=config.blink
        )
        return _Act(performer.frames(mouth, gestures), len(mouth), performer.teeth_from)

    def _animator(self, config: TalkConfig) -> Animator:
        still = config.head_motion == 0
        sadtalker = SadTalker(config.run_code, self._go_on, still, config.expression, config.seed)
        return find_animator(config.animator, self.host.paths.models_dir, {NAME: sadtalker})

    def _go_on(self) -> None:
        if self.host.cancelled():
            raise Cancelled("Stopped.")

    def _sitter(self, order: Order, config: TalkConfig) -> Sitter:
        """Find the face; of a person without a portrait given, the first picture that will do."""
        if order.portrait is not None:
            return find_sitter(read_photo(order.portrait).pixels, self.nets, config.face)
        refused: FaceChainError = NoFaceFound(f"There is no picture of {order.person} yet.")
        for path in self._pictures(order.person):
            found = self._tried(path, config)
            if isinstance(found, Sitter):
                return found
            refused = found
        raise refused

    def _tried(self, path: Path, config: TalkConfig) -> Sitter | FaceChainError:
        try:
            return find_sitter(read_photo(path).pixels, self.nets, config.face)
        except (InvalidInput, NoFaceFound) as error:
            return error

    def _pictures(self, name: str) -> list[Path]:
        """Return the newest portraits of a person, then their photos."""
        person = self.library.get(name)
        newest = newest_portraits(self.library, person)
        return [*newest[:_MOST_PORTRAITS], *person.photos()]

    def _donors(self, name: str) -> Iterator[Donor]:
        """Yield photos of the person with their meshes, for teeth that a portrait does not show."""
        photos = self.library.get(name).photos()[:_MOST_DONORS] if name else []
        for path in photos:
            pixels = read_photo(path).pixels
            for face in self.nets.detector.detect(pixels)[:1]:
                yield Donor(pixels, self.nets.landmarker.locate(pixels, face))

    def _restored(self, frames: Iterator[Pixels], notes: list[str]) -> Iterator[Pixels]:
        """Let the host restore every face; says in the end what that cost, or why it could not."""
        spent, count = 0.0, 0
        for pixels in frames:
            begin = time.perf_counter()
            restored = self.host.restore_face(pixels) if not notes else pixels
            spent, count = spent + time.perf_counter() - begin, count + 1
            if isinstance(restored, Unavailable):
                notes.append(restored.reason)
                restored = pixels
            yield restored
        if not notes:
            notes.append(f"Restoring faces took {spent / max(1, count):.2f} s for each frame.")
