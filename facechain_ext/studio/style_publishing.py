"""Put a style's LoRA where the host finds it, and the style where people choose it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from facechain_ext.base.events import Preview
from facechain_ext.base.host import Host
from facechain_ext.base.records import LoraFile, Pixels
from facechain_ext.dataset.look_captions import common_tags, usual_tags
from facechain_ext.imaging.thumbnail import thumbnail
from facechain_ext.library.look import Look
from facechain_ext.library.manifest import Run
from facechain_ext.library.runs import RunFolder, RunRecord
from facechain_ext.library.settling import forget_states
from facechain_ext.lora.checkpoint import save_lora, write_sidecars
from facechain_ext.lora.family import TITLES
from facechain_ext.studio.lora_cards import PREVIEW_SIDE
from facechain_ext.studio.lora_names import free_alias
from facechain_ext.studio.publishing import lora_record, told_where_no_room
from facechain_ext.studio.style_shelf import StyleShelf
from facechain_ext.styles import Style
from facechain_ext.styles.style import PERSON
from facechain_ext.training.select import Chosen


@dataclass(frozen=True)
class StylePublisher:
    """Publishes the LoRAs of looks through the host, and their styles onto a shelf."""

    host: Host
    shelf: StyleShelf

    def publish(self, look: Look, run: RunFolder, record: RunRecord, chosen: Chosen) -> LoraFile:
        """Write LoRA, card and preview, then the style, then note both with the look.

        Done again after a crash, it writes the same files. Raises InvalidInput where there is no
        room for them, or the look was deleted meanwhile.
        """
        with look.changing() as now:
            captions, preview = now.captions(), best_sample(run, chosen)
            lora = self._written(now, run, record, chosen, captions, preview)
            self.shelf.add(style_of_look(now, record, captions, lora.name, preview), again=True)
            entry = Run(
                name=run.name,
                lora=lora.path.name,
                lora_sha256=lora.sha256,
                checkpoint=record.checkpoint.name,
                similarity=chosen.similarity,
                steps=chosen.steps,
                trigger_word=record.trigger_word,
                alias=lora.alias,
            )
            others = tuple(other for other in now.manifest.runs if other.name != run.name)
            now.save(runs=(*others, entry))
            forget_states(run.folder)
        self.host.publish_lora(lora)
        return lora

    def _written(
        self,
        look: Look,
        run: RunFolder,
        record: RunRecord,
        chosen: Chosen,
        captions: list[str],
        preview: Pixels | None,
    ) -> LoraFile:
        paths = self.host.paths
        path = paths.lora_dir / paths.lora_folder / f"{look.slug}-{run.name}.safetensors"
        weight = look.manifest.style_weight
        with told_where_no_room():
            path.unlink(missing_ok=True)  # of a try that broke off
            alias = free_alias(look.name, paths.lora_dir)
            told = lora_record(
                replace(record, person=""),
                chosen,
                name=path.stem,
                alias=alias,
                captions=tuple(captions),
                weight=weight,
            )
            precision = record.config.save_precision
            lora = save_lora(path, chosen.state, told.metadata(), precision=precision)
            lora = replace(lora, weight=weight, alias=alias)
            notes = f"A style, trained on {record.checkpoint.name}."
            write_sidecars(lora, notes=notes, preview=preview)
        return lora


def style_of_look(
    look: Look, record: RunRecord, captions: list[str], lora: str, preview: Pixels | None
) -> Style:
    """Make the style of a look: its trigger word and what is common to its pictures."""
    words = [record.trigger_word, *common_tags(captions, record.trigger_word)]
    return Style(
        name=look.slug,
        title=look.name,
        prompt=", ".join([PERSON, *words]),
        shot=look.manifest.shot,
        style_lora=lora,
        style_lora_weight=look.manifest.style_weight,
        fusion_strength=look.manifest.most_fusion if look.manifest.most_fusion < 1 else None,
        base_model=TITLES[record.family],
        preview="" if preview is None else thumbnail(preview, PREVIEW_SIDE, quality=80),
    )


def sample_style(look: Look, captions: list[str], trigger_word: str) -> Style:
    """Return what sample pictures are drawn by: the usual words, those that all pictures have
    too, without LoRA and trigger word."""
    words = [PERSON, *usual_tags(captions, trigger_word)]
    return Style(look.slug, look.name, ", ".join(words), shot=look.manifest.shot)


def best_sample(run: RunFolder, chosen: Chosen) -> Pixels | None:
    """Return the sample picture that came nearest to the look; None where none was drawn."""
    previews = [event for event in run.log.read() if isinstance(event, Preview)]
    kept = [event for event in previews if event.step in chosen.steps]
    rated = [
        (similarity or 0.0, pixels)
        for event in kept
        for pixels, similarity in zip(event.images, event.similarities, strict=True)
    ]
    return max(rated, key=lambda pair: pair[0])[1] if rated else None
