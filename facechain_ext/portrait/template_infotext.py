"""What an infotext says of a template: who came on which face, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from facechain_ext import __version__
from facechain_ext.config import TemplateConfig
from facechain_ext.portrait.infotext import VERSION

TEMPLATE = "FaceChain template"
FACES = "FaceChain faces"


@dataclass(frozen=True)
class Seated:
    """A person on a numbered face."""

    number: int
    name: str
    seed: int
    similarity: float | None

    def __str__(self) -> str:
        alike = "" if self.similarity is None else f", similarity {self.similarity:.3f}"
        return f"{self.number} {self.name} (seed {self.seed}{alike})"


def template_fields(
    template: str, seated: Sequence[Seated], config: TemplateConfig
) -> dict[str, object]:
    """Tell the template, everybody on it, and the settings that no webui writes."""
    return {
        TEMPLATE: template,
        FACES: "; ".join(map(str, seated)),
        "FaceChain exchanged": config.mask,
        "FaceChain template strength": f"{config.strength:g}",
        "FaceChain template fusion": f"{config.fusion_strength:g}",
        VERSION: __version__,
    }
