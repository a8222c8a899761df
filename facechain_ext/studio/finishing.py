"""From a drawn picture to a portrait: restored, judged, enlarged, fused, described."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from facechain_ext.base.host import GeneratedImage, Host, Unavailable
from facechain_ext.base.infotext import add_fields, parse_infotext
from facechain_ext.base.records import Embedding, Instance, Pixels, Portrait, Score
from facechain_ext.config import PortraitConfig
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.fuse import fuse, fusion_note
from facechain_ext.portrait.infotext import NOT_FUSED, portrait_fields
from facechain_ext.portrait.rank import judge
from facechain_ext.portrait.template import choose_template_for

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Finisher:
    """Finishes one person's pictures with settings that the style has had its say in.

    reference: the person's mean embedding. notes: what was asked for and could not be had.
    """

    host: Host
    nets: FaceNets
    person: str
    trigger_word: str
    instances: Sequence[Instance]
    reference: Embedding
    config: PortraitConfig
    notes: list[str] = field(default_factory=list)

    def finish(self, image: GeneratedImage) -> Portrait:
        """Fuse and judge a picture at the size it was drawn."""
        self.notes.extend(note for note in image.notes if note not in self.notes)
        return self._portrait(self._restored(image), image.seed, image.infotext)

    def enlarge(self, portrait: Portrait, infotext: str) -> Portrait:
        """Enlarge the picture as drawn and fuse that: the photo's own detail then stays sharp.

        infotext: the host's. Returns the portrait itself when it is large enough, or shows no
        good face enlarged.
        """
        drawn, size = portrait.before_fusion, self.config.output_size
        if drawn is None or size is None or size <= max(drawn.shape[:2]):
            return portrait
        larger = self._asked(lambda: self.host.upscale(drawn, size), "Not enlarged")
        if larger is None:
            return portrait
        finished = self._portrait(larger, portrait.seed, infotext)
        return finished if finished.score.ranked else portrait

    def _restored(self, image: GeneratedImage) -> Pixels:
        """Restore the faces unless the host has done so while drawing."""
        done = "Face restoration" in parse_infotext(image.infotext)[2]
        if not self.config.restore_faces or done:
            return image.pixels
        restored = self._asked(lambda: self.host.restore_face(image.pixels), "Faces not restored")
        return image.pixels if restored is None else restored

    def _asked(self, tool: Callable[[], Pixels | Unavailable], failed: str) -> Pixels | None:
        """Use a tool of the host's; note, once, why it is not to be had."""
        answer = tool()
        if not isinstance(answer, Unavailable):
            return answer
        note = f"{failed}: {answer.reason}"
        if note not in self.notes:
            logger.warning("%s", note)
            self.notes.append(note)
        return None

    def _portrait(self, drawn: Pixels, seed: int, infotext: str) -> Portrait:
        """Judge a picture, and where it may be ranked fuse it and judge again."""
        pixels, note, config = drawn, None, self.config
        score, face = judge(drawn, self.nets, self.reference, config)
        if score.ranked and face is not None and config.fusion_strength > 0:
            landmarks = self.nets.landmarker.locate(drawn, face)
            template = choose_template_for(landmarks, self.instances)
            pixels = fuse(drawn, landmarks, template, strength=config.fusion_strength)
            score, _ = judge(pixels, self.nets, self.reference, config)
            note = fusion_note(landmarks, template)
        fused = not np.array_equal(pixels, drawn)
        told = self._told(drawn, score, note, fused=fused)
        return Portrait(
            pixels, score, seed, add_fields(infotext, told), asdict(config), drawn, note
        )

    def _told(
        self, drawn: Pixels, score: Score, note: str | None, *, fused: bool
    ) -> dict[str, object]:
        """Collect what the infotext says of a portrait besides the host's own fields."""
        enlarged = max(drawn.shape[:2]) == self.config.output_size
        config = self.config if enlarged else replace(self.config, output_size=None)
        told = {**portrait_fields(self.person, config), "FaceChain trigger": self.trigger_word}
        if not fused and config.fusion_strength > 0:
            told |= NOT_FUSED
        if note is not None:
            told["FaceChain fusion note"] = note
        if score.similarity is not None:
            told["FaceChain similarity"] = f"{score.similarity:.3f}"
        return told
