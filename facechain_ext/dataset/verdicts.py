"""The sentences that tell people why a photo is not used and what to do about it."""

from __future__ import annotations

from facechain_ext.base.records import Reason, Verdict

ACCEPTED = Verdict(True, None, "Accepted.")

SENTENCES: dict[Reason, str] = {
    Reason.UNREADABLE: "{detail}",
    Reason.TOO_LARGE: "{detail}",
    Reason.NO_FACE: "No face was found in {name}. "
    "Use a photo where the whole face can be seen, large enough and in good light.",
    Reason.SEVERAL_FACES: "{name} shows {count} faces and none stands out. "
    "Cut out the person you want, or use a photo of them alone.",
    Reason.FACE_TOO_SMALL: "The face in {name} is {pixels} pixels wide; at least {least} are "
    "needed. Use a closer photo, or the original file instead of a preview.",
    Reason.FACE_CUT_OFF: "The edge of {name} cuts the face: only {percent} % of it can be seen. "
    "Use a photo with the whole face, forehead to chin.",
    Reason.TURNED_AWAY: "The face in {name} is turned too far to the side. "
    "Use a photo where both eyes can be seen well.",
    Reason.BLURRED: "The face in {name} is blurred, covered or too dark to be recognised. "
    "Use a sharp photo without mask, hand or sunglasses before the face.",
    Reason.DUPLICATE: "{name} is almost the same picture as {other}, which is used instead. "
    "Use a photo taken at another moment.",
    Reason.OTHER_PERSON: "{name} seems to show somebody else than the {count} photos that agree "
    "with each other (similarity {similarity:.2f}). Use photos of one person only.",
}
"""One template per reason; the fields are what the check that rejects must measure."""

DISAGREEMENT = Verdict(
    True,
    None,
    "Accepted, but the photos do not seem to show the same person and no group of them is the "
    "largest. Check them: a LoRA of two people looks like neither.",
)


class Unusable(Exception):
    """A photo cannot be used; carries the verdict. Never leaves this package."""

    def __init__(self, reason: Reason, **details: object) -> None:
        self.verdict = rejection(reason, **details)
        super().__init__(self.verdict.message)


def rejection(reason: Reason, **details: object) -> Verdict:
    """Fill in a reason's sentence."""
    return Verdict(False, reason, SENTENCES[reason].format(**details))
