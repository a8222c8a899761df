"""How well the mini follows a pose, and what that costs of likeness.

    python -m bench.control poses --portraits PORTRAITS.tar --out RUN
    python -m bench.control people --people PHOTOS/hires --out RUN --limit 4

`poses` draws the captions of held-back portraits, without the words that say where somebody looks,
in their poses and without, and compares mesh and shoulders of what was drawn with what was asked.
`people` trains everybody (finished trainings are kept in --out) and draws the same seeds without a
pose, in that of the person's first crop, which is framed as portraits are, and in that of the first
photo as it is. Likeness is the mean similarity to the mean of the training photos.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import numpy as np

from bench.fast import everybody, measure, train
from facechain_ext.base.controls import Control
from facechain_ext.base.host import GenerationRequest
from facechain_ext.base.records import Pixels, Points
from facechain_ext.config import PortraitConfig
from facechain_ext.imaging.files import read_photo
from facechain_ext.imaging.openpose import DRAWN_SIDE, Skeleton, draw_skeleton
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.head_pose import fit_pose
from facechain_ext.portrait.skeleton import to_body, to_face
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.fast import made_fast
from facechain_ext.studio.posing import condition_of
from facechain_ext.studio.studio import Studio
from tools.mini.captions import describe
from tools.mini.data import SIZE, load

USUAL = GenerationRequest("")
WAYS: dict[str, tuple[float, tuple[str, ...]]] = {
    "without": (0.0, ()),
    "0.7": (0.7, ("body", "face")),
    "1": (1.0, ("body", "face")),
    "1.3": (1.3, ("body", "face")),
    "1, face alone": (1.0, ("face",)),
    "1, body alone": (1.0, ("body",)),
}
PORTRAITS = PortraitConfig(count=8, candidates=1.0, seed=0)
SHOULDERS = (2, 5)


@dataclass(frozen=True, eq=False)
class Asked:
    """A portrait's caption, its pose, and the mesh of its face, in pixels."""

    caption: str
    skeleton: Skeleton
    mesh: Points


def ask(portraits: Path, nets: FaceNets, count: int) -> list[Asked]:
    """Read the poses of held-back portraits whose faces are found."""
    stock = load(portraits)
    asked: list[Asked] = []
    for index in np.flatnonzero(stock.held_out):
        if len(asked) < count and (pose := read(stock.images[index], nets)) is not None:
            phrases = describe(stock.labels[index], Random(int(index)))
            said = [phrase for phrase in phrases if not phrase.startswith("looking")]
            asked.append(Asked(", ".join(said), *pose))
    return asked


def read(pixels: Pixels, nets: FaceNets) -> tuple[Skeleton, Points] | None:
    """Read the pose of the largest face, and its mesh in pixels."""
    faces = nets.detector.detect(pixels)
    if not faces:
        return None
    face = max(faces, key=lambda each: each.area)
    mesh = nets.landmarker.locate(pixels, face)
    body = to_body(nets.movenet.locate(pixels), face)
    size = np.array(pixels.shape[1::-1], np.float32)
    return Skeleton(body / size, to_face(mesh) / size), mesh


def picture_of(skeleton: Skeleton, parts: Sequence[str]) -> Pixels:
    """Draw what a way shows of a pose."""
    nowhere = np.float32(np.nan)
    body = skeleton.body if "body" in parts else skeleton.body * nowhere
    face = skeleton.face if "face" in parts else skeleton.face * nowhere
    return draw_skeleton(Skeleton(body, face), DRAWN_SIDE, DRAWN_SIDE)


def errors(asked: Asked, drawn: tuple[Skeleton, Points]) -> list[float]:
    """Compare: yaw, pitch, roll in degrees; place, size and shoulders in heights of the face."""
    skeleton, mesh = drawn
    wanted, got = fit_pose(asked.mesh), fit_pose(mesh)
    height = float(np.ptp(asked.mesh[:, 1]))
    turned = [got.yaw - wanted.yaw, got.pitch - wanted.pitch, _roll(mesh) - _roll(asked.mesh)]
    turned[2] = (turned[2] + 180) % 360 - 180
    moved = float(np.linalg.norm(mesh.mean(axis=0) - asked.mesh.mean(axis=0))) / height
    larger = float(np.ptp(mesh[:, 1])) / height - 1
    apart = (skeleton.body - asked.skeleton.body)[list(SHOULDERS)] * SIZE / height
    seen = np.linalg.norm(apart, axis=1)[np.isfinite(apart).all(axis=1)]
    shoulders = float(seen.mean()) if seen.size else math.nan
    return [*map(abs, turned), moved, abs(larger), shoulders]


def _roll(mesh: Points) -> float:
    """Return the tilt of the line between the outer corners of the eyes, in degrees."""
    across, down = (mesh[263] - mesh[33]).tolist()
    return math.degrees(math.atan2(down, across))


def draw(
    host: DiffusersHost, asked: Sequence[Asked], base: GenerationRequest, way: str
) -> Iterable[Pixels]:
    """Draw every caption in its pose, seed by number."""
    weight, parts = WAYS[way]
    for number, each in enumerate(asked):
        controls: tuple[Control, ...] = ()
        if parts and (picture := picture_of(each.skeleton, parts)).any():
            controls = (Control("pose", picture, weight),)
        request = replace(base, prompt=each.caption, seeds=(number,), controls=controls)
        yield from (image.pixels for image in host.generate(request))


def poses(args: argparse.Namespace) -> str:
    """Measure how poses are followed; return the table."""
    nets, host = FaceNets(), DiffusersHost(args.out, device=args.device)
    asked = ask(args.portraits, nets, args.limit)
    lines = [
        f"| {len(asked)} poses | faces found | yaw | pitch | roll | place | size | shoulders |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, base in (("20 steps", USUAL), ("fast", made_fast(USUAL, host))):
        for way in args.ways:
            drawn = [read(pixels, nets) for pixels in draw(host, asked, base, way)]
            pairs = zip(asked, drawn, strict=True)
            rows = np.array([errors(a, d) for a, d in pairs if d is not None])
            lines.append(f"| {name}, {way} | {row_of(rows)} |")
    return "\n".join(lines)


def row_of(rows: np.ndarray) -> str:
    """Write how many faces there were, and their mean errors; shoulders where both had any."""
    *degrees, place, size = rows[:, :-1].mean(axis=0)
    told = [*(f"{value:.2f}" for value in degrees), *(f"{value:.3f}" for value in (place, size))]
    shoulders = rows[:, -1][np.isfinite(rows[:, -1])]
    of_them = f"{shoulders.mean():.3f} ({len(shoulders)})" if shoulders.size else "none seen"
    return " | ".join([str(len(rows)), *told, of_them])


def people(args: argparse.Namespace) -> str:
    """Measure what a pose costs of likeness; return the table."""
    studio = Studio(DiffusersHost(args.out, device=args.device), FaceNets())
    ways = ("without", "of a crop", "of a photo")
    lines = [
        f"| | {' | '.join(f'{what}, {way}' for what in ('fused', 'drawn') for way in ways)} |",
        "|---" * 7 + "|",
    ]
    figures = []
    for name, folder in everybody(args.people, args.limit):
        train(studio, name, folder, args.steps)
        config = replace(PORTRAITS, fast=args.fast)
        poses = ("", *own_poses(studio, name, config))
        rows = [measure(studio, name, replace(config, pose=pose)) for pose in poses]
        figures.append([getattr(row, what) for what in ("fused", "drawn") for row in rows])
        lines.append(f"| {name} | {' | '.join(f'{value:.3f}' for value in figures[-1])} |")
    lines.append(f"| mean | {' | '.join(f'{v:.3f}' for v in np.mean(figures, axis=0))} |")
    return "\n".join(lines)


def own_poses(studio: Studio, name: str, config: PortraitConfig) -> list[str]:
    """Read the poses of a person's first crop and first photo."""
    person = studio.library.get(name)
    first = min(person.folder.glob("instances/*.png")), person.photos()[0]
    return [condition_of("pose", read_photo(f).pixels, studio.nets, config) for f in first]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one of the two, print its table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("poses", "people"))
    parser.add_argument("--portraits", type=Path, help="of the mini's training: folder or tar")
    parser.add_argument("--people", type=Path, help="a folder of one folder of photos a person")
    parser.add_argument("--out", type=Path, required=True, help="where people are kept")
    parser.add_argument("--limit", type=int, default=200, help="poses, or people, at most")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--steps", type=int, help="of every training (default: the product's)")
    parser.add_argument("--fast", action="store_true", help="draw people in fast mode")
    parser.add_argument("--device", help="cpu, cuda (default: what there is)")
    args = parser.parse_args(arguments)
    print(poses(args) if args.what == "poses" else people(args))


if __name__ == "__main__":
    main()
