"""The styles that ship, and the user's own from a folder of JSON files."""

from __future__ import annotations

import difflib
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from facechain_ext.base.errors import InvalidInput, quoted, reason
from facechain_ext.styles.records import Record, read_records
from facechain_ext.styles.style import Style, parse_style

logger = logging.getLogger(__name__)

PRESETS = Path(__file__).with_name("presets")
"""The styles that ship: one file for each of CATEGORIES."""

CATEGORIES = (
    "studio", "work", "film", "outdoors", "seasons", "places", "festive", "historical", "sport",
    "fantasy", "children", "art",
)  # fmt: skip
"""The kinds of styles that ship, in the order in which they are shown."""

PREVIEWS = Path(__file__).with_name("previews")
"""A picture, <name>.jpg, of each style that ships."""

Problem = Callable[[InvalidInput], None]
"""Told about each of the user's files that cannot be used."""


def load_styles(
    folder: Path | None = None, *, on_problem: Problem | None = None
) -> dict[str, Style]:
    """Return the shipped styles and those in a folder's *.json files, by name.

    A style of the user's replaces a shipped one of the same name. A bad file, or a bad style among
    good ones, is left out and reported, to the log where nobody else listens; a missing folder
    holds no styles.
    """
    styles, report = _shipped(), on_problem or _log
    own: dict[str, Path] = {}
    for path in _files(folder) if folder is not None else ():
        for style in _readable(path, report):
            if style.name in own:
                taken = f"{own[style.name].name} already has a style {style.name!r}"
                report(InvalidInput(f"{path.name}: {taken}."))
                continue
            own[style.name] = path
            styles[style.name] = style
    return styles


def _shipped() -> dict[str, Style]:
    files = (PRESETS / f"{category}.json" for category in CATEGORIES)
    return {name: style for path in files for name, style in read_styles(path).items()}


class Styles:
    """The shipped styles and those in a folder, read again when one of its files has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[str, int] | None = None
        self._styles: dict[str, Style] = {}

    def now(self) -> dict[str, Style]:
        seen = _changes(self._folder)
        if seen != self._seen:
            self._styles, self._seen = load_styles(self._folder), seen
        return self._styles


def read_styles(path: Path) -> dict[str, Style]:
    """Read one file, a style or a list of styles; raise InvalidInput naming the file."""
    problems: list[InvalidInput] = []
    styles = _readable(path, problems.append)
    if problems:
        raise problems[0]
    return {style.name: style for style in styles}


def _readable(path: Path, report: Problem) -> list[Style]:
    """Return the good styles of a file; those of one name are all bad."""
    styles: list[Style] = []
    try:
        records = read_records(path)
    except InvalidInput as error:
        report(error)
        return []
    for record in records:
        found = _parsed(record)
        if isinstance(found, Style):
            styles.append(found)
        else:
            report(record.problem(path, found))
    counts = Counter(style.name for style in styles)
    for name in (name for name, count in counts.items() if count > 1):
        report(InvalidInput(f"{path.name}: The name {name!r} is used twice."))
    return [style for style in styles if counts[style.name] == 1]


def _parsed(record: Record) -> Style | InvalidInput:
    try:
        return parse_style(record.content)
    except InvalidInput as error:
        return error


def find_style(styles: Mapping[str, Style], name: str) -> Style:
    """Look a style up; raise InvalidInput with the nearest names."""
    if name in styles:
        return styles[name]
    near = difflib.get_close_matches(name, styles, n=3, cutoff=0.5)
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    raise InvalidInput(f"There is no style {quoted(name)}.{hint}")


def _files(folder: Path) -> list[Path]:
    """Return the *.json files of a folder, without those that a Mac leaves as `._name`."""
    try:
        return sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))
    except OSError as error:
        logger.warning("No styles from %s: %s.", folder, reason(error))
        return []


def _changes(folder: Path) -> dict[str, int]:
    """Tell when each file was changed; 0 where nobody can."""
    return {path.name: _changed(path) for path in _files(folder)}


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _log(error: InvalidInput) -> None:
    logger.warning("Style left out: %s", error)
