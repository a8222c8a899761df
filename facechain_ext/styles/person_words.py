"""Words that belong to the person: a style that says them shows somebody else."""

from __future__ import annotations

import re

PERSON_WORDS = {
    "hair": (
        r"hair\w*|\w+-haired|blond\w*|brunettes?|redhead\w*|curl\w*|braid\w*|pony ?tails?|pigtails?"
        r"|bangs|fringe cut|bald|balding|bob cut|beard\w*|stubble|mou?stache\w*|sideburns|eyebrows?"
    ),
    "eyes": r"eye|eyes|eyed|\w+-eyed|eyelash\w*|iris|pupils?|gaze|sunglasses|goggles|eyepatch",
    "skin": (
        r"skin|skinned|complexion|tan|tanned|freckle\w*|mole|moles|wrinkle\w*|scars?|tattoo\w*"
        r"|dimple\w*|blush\w*|make-?up|lipstick|mascara|face ?paint"
    ),
    "face": (
        r"face|faces|facial|cheek\w*|chin|jaw\w*|nose|lips?|mouth|teeth|forehead|ears?"
        r"|mask|masked|veil\w*|visor|beautiful|pretty|handsome|gorgeous|attractive|cute|ugly"
    ),
    "body": (
        r"slim|thin|fat|muscular|chubby|skinny|busty|curvy|breasts?|cleavage|sexy|nude|naked|bikini"
        r"|lingerie|nsfw"
    ),
    "age": r"young|teen\w*|elderly|aged|baby|toddler|\d+ year old",
    "descent": (
        r"asian|chinese|japanese|korean|vietnamese|mongolian|indian|arab\w*|persian|turkish|african"
        r"|nigerian|ethiopian|mexican|peruvian|russian|scandinavian|european|american|caucasian"
        r"|latin[ao]"
    ),
    "person": (r"\d?\+?(?:girl|boy|woman|women|man|men|lady|guy|male|female)s?|person|people|solo"),
}
"""What each kind is told by; whole words."""

_ANY = re.compile(rf"\b(?:{'|'.join(PERSON_WORDS.values())})\b", re.IGNORECASE)
_WOMAN = re.compile(r"\b\d?\+?(?:girl|woman|women|lady|female)s?\b", re.IGNORECASE)
_MAN = re.compile(r"\b\d?\+?(?:boy|man|men|guy|male)s?\b", re.IGNORECASE)


def is_of_the_person(phrase: str) -> bool:
    """Tell whether a phrase says what belongs to the person."""
    return _ANY.search(phrase.replace("_", " ")) is not None


def says_woman(text: str) -> bool:
    return _WOMAN.search(text) is not None


def says_man(text: str) -> bool:
    return _MAN.search(text) is not None
