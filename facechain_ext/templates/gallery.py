"""The gallery: the pictures that ship, and those in the user's folder with what is told of them."""

from __future__ import annotations

import difflib
import json
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import count
from pathlib import Path

from facechain_ext.base.errors import FaceChainError, InvalidInput, quoted, reason
from facechain_ext.base.records import Face
from facechain_ext.imaging.files import write_atomic
from facechain_ext.imaging.still import STILL_SUFFIXES, read_still
from facechain_ext.library.names import RESERVED_ON_WINDOWS
from facechain_ext.styles.search import plain
from facechain_ext.templates.template import Template, read_notes, read_tags

logger = logging.getLogger(__name__)

SHIPPED = Path(__file__).with_name("pictures")
"""The templates that ship, all drawn by the mini checkpoint."""

_LONGEST_NAME = 80
_DAMAGE = (OSError, ValueError, KeyError, TypeError, RecursionError)
_Version = tuple[int, int]


class Gallery:
    """All templates, by name; a picture is read again when it has changed. folder: the user's."""

    def __init__(self, folder: Path | None = None, shipped: Path = SHIPPED) -> None:
        self._folder, self._shipped = folder, shipped
        self._sums: dict[Path, tuple[_Version, str]] = {}

    def now(self) -> dict[str, Template]:
        """Return all templates; one of the user's is in place of a shipped one of its name."""
        found = {each.name: each for each in self._of(self._shipped, own=False)}
        own: dict[str, Template] = {}
        for each in self._of(self._folder, own=True) if self._folder else ():
            name = each.picture.name if each.name in own else each.name
            own[name] = replace(each, name=name)
        return {**found, **own}

    def get(self, name: str) -> Template:
        """Find a template; raises InvalidInput with the nearest names."""
        found = self.now()
        if name in found:
            return found[name]
        near = difflib.get_close_matches(name, found, n=3, cutoff=0.5)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise InvalidInput(f"There is no template {quoted(name)}.{hint}")

    def of_file(self, content: bytes) -> Template | None:
        """Return the template whose file has this content; None where there is none."""
        wanted = sha256(content).hexdigest()
        found = [each for each in self.now().values() if each.sha256 == wanted]
        return found[-1] if found else None

    def search(self, words: str = "") -> list[Template]:
        """Return the templates that have every word in title, name, tags or count of faces."""
        return matching(self.now().values(), words)

    def keep(self, picture: Path, title: str = "", tags: Sequence[str] = ()) -> Template:
        """Copy a picture into the user's folder, under a free name.

        Raises what `read_still` raises, and InvalidInput where there is no folder.
        """
        photo, known = read_still(picture), read_tags(tags)
        content = picture.read_bytes()
        there = self.of_file(content)
        if there is not None and there.own:
            return self._write(replace(there, title=title or there.title, tags=known or there.tags))
        return self.add(content, picture.suffix.lower(), title or Path(photo.name).stem, known)

    def add(self, content: bytes, suffix: str, title: str, tags: Sequence[str] = ()) -> Template:
        """Write the file of a picture into the user's folder, named by its title."""
        if self._folder is None:
            raise InvalidInput("There is no folder for templates of one's own.")
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / f"{self._free_name(title)}{suffix}"
        write_atomic(target, content)
        name = target.stem
        return self._write(
            Template(name, title, target, sha256(content).hexdigest(), read_tags(tags))
        )

    def remember(self, template: Template, faces: Sequence[Face]) -> Template:
        """Write down where the faces of one of the user's are, so that nobody looks again."""
        if not template.own or template.faces is not None:
            return template
        known = replace(template, faces=tuple(faces))
        try:
            self._write(known)
        except OSError as error:
            logger.warning("Nothing can be noted of %s: %s.", template.name, reason(error))
        return known

    def remove(self, name: str) -> Template:
        """Delete one of the user's templates; raises InvalidInput for one that ships."""
        template = self.get(name)
        if not template.own:
            raise InvalidInput(f"{name} ships with the program and stays.")
        template.notes.unlink(missing_ok=True)
        template.picture.unlink(missing_ok=True)
        return template

    def _write(self, template: Template) -> Template:
        text = json.dumps(template.facts(), ensure_ascii=False, indent=2) + "\n"
        write_atomic(template.notes, text.encode("utf-8"))
        return template

    def _free_name(self, title: str) -> str:
        wish = re.sub(r"[^\w-]+", "-", title.casefold()).strip("-_")[:_LONGEST_NAME]
        if not wish or RESERVED_ON_WINDOWS.fullmatch(wish):
            wish = f"template-{wish}".rstrip("-")
        taken = {each.casefold() for each in self.now()}
        names = (wish if number == 1 else f"{wish}-{number}" for number in count(1))
        return next(name for name in names if name not in taken)

    def _of(self, folder: Path, *, own: bool) -> Iterator[Template]:
        for picture in _pictures(folder):
            if found := self._read(picture, own=own):
                yield found

    def _read(self, picture: Path, *, own: bool) -> Template | None:
        """Read one; None where its file cannot be read, or is gone meanwhile."""
        title = picture.stem.replace("-", " ").replace("_", " ")
        try:
            template = Template(picture.stem, title, picture, self._sum(picture), own=own)
        except OSError as error:
            logger.warning("Template %s left out: %s", picture.name, reason(error))
            return None
        try:
            return template.with_notes(read_notes(template.notes))
        except (*_DAMAGE, FaceChainError) as error:
            logger.warning("What is noted of template %s is damaged: %s", picture.name, error)
            return template

    def _sum(self, picture: Path) -> str:
        stat = picture.stat()
        version = stat.st_mtime_ns, stat.st_size
        known = self._sums.get(picture)
        if known is None or known[0] != version:
            known = self._sums[picture] = version, sha256(picture.read_bytes()).hexdigest()
        return known[1]


def matching(templates: Iterable[Template], words: str) -> list[Template]:
    """Return those of templates that `Gallery.search` finds."""
    wanted = plain(words).split()
    return [each for each in templates if all(word in _searched(each) for word in wanted)]


def _pictures(folder: Path) -> list[Path]:
    """Return the pictures of a folder by name, without hidden ones; none where it is missing."""
    try:
        return sorted(
            path
            for path in (folder.iterdir() if folder.is_dir() else ())
            if path.suffix.lower() in STILL_SUFFIXES and path.is_file() and path.name[0] != "."
        )
    except OSError as error:
        logger.warning("No templates from %s: %s.", folder, reason(error))
        return []


def _searched(template: Template) -> str:
    faces = "" if template.faces is None else f"{len(template.faces)} faces"
    return plain(f"{template.title} {template.name} {' '.join(template.tags)} {faces}")
