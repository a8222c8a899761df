"""Which of DeepDanbooru's tags belong into the caption of a face."""

from __future__ import annotations

from collections.abc import Iterable

# FaceChain's own rules: what the captions say of everybody, what a face always has, what it is.
_ALWAYS = frozenset(
    ("1girl", "1boy", "ears", "head", "face", "lips", "mouth", "3d", "asian", "teeth")
)
_ENDINGS = ("_man", "_woman", "_male", "_female", "_lips")
_PARTS = ("nose", "body")


def caption_tags(tags: Iterable[str]) -> list[str]:
    """Return, in alphabetical order, the tags that tell pictures of one person apart.

    What is in every picture of a person, such as their eyes, is left for the trigger word to
    learn; eyewear comes and goes, and is told. Spaces and underscores are the same.
    """
    return sorted(tag for tag in tags if not _belongs_to_everyone(tag.replace(" ", "_").lower()))


def _belongs_to_everyone(tag: str) -> bool:
    return (
        tag in _ALWAYS
        or tag.endswith(_ENDINGS)
        or any(part in tag for part in _PARTS)
        or ("eye" in tag and "eyewear" not in tag)
    )
