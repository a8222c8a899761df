"""The pose of a portrait that was made before: the newest one's, or by its file's name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from facechain_ext.base.errors import InvalidInput, quoted
from facechain_ext.config import PortraitConfig
from facechain_ext.imaging.files import read_photo
from facechain_ext.library.people import PeopleLibrary, Person
from facechain_ext.nets import FaceNets
from facechain_ext.studio.portrait_files import PICTURES, newest_portraits
from facechain_ext.studio.posing import condition_of

NEWEST = "newest"
_MOST_NAMED = 3


def names_portrait(pose: str) -> bool:
    """Whether a pose is told by a portrait: "newest", or the bare name of a picture's file."""
    told = pose.strip()
    bare = "/" not in told and "\\" not in told
    return told.lower() == NEWEST or (bare and told.lower().endswith(PICTURES))


def posed_as_before(
    config: PortraitConfig, library: PeopleLibrary, person: Person, nets: FaceNets
) -> PortraitConfig:
    """Write the pose out that is told by one of a person's portraits.

    Raises InvalidInput where there is no such portrait, or no pose can be read off it.
    """
    if not names_portrait(config.pose):
        return config
    path = portrait_of(library, person, config.pose.strip())
    return replace(config, pose=condition_of("pose", read_photo(path).pixels, nets, config))


def portrait_of(library: PeopleLibrary, person: Person, told: str) -> Path:
    """Find a portrait as `names_portrait` has it; raises InvalidInput."""
    made, name = newest_portraits(library, person), person.manifest.name
    if not made:
        raise InvalidInput(f"There is no portrait of {name} yet to take a pose from.")
    if told.lower() == NEWEST:
        return made[0]
    found = next((path for path in made if path.name == told), None)
    if found is None:
        newest = ", ".join(path.name for path in made[:_MOST_NAMED])
        raise InvalidInput(
            f"There is no portrait {quoted(told)} of {name} to take a pose from; the newest are "
            f"{newest}."
        )
    return found
