"""Styles that come and go: from files, folders and LoRAs into the user's own, and out again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from facechain_ext.base.errors import FaceChainError, InvalidInput, quoted
from facechain_ext.base.host import Family, Host
from facechain_ext.imaging.files import files_in, write_atomic
from facechain_ext.library.people import PeopleLibrary
from facechain_ext.lora.folder import lora_files
from facechain_ext.studio.lora_cards import picture_beside, style_of, why_unfit
from facechain_ext.studio.suitability import family_of
from facechain_ext.styles import Style, Styles, find_style
from facechain_ext.styles.foreign import Imported, read_foreign, with_free_name
from facechain_ext.styles.records import Record, read_records
from facechain_ext.styles.style import as_record

LORA = ".safetensors"


@dataclass(frozen=True)
class StyleShelf:
    """The user's own styles in a folder of one JSON file each, and the LoRAs they may come from."""

    host: Host
    library: PeopleLibrary
    styles: Styles
    folder: Path

    def loras(self) -> dict[str, Path]:
        """Return the LoRA files that are nobody's, by name."""
        people = (person.manifest.runs for person in self.library.people())
        theirs = {Path(run.lora).stem for runs in people for run in runs}
        files = lora_files(self.host.paths.lora_dir)
        return {path.stem: path for path in files if path.stem not in theirs}

    def why_not(self, styles: Iterable[Style]) -> dict[str, str]:
        """Say why styles cannot be used with the checkpoint that is loaded, by name."""
        named = [style for style in styles if style.style_lora]
        if not named:
            return {}
        files = {path.stem: path for path in lora_files(self.host.paths.lora_dir)}
        family = self._family()
        told = {style.name: _why_not(style, files, family) for style in named}
        return {name: reason for name, reason in told.items() if reason}

    def why_unfit(self, style: Style) -> str:
        """Say why a style cannot be used; empty where it can."""
        return self.why_not([style]).get(style.name, "")

    def take_in(self, source: Path, *, again: bool = False) -> Iterator[Imported | InvalidInput]:
        """Add the styles of a file, a LoRA or a folder; yields each, or what is wrong with it.

        again: in place of one of that name, which otherwise gets a number.
        """
        for path in _sources(source):
            for found in _read(path):
                yield found if isinstance(found, InvalidInput) else self._added(found, again)

    def add(self, style: Style, *, again: bool = False) -> Style:
        """Write a style into a file of its own, under a free name; return it as it is kept."""
        there = self.styles.now()
        if there.get(style.name) == style:
            return style
        kept = style if again else replace(style, name=with_free_name(style, there))
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self.folder / f"{kept.name}.json", as_text(kept).encode())
        return kept

    def export(self, name: str, target: Path) -> Path:
        """Write a style to one file for somebody else; raises InvalidInput."""
        style = find_style(self.styles.now(), name)
        path = target / f"{name}.json" if target.is_dir() else target
        if path.exists():
            raise InvalidInput(f"{path} is there already.")
        write_atomic(path, as_text(style).encode())
        return path

    def _added(self, found: Imported, again: bool) -> Imported:
        kept = self.add(found.style, again=again)
        notes = [*found.notes]
        if kept.name != found.style.name:
            notes.append(f"The name {found.style.name!r} is taken: it is called {kept.name!r}.")
        if unfit := self.why_unfit(kept):
            notes.append(unfit)
        return Imported(kept, tuple(notes))

    def _family(self) -> Family | None:
        try:
            return family_of(self.host.current_checkpoint())
        except FaceChainError:  # none is loaded: nothing is unfit for it
            return None


def as_text(style: Style) -> str:
    return json.dumps(as_record(style), ensure_ascii=False, indent=2) + "\n"


def _why_not(style: Style, files: dict[str, Path], family: Family | None) -> str:
    path = files.get(style.style_lora.removesuffix(LORA))
    if path is None:
        return f"Its LoRA {quoted(style.style_lora)} is not in the LoRA folder."
    return why_unfit(path, family, style.base_model)


def _sources(source: Path) -> list[Path]:
    """Return the files to read: of a folder its JSON files but for those that lie beside LoRAs."""
    if not source.is_dir():
        return [source]
    found = [p for p in files_in(source) if p.suffix == ".json" and not p.name.startswith(".")]
    if not (styles := [path for path in found if not path.with_suffix(LORA).is_file()]):
        raise InvalidInput(f"{source} holds no style files (.json).")
    return styles


def _read(path: Path) -> Iterator[Imported | InvalidInput]:
    """Yield the styles of one file, or what is wrong with it."""
    try:
        if path.suffix == LORA:
            yield Imported(style_of(path))
            return
        records = read_records(path)
    except InvalidInput as error:
        yield error
        return
    yield from (_parsed(record, path) for record in records)


def _parsed(record: Record, path: Path) -> Imported | InvalidInput:
    try:
        return _with_picture(read_foreign(record.content), record.content, path)
    except InvalidInput as error:
        return record.problem(path, error)


def _with_picture(found: Imported, content: object, path: Path) -> Imported:
    """Take in the picture that FaceChain names or that lies beside a style."""
    named = content.get("img") if isinstance(content, dict) else None
    if found.style.preview or not isinstance(named, str):
        return found
    return replace(found, style=replace(found.style, preview=picture_beside(path, named)))
