"""What a style's LoRA learns: how near the mini comes to a look it does not know, and what that
costs of a person's likeness.

    python -m bench.train_style --portraits portraits_192.tar --out RUN

The look is a poster: OpenCV's painting filter, five levels of light, colours turned warm. 40
portraits in colour become its pictures, 16 of them cut to other shapes; 40 others stand for the
look they were not trained on. The person is the demo's. Everything is kept in --out.
"""

from __future__ import annotations

import argparse
import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bench.fast import measure, train
from facechain_ext.base.events import Preview, TrainingFinished
from facechain_ext.base.host import GenerationRequest, LoraUse
from facechain_ext.base.records import Photo, Pixels
from facechain_ext.config import PortraitConfig, PrepareConfig, TrainStyleConfig
from facechain_ext.dataset.look_captions import with_trigger
from facechain_ext.dataset.look_measure import LookMeasure
from facechain_ext.dataset.prepare import prepare
from facechain_ext.imaging.color import is_monochrome
from facechain_ext.imaging.files import encode_png
from facechain_ext.jobs.style_work import TrainStyle
from facechain_ext.lora.checkpoint import describe
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.prompt import NEGATIVE
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.studio import Studio

NAME, PICTURES = "Poster", 40
SHAPES = ((192, 192), (192, 192), (192, 192), (128, 192), (192, 128))
"""Width and height, in turn."""
WEIGHTS = (0.8, 1.0)
PERSON = PortraitConfig(count=6, candidates=1.0, seed=0)


@dataclass(frozen=True)
class Distances:
    """How far pictures are from a look: by the product's own measure, 1 for the look's own; and
    between their latents (Fréchet 1957)."""

    measure: float
    latents: float


def poster(pixels: Pixels) -> Pixels:
    """Paint a picture in the look."""
    painted = np.asarray(cv2.stylization(pixels, sigma_s=40, sigma_r=0.45))
    lab = cv2.cvtColor(painted, cv2.COLOR_RGB2LAB).astype(np.float32)
    levels = np.round(lab[..., 0] / 255 * 4) / 4
    turned = lab[..., 1:] - 128
    made = np.dstack([40 + levels * 200, 138 + 1.4 * turned[..., 0], 158 + 1.4 * turned[..., 1]])
    rgb = cv2.cvtColor(np.clip(made, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB)
    return np.asarray(rgb, np.uint8)


def portraits_in(archive: Path) -> Iterator[Pixels]:
    """Yield the portraits in colour."""
    with tarfile.open(archive) as tar:
        for member in tar:
            stream = tar.extractfile(member)
            if stream is not None and member.name.endswith(".webp"):
                pixels = np.asarray(Image.open(io.BytesIO(stream.read())).convert("RGB"))
                if not is_monochrome(pixels):
                    yield pixels


def captioned(portraits: Iterator[Pixels], nets: FaceNets) -> Iterator[tuple[Pixels, str]]:
    """Yield portraits with a face, and what the product calls them, without trigger word."""
    for number, pixels in enumerate(portraits):
        (judged,) = prepare([Photo(f"{number}.png", pixels)], PrepareConfig(min_face_px=24), nets)
        if judged.instance is not None:
            yield pixels, judged.instance.caption.partition(", ")[2]


def cut(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Cut the middle out of a picture."""
    width, height = size
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


def write_look(folder: Path, pictures: Sequence[tuple[Pixels, str]]) -> list[Path]:
    """Paint pictures, and write them with their captions beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (pixels, caption) in enumerate(pictures):
        path = folder / f"{number:03d}.png"
        path.write_bytes(encode_png(poster(cut(pixels, SHAPES[number % len(SHAPES)]))))
        path.with_suffix(".txt").write_text(caption, encoding="utf-8")
    return sorted(folder.glob("*.png"))


def drawn(studio: Studio, captions: Sequence[str], weight: float) -> list[Pixels]:
    """Draw a picture of every caption, with the style's LoRA and trigger word where it weighs."""
    style = studio.styles[NAME.lower()]
    lora = describe(studio.host.paths.lora_dir / f"{style.style_lora}.safetensors")
    return [
        image.pixels
        for seed, caption in enumerate(captions)
        for image in studio.host.generate(
            GenerationRequest(
                with_trigger(caption, lora.trigger_word) if weight else caption,
                ", ".join(NEGATIVE),
                seeds=(seed,),
                loras=(LoraUse(lora, weight),) if weight else (),
            )
        )
    ]


def latent_features(studio: Studio, pictures: Sequence[Pixels]) -> NDArray[np.float64]:
    """Return what the autoencoder says of pictures without their places: every channel's mean,
    spread and mean change across and down, (N, 16)."""
    with studio.host.borrow_model(for_training=False) as model, torch.no_grad():
        rows = []
        for pixels in pictures:
            tensor = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
            latents = model.encode_images(tensor.to(model.device), torch.Generator().manual_seed(0))
            across, down = latents.diff(dim=3).abs(), latents.diff(dim=2).abs()
            facts = [latents.mean((2, 3)), latents.std((2, 3))]
            rows.append(torch.cat([*facts, across.mean((2, 3)), down.mean((2, 3))], 1)[0])
    return torch.stack(rows).double().cpu().numpy()


def frechet(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the Fréchet distance of two sets of features, taken as Gaussian (Dowson and Landau
    1982)."""
    covariances = [np.cov(rows, rowvar=False) for rows in (one, other)]
    roots = np.linalg.eigvals(covariances[0] @ covariances[1])
    shared = float(np.sqrt(np.maximum(roots.real, 0)).sum())
    apart = float(np.square(one.mean(0) - other.mean(0)).sum())
    return apart + float(np.trace(covariances[0]) + np.trace(covariances[1])) - 2 * shared


def distances(studio: Studio, look: Sequence[Pixels], pictures: Sequence[Pixels]) -> Distances:
    """Measure how far pictures are from a look."""
    measured = LookMeasure.of(look)
    latents = frechet(latent_features(studio, look), latent_features(studio, pictures))
    return Distances(float(np.mean([measured.distance(p) for p in pictures])), latents)


def table(rows: dict[str, Distances]) -> str:
    """Write the distances of every kind of picture."""
    lines = ["| pictures | distance to the look | between latents |", "|---|---|---|"]
    lines += [f"| {name} | {row.measure:.2f} | {row.latents:.2f} |" for name, row in rows.items()]
    return "\n".join(lines)


def sheet(rows: Sequence[Sequence[Pixels]]) -> Pixels:
    """Put pictures of 192 pixels into rows."""
    return np.vstack([np.hstack([cv2.resize(p, (192, 192)) for p in row]) for row in rows])


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the style and the person, draw, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--portraits", type=Path, required=True, help="a tar of portraits")
    parser.add_argument("--out", type=Path, required=True, help="where everything is kept")
    parser.add_argument("--steps", type=int, default=300, help="of the style's training")
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--drawn", type=int, default=16, help="pictures of every row")
    args = parser.parse_args(arguments)
    studio = Studio(DiffusersHost(args.out / "data"), FaceNets())
    source = captioned(portraits_in(args.portraits), studio.nets)
    chosen = [next(source) for _ in range(2 * PICTURES)]
    train_look(studio, args, chosen[:PICTURES])
    held_back = [poster(pixels) for pixels, _ in chosen[PICTURES:]]
    captions = [caption for _, caption in chosen[PICTURES : PICTURES + args.drawn]]
    made = {f"the style's LoRA at {w:g}": drawn(studio, captions, w) for w in WEIGHTS}
    pictures = {
        "photos, not painted": [pixels for pixels, _ in chosen[PICTURES : PICTURES + args.drawn]],
        "the mini, same prompts": drawn(studio, captions, 0.0),
        **made,
        "the pictures trained on": [poster(pixels) for pixels, _ in chosen[: args.drawn]],
    }
    print(table({name: distances(studio, held_back, each) for name, each in pictures.items()}))
    rows = [each[:8] for each in pictures.values()]
    (args.out / "sheet.png").write_bytes(encode_png(sheet(rows)))
    train(studio, "The demo's", None, None)
    for style in ("portrait", NAME.lower()):
        row = measure(studio, "The demo's", replace(PERSON, style=style))
        print(f"{style}: likeness fused {row.fused:.3f}, as drawn {row.drawn:.3f}", flush=True)


def train_look(
    studio: Studio, args: argparse.Namespace, pictures: Sequence[tuple[Pixels, str]]
) -> None:
    """Train the style, once."""
    if NAME.lower() in studio.styles:
        return
    config = TrainStyleConfig(
        max_train_steps=args.steps, train_batch_size=args.batch_size, samples_per_snapshot=2
    )
    work = TrainStyle.of(NAME, write_look(args.out / "look", pictures), config)
    trainings = studio.style_trainings
    for event in trainings.begin(work.name, work.photos, work.captions, config):
        if isinstance(event, (Preview, TrainingFinished)):
            print(f"nearness {event.similarity:.3f}", flush=True)


if __name__ == "__main__":
    main()
