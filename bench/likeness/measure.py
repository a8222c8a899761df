"""Turn pictures into embeddings, once, so that any figure can be computed later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.likeness.strips import load_strip, save_strip
from facechain_ext.base.records import Embedding, Face, Instance, Pixels
from facechain_ext.config import PortraitConfig
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.fuse import fuse
from facechain_ext.portrait.template import choose_template_for

DRAWN = ("real", "autoencoder", "plain")
"""Pictures that no training takes part in."""

Embeddings = NDArray[np.float32]
"""(N, D), unit norm; a row of NaN where no face was found."""


class FaceEmbedder(Protocol):
    def embed(self, pixels: Pixels, face: Face) -> Embedding: ...


def measure_drawn(
    folder: Path, *, nets: FaceNets, embedders: Mapping[str, FaceEmbedder], strips: Sequence[str]
) -> None:
    """Embed every drawn picture and write drawn.npz; arrays are named `<embedder>/<pictures>`."""
    pictures = {name: load_strip(folder / f"{name}.jpg") for name in (*DRAWN, *strips)}
    _save(folder / "drawn.npz", pictures, nets=nets, embedders=embedders)


def measure_kept(
    folder: Path,
    trained: Sequence[Instance],
    held_back: Sequence[Instance],
    *,
    nets: FaceNets,
    embedders: Mapping[str, FaceEmbedder],
    config: PortraitConfig,
    lora: str,
) -> None:
    """Fuse the kept LoRA's portraits and write kept.npz; the photos are `trained`, `held_back`."""
    pictures = {
        "fused": [fused(p, trained, nets, config) for p in load_strip(folder / f"{lora}.jpg")],
        "trained": [instance.pixels for instance in trained],
        "held_back": [instance.pixels for instance in held_back],
    }
    save_strip(folder / "fused.jpg", pictures["fused"])
    _save(folder / "kept.npz", pictures, nets=nets, embedders=embedders)


def _save(
    path: Path,
    pictures: Mapping[str, Sequence[Pixels]],
    *,
    nets: FaceNets,
    embedders: Mapping[str, FaceEmbedder],
) -> None:
    arrays = {}
    for name, group in pictures.items():
        faces = [first_face(picture, nets) for picture in group]
        for label, embedder in embedders.items():
            arrays[f"{label}/{name}"] = embed_all(embedder, group, faces)
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def measure_stranger(
    path: Path,
    held_back: Sequence[Instance],
    *,
    nets: FaceNets,
    embedders: Mapping[str, FaceEmbedder],
) -> None:
    """Write one array per embedder, the kept-back photos of somebody who is not trained on."""
    pictures = [instance.pixels for instance in held_back]
    faces = [first_face(picture, nets) for picture in pictures]
    arrays = {label: embed_all(e, pictures, faces) for label, e in embedders.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def fused(
    picture: Pixels, instances: Sequence[Instance], nets: FaceNets, config: PortraitConfig
) -> Pixels:
    """Blend the best fitting photo's face in, as the product does; unchanged without a face."""
    face = first_face(picture, nets)
    if face is None:
        return picture
    landmarks = nets.landmarker.locate(picture, face)
    template = choose_template_for(landmarks, instances)
    return fuse(picture, landmarks, template, strength=config.fusion_strength)


def first_face(picture: Pixels, nets: FaceNets) -> Face | None:
    """Return the largest face."""
    return next(iter(nets.detector.detect(picture)), None)


def embed_all(
    embedder: FaceEmbedder, pictures: Sequence[Pixels], faces: Sequence[Face | None]
) -> Embeddings:
    """Embed pictures, (N, 128)."""
    nothing = np.full(128, np.nan, np.float32)
    return np.stack(
        [
            nothing if face is None else embedder.embed(picture, face)
            for picture, face in zip(pictures, faces, strict=True)
        ]
    )
