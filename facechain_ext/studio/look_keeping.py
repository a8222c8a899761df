"""From pictures to a look that can be trained on: read, called something, kept."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from facechain_ext.base.errors import Cancelled, InvalidInput
from facechain_ext.base.events import Event, PhotoPrepared, Stage
from facechain_ext.base.host import Host, Unavailable
from facechain_ext.base.records import Photo, Pixels, PreparedPhoto, Reason, Verdict
from facechain_ext.config import PrepareConfig, TrainStyleConfig
from facechain_ext.dataset.look_captions import of_tags, read_caption, read_sidecar
from facechain_ext.dataset.verdicts import ACCEPTED, rejection
from facechain_ext.library.look import Look
from facechain_ext.library.looks import Looks
from facechain_ext.library.names import checked
from facechain_ext.studio.uploads import Upload, Uploads
from facechain_ext.styles import Styles
from facechain_ext.styles.foreign import slug

FEWEST, MOST = 10, 200
"""Pictures of a look."""
MODELS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")


@dataclass(frozen=True)
class LookKeeping:
    """Takes pictures of looks in."""

    host: Host
    looks: Looks
    styles: Styles

    def require(self, name: str, pictures: Sequence[Path], captions: Sequence[str | None]) -> None:
        """Raise InvalidInput for a name that cannot be or is taken, for too few or too many
        pictures, and for what is none."""
        name = checked(name, "a style")
        self.looks.require_free(name)
        if slug(name) in self.styles.now():
            raise InvalidInput(f"There is a style {slug(name)!r} already: choose another name.")
        models = [path.name for path in pictures if path.suffix.lower() in MODELS]
        if models:
            raise InvalidInput(
                f"{models[0]} is a model, not a picture: a style is trained from pictures. To use "
                "a LoRA that there is, import it as a style."
            )
        _require_number(len(pictures), len(pictures))
        if captions and len(captions) != len(pictures):
            raise InvalidInput(
                f"There are {len(captions)} captions for {len(pictures)} pictures: one each is "
                "needed."
            )

    def keep(
        self,
        name: str,
        pictures: Sequence[Path],
        captions: Sequence[str | None],
        config: TrainStyleConfig,
    ) -> Generator[Event, None, Look]:
        """Keep pictures with their captions; what cannot be read is told and left out.

        captions: from beside the pictures, None where nothing is. Raises what `require` raises,
        and InvalidInput where too few can be read.
        """
        self.require(name, pictures, captions)
        yield Stage("prepare", len(pictures))
        told = [*captions] or [None] * len(pictures)
        kept = 0
        with self.looks.draft(name, config) as add:
            uploads = Uploads(tuple(pictures), PrepareConfig().max_megapixels)
            for number in range(len(uploads)):
                if self.host.cancelled():
                    raise Cancelled("Stopped while the pictures were read.")
                upload = uploads[number]
                if isinstance(upload, Photo):
                    add(upload.pixels, self._caption(upload.pixels, told[number], config))
                    kept += 1
                judged = PreparedPhoto(upload.name, _verdict(upload))
                yield PhotoPrepared(judged, number + 1, len(uploads))
            _require_number(kept, len(uploads))
        return self.looks.get(name)

    def _caption(self, pixels: Pixels, beside: str | None, config: TrainStyleConfig) -> str:
        if config.captions == "none":
            return ""
        if config.captions != "tags" and beside is not None:
            return beside
        if config.captions == "files":
            return ""
        tags = self.host.tag(pixels)
        if isinstance(tags, Unavailable):
            if config.captions == "tags":
                raise InvalidInput(f"The pictures cannot be tagged: {tags.reason}")
            return ""
        return of_tags(tags)


def read_captions(
    pictures: Sequence[Path], config: TrainStyleConfig, texts: Sequence[Path] = ()
) -> tuple[str | None, ...]:
    """Read the captions that lie beside pictures, as far as they are asked for.

    texts: files that belong to pictures of the same name, wherever they lie. Raises InvalidInput
    for one that is no text, or where they are asked for and there is none.
    """
    if config.captions in ("tags", "none"):
        return (None,) * len(pictures)
    given = {path.stem: path for path in texts}
    found = tuple(_caption_of(picture, given) for picture in pictures)
    if config.captions == "files" and not any(found):
        raise InvalidInput(
            "There is no caption beside any of the pictures: lay a .txt of the same name beside "
            "each, or choose other captions."
        )
    return found


def _caption_of(picture: Path, given: Mapping[str, Path]) -> str | None:
    text = given.get(picture.stem) or given.get(picture.name)
    return read_sidecar(picture) if text is None else read_caption(text)


def _verdict(upload: Upload) -> Verdict:
    if isinstance(upload, Photo):
        return ACCEPTED
    return rejection(Reason.UNREADABLE, detail=str(upload.error))


def _require_number(count: int, given: int) -> None:
    if count > MOST:
        raise InvalidInput(
            f"{count:,} pictures are more than {MOST}: choose those that show the look best."
        )
    if count < FEWEST:
        pictures = "No picture" if not count else "1 picture" if count == 1 else f"{count} pictures"
        of = f" of {given} can be read, which" if count < given else ""
        verb = "is" if count <= 1 else "are"
        raise InvalidInput(
            f"{pictures}{of} {verb} too few to tell a look from what they show: give {FEWEST} to "
            f"{MOST} that have it in common."
        )
