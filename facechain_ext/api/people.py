"""People: add, list, look at, rename, delete."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from facechain_ext.api.errors import Taken
from facechain_ext.api.operation import Answer, Call, Operation
from facechain_ext.api.person_facts import PersonDetail, PersonSummary, detail, summary
from facechain_ext.api.schema import told
from facechain_ext.api.visible import (
    SLUG_HELP,
    called,
    everybody,
    found_at,
    known_as,
    person_at,
    public_name,
)
from facechain_ext.config import PrepareConfig
from facechain_ext.config.option import Validated, option
from facechain_ext.library.names import LONGEST_NAME, identity
from facechain_ext.library.people import Damaged, Person

SLUG = {"slug": SLUG_HELP}


@dataclass(frozen=True)
class NewPerson:
    """Somebody to add."""

    name: str = told("What they are called; unique but for case and spacing.", longest=LONGEST_NAME)
    trigger_word: str = told(
        "The word that will stand for this person in prompts.",
        default=PrepareConfig().trigger_word,
        longest=60,
    )


@dataclass(frozen=True)
class PersonChange:
    """What is to be another; what is left out stays."""

    name: str | None = told("The new name.", default=None, longest=LONGEST_NAME)
    trigger_word: str | None = told("The new trigger word.", default=None, longest=60)


@dataclass(frozen=True)
class PeoplePage(Validated):
    """Which part of a list."""

    search: str = option(
        "", label="Search", longest=LONGEST_NAME, help="Only those whose name or slug holds this."
    )
    after: str = option(
        "", label="After", longest=LONGEST_NAME, help="`next` of the page before this one."
    )
    limit: int = option(100, label="Limit", minimum=1, maximum=1000, help="How many at most.")


@dataclass(frozen=True)
class PersonList:
    """A page of people."""

    people: tuple[PersonSummary, ...] = told("By slug.")
    total: int = told("How many there are on all pages.")
    next: str | None = told("What to give as `after` for the next page.")


@dataclass(frozen=True)
class Deleted:
    """What is gone for good."""

    deleted: tuple[str, ...] = told("The files, by the folder that they lay in.")


def list_people(call: Call) -> PersonList:
    page: PeoplePage = call.query
    found, wanted = everybody(call), identity(page.search)
    if wanted:
        found = [who for who in found if wanted in f"{identity(called(who))}\n{who.slug}"]
    start = bisect_right(found, page.after, key=_slug)
    shown = found[start : start + page.limit]
    following = shown[-1].slug if start + page.limit < len(found) else None
    return PersonList(tuple(map(summary, shown)), len(found), following)


def _slug(who: Person | Damaged) -> str:
    return who.slug


def add_person(call: Call) -> Answer:
    new: NewPerson = call.body
    trigger = PrepareConfig(trigger_word=new.trigger_word).trigger_word
    library = call.services.studio.library
    with library.changing():
        if any(identity(called(who)) == identity(new.name) for who in library.everybody()):
            raise Taken(f"{new.name!r} is taken. Choose another name.")
        person = library.create_or_get(new.name, trigger, call.owner)
    return created(call, person)


def created(call: Call, person: Person) -> Answer:
    """Answer with somebody new."""
    return Answer(detail(call, person), 201, {"Location": call.link("people", person.slug)})


def get_person(call: Call) -> PersonDetail:
    return detail(call, person_at(call))


def change_person(call: Call) -> PersonDetail:
    change: PersonChange = call.body
    person = person_at(call)
    if change.trigger_word is not None:
        trigger = PrepareConfig(trigger_word=change.trigger_word).trigger_word
        person = person.save(trigger_word=trigger)
    if change.name is not None:
        library = call.services.studio.library
        former = person.manifest.name
        person = library.rename(known_as(call, person), change.name)
        call.services.jobs.renamed(former, person.manifest.name)
    return detail(call, person)


def delete_person(call: Call) -> Deleted:
    """Delete somebody, also one whose manifest is damaged."""
    library, paths = call.services.studio.library, call.services.studio.host.paths
    name = known_as(call, found_at(call))
    files = library.files(name)
    call.services.jobs.delete_person(name)
    return Deleted(tuple(public_name(paths, path) for path in files))


OPERATIONS = (
    Operation(
        "GET", "/people", list_people, "List people", "people", {200: PersonList}, query=PeoplePage
    ),
    Operation(
        "POST",
        "/people",
        add_person,
        "Add a person",
        "people",
        {201: PersonDetail},
        help="A person may also be added by a training that brings photos.",
        body=NewPerson,
        example={"name": "Ana", "trigger_word": "fcsks"},
        errors=(409,),
    ),
    Operation(
        "GET",
        "/people/{slug}",
        get_person,
        "Look at a person",
        "people",
        {200: PersonDetail},
        parts=SLUG,
        errors=(409, 422),
    ),
    Operation(
        "PATCH",
        "/people/{slug}",
        change_person,
        "Rename a person, or change their trigger word",
        "people",
        {200: PersonDetail},
        help="A new name brings a new slug; finished LoRAs keep their names.",
        body=PersonChange,
        parts=SLUG,
        example={"name": "Ana Maria"},
        errors=(409,),
    ),
    Operation(
        "DELETE",
        "/people/{slug}",
        delete_person,
        "Delete all that is kept about a person",
        "people",
        {200: Deleted},
        help="Photos, crops, trainings, LoRAs, portraits, and their jobs. Nothing brings it back.",
        parts=SLUG,
        errors=(409, 422),
    ),
)
