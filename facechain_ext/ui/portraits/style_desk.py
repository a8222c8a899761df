"""What the choice of a style does, without a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from facechain_ext.base.errors import FaceChainError, InvalidInput
from facechain_ext.base.records import Gender
from facechain_ext.jobs.works import MakePortraits
from facechain_ext.studio.lora_cards import style_of
from facechain_ext.studio.results import Result
from facechain_ext.studio.style_likeness import Cost, cost_of
from facechain_ext.styles import Style
from facechain_ext.styles.foreign import Imported
from facechain_ext.styles.search import find_styles
from facechain_ext.ui.page.services import Services

EVERY, MARKED, MADE = "All styles", "Favourites", "Made before with this person"
AT_ONCE = 200
"""Cards that the page shows before it is asked for more."""


@dataclass(frozen=True)
class Looking:
    """What the user looks for; style: the chosen one, which is shown whatever is looked for."""

    words: str = ""
    kind: str = EVERY
    most: int = AT_ONCE
    style: str = ""


@dataclass(frozen=True)
class Found:
    """The styles to show, at most so many as wanted, and how many there are."""

    styles: list[Style]
    total: int


@dataclass
class StyleDesk:
    """Finds styles on behalf of one or more open pages."""

    services: Services
    _results: list[Result] = field(default_factory=list)
    _read_at: str | None = None

    def kinds(self) -> list[str]:
        """Return what to choose from: all, marked, made before, then every category."""
        styles = self.services.studio.styles.values()
        return [EVERY, MARKED, MADE, *dict.fromkeys(style.category for style in styles)]

    def find(self, person: str | None, looking: Looking) -> Found:
        """Return what suits the person and is looked for, the chosen style in any case."""
        styles, gender = self.services.studio.styles, self._gender(person)
        suited = [style for style in styles.values() if style.suits(gender)]
        category = "" if looking.kind in (EVERY, MARKED, MADE) else looking.kind
        found = find_styles(suited, looking.words, category, self._among(person, looking.kind))
        shown, chosen = found[: looking.most], styles.get(looking.style)
        if chosen is not None and chosen not in shown:
            shown = [chosen, *shown]
        return Found(shown, len(found))

    def _among(self, person: str | None, kind: str) -> set[str] | None:
        if kind == MARKED:
            return set(self.marked())
        return self.made_with(person) if kind == MADE else None

    def marked(self) -> tuple[str, ...]:
        return self.services.studio.favourites.names()

    def mark(self, style: str) -> bool:
        """Mark a style as a favourite, or unmark it; tell whether it is marked now."""
        return self.services.studio.favourites.toggle(style)

    def made_with(self, person: str | None) -> set[str]:
        """Name the styles of a person's kept portraits."""
        try:
            slug = self.services.studio.library.get(person).slug if person else ""
        except FaceChainError:  # gone meanwhile
            return set()
        return {result.style for result in self.results() if result.person == slug}

    def unfit(self, styles: Iterable[Style]) -> dict[str, str]:
        """Say why styles cannot be used with the checkpoint that is loaded, by name."""
        return self.services.studio.shelf.why_not(styles)

    def loras(self) -> list[str]:
        """Name the LoRAs that a style can be made of: those that are nobody's."""
        return [*self.services.studio.shelf.loras()]

    def lora_style(self, name: str) -> Style:
        """Make a style of a LoRA, not kept yet; raises InvalidInput."""
        path = self.services.studio.shelf.loras().get(name)
        if path is None:
            raise InvalidInput(f"There is no LoRA {name!r} any more.")
        return style_of(path)

    def add(self, files: Sequence[Path], lora: str) -> tuple[list[str], list[str]]:
        """Take styles in; return the titles of those that were added, and what is to be said."""
        shelf = self.services.studio.shelf
        sources = [*files, *([shelf.loras()[lora]] if lora in shelf.loras() else [])]
        if not sources:
            raise InvalidInput("Choose style files, or a LoRA.")
        found = [each for source in sources for each in shelf.take_in(source)]
        problems = [str(each) for each in found if isinstance(each, InvalidInput)]
        added = [each for each in found if isinstance(each, Imported)]
        notes = [f"{each.style.title}: {note}" for each in added for note in each.notes]
        return [each.style.title for each in added], [*problems, *notes]

    def cost(self, style: Style) -> Cost | None:
        return cost_of(style, self.results())

    def results(self) -> list[Result]:
        """Return everybody's kept portraits, read anew once more of them are made."""
        jobs = [job for job in self.services.jobs.all() if job.kind == MakePortraits.kind]
        now = " ".join(f"{job.id}" for job in jobs if job.state.over)
        if now != self._read_at:
            self._results, self._read_at = self.services.studio.results.everybody(), now
        return self._results

    def _gender(self, person: str | None) -> Gender | None:
        try:
            library = self.services.studio.library
            return library.get(person).manifest.attributes.gender if person else None
        except FaceChainError:
            return None


def looking_for(values: Sequence[Any]) -> Looking:
    """Take what the page's components hold; gradio 6 sends none for an empty text."""
    told = zip((spec.name for spec in fields(Looking)), values, strict=False)
    return Looking(**{name: value for name, value in told if value is not None})


def more(looking: Looking) -> Looking:
    """Look for the same, and see more of it."""
    return replace(looking, most=looking.most + AT_ONCE)
