"""The styles that ship, and the user's own from a folder of JSON files."""

from __future__ import annotations

import difflib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from facechain_ext.base.errors import InvalidInput
from facechain_ext.styles.style import Style, parse_style

logger = logging.getLogger(__name__)

PRESETS = Path(__file__).with_name("presets.json")

Problem = Callable[[InvalidInput], None]
"""Told about each of the user's files that cannot be used."""


def load_styles(
    folder: Path | None = None, *, on_problem: Problem | None = None
) -> dict[str, Style]:
    """Return the shipped styles and those in a folder's *.json files, by name.

    A style of the user's replaces a shipped one of the same name. A bad file is left out and
    reported, to the log where nobody else listens; a missing folder holds no styles.
    """
    styles = read_styles(PRESETS)
    own: dict[str, Path] = {}
    for path in sorted(folder.glob("*.json")) if folder is not None else ():
        try:
            found = read_styles(path)
            _refuse_repeats(found, own, path)
        except InvalidInput as error:
            (on_problem or _log)(error)
            continue
        own.update(dict.fromkeys(found, path))
        styles.update(found)
    return styles


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
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        records = content if isinstance(content, list) else [content]
        return _by_name(map(parse_style, records))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path.name} cannot be read as JSON: {error}.") from error
    except InvalidInput as error:
        raise InvalidInput(f"{path.name}: {error}") from error


def find_style(styles: Mapping[str, Style], name: str) -> Style:
    """Look a style up; raise InvalidInput with the nearest names."""
    if name in styles:
        return styles[name]
    near = difflib.get_close_matches(name, styles, n=3, cutoff=0.5) or sorted(styles)
    raise InvalidInput(f"There is no style {name!r}. Did you mean {', '.join(near)}?")


def _by_name(styles: Iterable[Style]) -> dict[str, Style]:
    found: dict[str, Style] = {}
    for style in styles:
        if style.name in found:
            raise InvalidInput(f"The name {style.name!r} is used twice.")
        found[style.name] = style
    return found


def _refuse_repeats(found: Mapping[str, Style], own: Mapping[str, Path], path: Path) -> None:
    for name in found:
        if name in own:
            raise InvalidInput(f"{path.name}: {own[name].name} already has a style {name!r}.")


def _changes(folder: Path) -> dict[str, int]:
    """Tell when each file was changed."""
    changes = {}
    for path in folder.glob("*.json"):
        with suppress(FileNotFoundError):
            changes[path.name] = path.stat().st_mtime_ns
    return changes


def _log(error: InvalidInput) -> None:
    logger.warning("Style left out: %s", error)
