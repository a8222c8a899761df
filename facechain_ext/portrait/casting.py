"""Who comes on which face of a template: as asked for, or by what fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from facechain_ext.base.errors import InvalidInput, quoted
from facechain_ext.base.records import Attributes, Instance
from facechain_ext.portrait.head_pose import angle_between, fit_pose
from facechain_ext.portrait.numbered import NumberedFace, require_room

Cast = dict[int, str]
"""A person's name by the number of the face."""

_OTHER_GENDER = 3.0
_AGE_BAND = 15.0
_ANGLE = 30.0


@dataclass(frozen=True, eq=False)
class Sitter:
    """A person who may be proposed, and their photos."""

    name: str
    attributes: Attributes
    instances: Sequence[Instance]


def read_cast(text: str) -> Cast:
    """Read "1=Ana,2=Ben"; raises InvalidInput for what is no such list, or a number said twice."""
    cast: Cast = {}
    for part in filter(str.strip, text.split(",")):
        number, equals, name = (piece.strip() for piece in part.partition("="))
        if not (number.isascii() and number.isdigit() and equals and name):
            raise InvalidInput(
                f"people must say who comes on which face, as in 1=Ana,2=Ben, not {quoted(text)}."
            )
        if int(number) in cast:
            raise InvalidInput(f"Face {int(number)} is given to two people.")
        cast[int(number)] = name
    return cast


def checked_cast(cast: Mapping[int, str], faces: Sequence[NumberedFace], template: str) -> Cast:
    """Require that every face is there and large enough, and nobody comes twice."""
    by_number = {face.number: face for face in faces}
    if len(cast) > len(faces):
        raise InvalidInput(
            f"{len(cast)} people are named, but {template} shows {_counted(len(faces))}."
        )
    seen: dict[str, int] = {}
    for number, name in sorted(cast.items()):
        if number not in by_number:
            raise InvalidInput(
                f"There is no face {number}: {template} shows {_counted(len(faces))}, numbered "
                "from the left."
            )
        if name in seen:
            raise InvalidInput(
                f"{name} is given two faces, {seen[name]} and {number}; a person comes once."
            )
        seen[name] = number
        require_room(by_number[number])
    return dict(sorted(cast.items()))


def seated(cast: Mapping[int, str], who: Sequence[str], faces: int, template: str) -> Cast:
    """Require that everybody of `who` has got one of the faces that a template shows."""
    left = [name for name in who if name not in cast.values()]
    if left:
        raise InvalidInput(
            f"There is no face for {left[0]}: {template} shows {_counted(faces)}, of which "
            f"{len(cast)} can be exchanged."
        )
    return dict(cast)


def require_once(who: Sequence[str]) -> None:
    """Raise InvalidInput where somebody is named twice."""
    if twice := next((name for name in who if who.count(name) > 1), None):
        raise InvalidInput(f"{twice} is named twice; a person comes once.")


def _counted(faces: int) -> str:
    return "1 face" if faces == 1 else f"{faces} faces"


def propose(faces: Sequence[NumberedFace], people: Sequence[Sitter]) -> Cast:
    """Give faces the people who fit best, each once: gender, age, a photo of a head turned alike.

    Faces that are too small, and those that nobody is left for, are left as they are.
    """
    pairs = [
        (_unlikeness(face, person), face.number, person.name)
        for face, person in product(faces, people)
        if not face.is_small and person.instances
    ]
    cast: Cast = {}
    for _, number, name in sorted(pairs):
        if number not in cast and name not in cast.values():
            cast[number] = name
    return dict(sorted(cast.items()))


def _unlikeness(face: NumberedFace, person: Sitter) -> float:
    shown, known = face.attributes, person.attributes
    genders = (shown.gender, known.gender)
    other = _OTHER_GENDER if None not in genders and genders[0] != genders[1] else 0.0
    years = abs(shown.age - known.age) if shown.age is not None and known.age is not None else 0.0
    pose = fit_pose(face.mesh)
    turned = min(angle_between(pose, fit_pose(photo.landmarks)) for photo in person.instances)
    return other + years / _AGE_BAND + turned / _ANGLE
