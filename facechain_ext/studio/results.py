"""What a person's saved portraits say of themselves: their style, and how alike they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from facechain_ext.base.infotext import parse_infotext
from facechain_ext.imaging.parameters import read_parameters
from facechain_ext.library.people import PeopleLibrary, Person
from facechain_ext.portrait.infotext import OURS, PERSON
from facechain_ext.studio.portrait_files import kept_portraits

_LORA = re.compile(r"<lora:([^:>]+)")


@dataclass(frozen=True)
class Result:
    """A portrait that was kept.

    lora: the person's, by the name in the prompt. fusion: as the infotext writes it.
    """

    person: str
    style: str
    lora: str
    fusion: str
    similarity: float


@dataclass(frozen=True)
class Results:
    """Reads the portraits of a library, each file once while it stays as it is."""

    library: PeopleLibrary
    _known: dict[str, tuple[tuple[int, int], Result | None]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def everybody(self) -> list[Result]:
        people = self.library.people()
        return [result for person in people for result in self._of(person)]

    def of(self, name: str) -> list[Result]:
        """Return one person's, in no order; raises PersonNotFound."""
        return [*self._of(self.library.get(name))]

    def _of(self, person: Person) -> Iterator[Result]:
        for path in kept_portraits(self.library, person):
            if (result := self._read(path, person.slug)) is not None:
                yield result

    def _read(self, path: Path, person: str) -> Result | None:
        try:
            stat = path.stat()
        except OSError:  # gone, or on its way
            return None
        version = stat.st_mtime_ns, stat.st_size
        known = self._known.get(str(path))
        if known is None or known[0] != version:
            known = self._known[str(path)] = version, parse_result(read_parameters(path), person)
        return known[1]


def parse_result(infotext: str, person: str) -> Result | None:
    """Read a portrait's infotext; None where it is none of ours or was not scored."""
    if PERSON not in infotext:
        return None
    prompt, _, fields = parse_infotext(infotext)
    try:
        similarity = float(fields["FaceChain similarity"])
    except (KeyError, ValueError):
        return None
    loras = _LORA.findall(prompt)
    fusion = fields.get(OURS["fusion_strength"], "")
    return Result(
        person, fields.get(OURS["style"], ""), loras[-1] if loras else "", fusion, similarity
    )
