"""Compare ways to train: likeness and time of each, on the same people and seeds.

    python -m bench.options --people PHOTOS/lfw250 --out RUN --limit 4 --photos 5 \\
        --arm "plain" --arm "infobatch --prune-ratio 0.5" --arm "prior --prior prior.safetensors"

An arm is a name and the flags in which it differs from the product's settings. Every person's
result is kept in --out, so a run that was stopped goes on from there.
"""

from __future__ import annotations

import argparse
import json
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from bench.likeness.draw import portraits
from bench.likeness.measure import first_face
from bench.likeness.people import (
    HELD_BACK,
    TRAINED,
    load_instances,
    prepare_person,
    prepared_people,
    word_of,
)
from facechain_ext.base.events import CheckpointSaved, Step
from facechain_ext.base.records import Instance
from facechain_ext.config import PortraitConfig, TrainConfig
from facechain_ext.config.flags import add_config_flags, config_from
from facechain_ext.dataset.class_images import ClassImage, class_captions, draw_class_images
from facechain_ext.dataset.latents import cache, training_side
from facechain_ext.diffusion.diffusers_model import DiffusersModel, load_model
from facechain_ext.imaging.files import write_atomic
from facechain_ext.lora.checkpoint import read_lora
from facechain_ext.nets import FaceNets
from facechain_ext.nets.attributes import vote
from facechain_ext.portrait.likeness import mean_embedding
from facechain_ext.portrait.prompt import Prompt, compose
from facechain_ext.standalone.diffusers_host import MINI
from facechain_ext.styles import find_style, load_styles
from facechain_ext.training.schedule import with_steps
from facechain_ext.training.trainer import Training

PORTRAIT = PortraitConfig(seed=0)


@dataclass(frozen=True)
class Arm:
    """One way to train."""

    name: str
    config: TrainConfig
    prior: Path | None

    @classmethod
    def parse(cls, text: str) -> Arm:
        parser = argparse.ArgumentParser(prog=f"--arm {text!r}")
        parser.add_argument("name")
        parser.add_argument("--prior", type=Path)
        add_config_flags(parser, TrainConfig)
        args = parser.parse_args(shlex.split(text))
        return cls(args.name, config_from(args, TrainConfig, samples_per_snapshot=0), args.prior)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train every person in every way, then print the table."""
    args = _parser().parse_args(arguments)
    arms, nets = [Arm.parse(text) for text in args.arm], FaceNets()
    if args.people:
        _prepare(sorted(p for p in args.people.iterdir() if p.is_dir()), args, nets)
    names = prepared_people(args.out / "prepared")[: args.limit]
    model = load_model(args.checkpoint, device=args.device, dtype=torch.float32)
    for name in names:
        trained, held_back = (
            load_instances(args.out / "prepared", name, part) for part in (TRAINED, HELD_BACK)
        )
        for arm in arms:
            path = args.out / arm.name / f"{name}.json"
            if not path.is_file():
                path.parent.mkdir(parents=True, exist_ok=True)
                photos = trained[: args.photos]
                facts = _measure(arm, model, nets, photos, held_back, count=args.count)
                write_atomic(path, json.dumps(facts, indent=1).encode())
                print(arm.name, name, facts, flush=True)
    print(_table(arms, names, args))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.options", description=__doc__)
    parser.add_argument("--people", type=Path, help="a folder of folders of photos")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, default=MINI)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--limit", type=int, default=4, help="people")
    parser.add_argument("--photos", type=int, default=5, help="photos of each to train on, up to 5")
    parser.add_argument("--count", type=int, default=8, help="portraits of every snapshot")
    parser.add_argument("--arm", action="append", required=True)
    return parser


def _prepare(folders: Sequence[Path], args: argparse.Namespace, nets: FaceNets) -> None:
    """Prepare people until there are enough with enough photos."""
    usable = (f for f in folders if prepare_person(f, args.out / "prepared", nets))
    for _ in islice(usable, args.limit):
        pass


def _measure(
    arm: Arm,
    model: DiffusersModel,
    nets: FaceNets,
    photos: Sequence[Instance],
    held_back: Sequence[Instance],
    *,
    count: int,
) -> dict[str, Any]:
    """Train, draw `count` portraits of every snapshot, compare them with the kept-back photos.

    "anybody": likewise of the last snapshot, by the prompt without the person's word;
    "before": the same of the plain checkpoint.
    """
    attributes = vote([photo.attributes for photo in photos])
    word = word_of(photos)
    prompt = compose(attributes, word, find_style(load_styles(), PORTRAIT.style), PORTRAIT)
    config = PortraitConfig(seed=0, count=count)
    wanted = mean_embedding(held_back)
    with TemporaryDirectory() as folder:
        paths, facts = _train(arm, model, photos, prompt, Path(folder))
        facts["similarity"] = {
            step: _likeness(portraits(model, prompt, config, lora=read_lora(path)[0]), wanted, nets)
            for step, path in paths.items()
        }
        anybody = replace(prompt, positive=prompt.positive.replace(word, "").strip(" ,"))
        last = read_lora(paths[max(paths)])[0]
        for key, lora in (("anybody", last), ("before", None)):
            facts[key] = _likeness(portraits(model, anybody, config, lora=lora), wanted, nets)
    return facts


def _train(
    arm: Arm, model: DiffusersModel, photos: Sequence[Instance], prompt: Prompt, folder: Path
) -> tuple[dict[int, Path], dict[str, Any]]:
    generator = torch.Generator().manual_seed(arm.config.seed)
    training = Training(
        data=cache(
            model,
            photos,
            arm.config,
            generator=generator,
            class_images=_class_images(model, photos, arm.config),
        ),
        config=with_steps(arm.config, len(photos)),
        out_dir=folder,
        score=lambda images: (None,) * len(images),
        prompt=prompt.positive,
        negative_prompt=prompt.negative,
        cancelled=lambda: False,
        prior=None if arm.prior is None else read_lora(arm.prior)[0],
    )
    paths, steps, start, cpu = {}, 0, time.perf_counter(), time.process_time()
    for event in training.slice(model):
        steps += isinstance(event, Step)
        if isinstance(event, CheckpointSaved):
            paths[event.step] = event.path
    seconds = {"wall": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    return paths, {"steps": steps, "seconds": {k: round(v, 1) for k, v in seconds.items()}}


def _class_images(
    model: DiffusersModel, photos: Sequence[Instance], config: TrainConfig
) -> list[ClassImage]:
    if not config.class_images:
        return []
    captions = class_captions(photos, word_of(photos))
    side = training_side(model, config)
    return draw_class_images(model, captions, count=config.class_images, side=side)


def _likeness(pictures: Sequence[Any], wanted: Any, nets: FaceNets) -> float:
    """Average the similarity of pictures to a person; one without a face counts 0."""
    total = 0.0
    for pixels in pictures:
        face = first_face(pixels, nets)
        if face is not None:
            total += float(nets.embedder.embed(pixels, face) @ wanted)
    return round(total / len(pictures), 4)


def _table(arms: Sequence[Arm], names: Sequence[str], args: argparse.Namespace) -> str:
    results = {
        arm.name: [
            json.loads((args.out / arm.name / f"{name}.json").read_text(encoding="utf-8"))
            for name in names
        ]
        for arm in arms
    }
    steps = sorted({int(s) for facts in results.values() for s in facts[0]["similarity"]})
    rows = [
        f"{len(names)} people, {args.photos} photos each, {args.count} portraits a snapshot. "
        f"Asked for anybody, the plain checkpoint has "
        f"{_mean(f['before'] for f in results[arms[0].name])}.",
        "",
        "| way | " + " | ".join(f"step {s}" for s in steps) + f" | last, less {arms[0].name} "
        "| anybody | steps taken | CPU seconds |",
        "|" + "---|" * (len(steps) + 5),
    ]
    for arm in arms:
        facts = results[arm.name]
        cells = [_cell(facts, step) for step in steps]
        cells += ["" if arm is arms[0] else _gain(facts, results[arms[0].name])]
        cells += [_mean([f["anybody"] for f in facts])]
        cells += [_mean([f["steps"] for f in facts], 0)]
        cells += [_mean([f["seconds"]["cpu"] for f in facts], 0)]
        rows.append(f"| {arm.name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _cell(facts: Sequence[Mapping[str, Any]], step: int) -> str:
    """Take each person's snapshot nearest to a step: InfoBatch passes some steps by."""
    near = [min(f["similarity"], key=lambda s: abs(int(s) - step)) for f in facts]
    if any(abs(int(s) - step) > 10 for s in near):
        return ""
    return _mean([f["similarity"][s] for f, s in zip(facts, near, strict=True)])


def _gain(facts: Sequence[Mapping[str, Any]], base: Sequence[Mapping[str, Any]]) -> str:
    """Compare last snapshots person by person: mean difference and its standard error."""
    pairs = zip(map(_last, facts), map(_last, base), strict=True)
    differences = [mine - theirs for mine, theirs in pairs]
    if len(differences) < 2:
        return f"{differences[0]:+.3f}"
    error = np.std(differences, ddof=1) / len(differences) ** 0.5
    return f"{np.mean(differences):+.3f} (± {error:.3f})"


def _last(facts: Mapping[str, Any]) -> float:
    step = max(facts["similarity"], key=int)
    return float(facts["similarity"][step])


def _mean(values: Any, places: int = 3) -> str:
    return f"{np.mean(list(values)):.{places}f}"


if __name__ == "__main__":
    main()
