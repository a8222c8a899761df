"""On which face of which template somebody came last: kept with them, and gone with them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from facechain_ext.imaging.files import write_atomic
from facechain_ext.library.people import PeopleLibrary, Person

FILE = "templates.json"
_MOST_BYTES = 2**20


def seats_of(person: Person) -> dict[str, int]:
    """Return the numbers of faces by the templates' names; none where the file is damaged."""
    try:
        with (person.folder / FILE).open("rb") as stream:
            facts = json.loads(stream.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    known = facts.items() if isinstance(facts, dict) else ()
    return {name: number for name, number in known if type(number) is int}


def last_cast(library: PeopleLibrary, template: str) -> dict[int, str]:
    """Return who came on which face of a template the last time."""
    seats = ((seats_of(p).get(template), p.manifest.name) for p in library.trained())
    return dict(sorted((number, name) for number, name in seats if number is not None))


def remember_cast(library: PeopleLibrary, template: str, cast: Mapping[int, str]) -> None:
    """Note who comes on which face of a template; empty where it is gone."""
    numbers = {name: number for number, name in cast.items()}
    for person in library.people():
        seats, number = seats_of(person), numbers.get(person.manifest.name)
        if seats.get(template) != number:
            others = {name: seat for name, seat in seats.items() if name != template}
            _write(person, others if number is None else {**others, template: number})


def _write(person: Person, seats: Mapping[str, int]) -> None:
    with person.changing() as now:
        path = now.folder / FILE
        if seats:
            write_atomic(path, (json.dumps(seats, ensure_ascii=False) + "\n").encode("utf-8"))
        else:
            path.unlink(missing_ok=True)
