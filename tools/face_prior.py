"""Train a face prior: a LoRA of many people, for trainings on one of them to begin from.

    python -m tools.face_prior PEOPLE... --out prior.safetensors --checkpoint FILE

PEOPLE: folders with one folder of photos per person, who agreed to it. Put the file into the LoRA
folder and name it as the face prior of a training on the same checkpoint. FaceChain's
"fromfacecommon" is such a file for its own checkpoint.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from facechain_ext.base.errors import FaceChainError, InvalidInput
from facechain_ext.base.events import CheckpointSaved, Step
from facechain_ext.base.records import Instance, LoraFile
from facechain_ext.config import PrepareConfig, TrainConfig
from facechain_ext.config.flags import add_config_flags, config_from
from facechain_ext.dataset.latents import cache
from facechain_ext.dataset.prepare import prepare
from facechain_ext.dataset.review import review
from facechain_ext.diffusion.diffusers_model import DiffusersModel, load_model
from facechain_ext.imaging.files import list_photos
from facechain_ext.lora.checkpoint import read_lora, save_lora
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import MINI
from facechain_ext.studio.uploads import read_uploads
from facechain_ext.training.schedule import with_steps
from facechain_ext.training.trainer import train

logger = logging.getLogger("face_prior")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the people's photos, train on all of them together and write the LoRA.

    Bad input ends with exit code 2 and a sentence.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.face_prior", description=__doc__)
    parser.add_argument("people", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, default=MINI)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add_config_flags(parser, TrainConfig)
    args = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        config = config_from(args, TrainConfig, samples_per_snapshot=0, selection="last")
        instances = list(instances_of(_folders(args.people), FaceNets()))
        model = load_model(args.checkpoint, device=args.device, dtype=torch.float32)
        lora = train_prior(model, instances, config, args.out)
    except FaceChainError as error:
        parser.error(str(error))
    logger.info("%s, from %d photos", lora.path, len(instances))


def instances_of(folders: Iterable[Path], nets: FaceNets) -> Iterator[Instance]:
    """Yield the usable photos of every person, judged as a training would."""
    for folder in folders:
        uploads = read_uploads(list_photos(folder), PrepareConfig())
        judged = review(prepare(uploads, PrepareConfig(), nets))
        usable = [photo.instance for photo in judged if photo.instance is not None]
        if not usable:
            logger.warning("%s is left out: no usable photo", folder.name)
        yield from usable


def train_prior(
    model: DiffusersModel, instances: Sequence[Instance], config: TrainConfig, out: Path
) -> LoraFile:
    """Train on everybody's photos at once and write the last step's LoRA."""
    config = with_steps(config, len(instances))
    generator = torch.Generator().manual_seed(config.seed)
    data = cache(model, instances, config, generator=generator)
    with TemporaryDirectory() as folder:
        training = train(
            model,
            data,
            config,
            out_dir=Path(folder),
            score=lambda images: (None,) * len(images),
            prompt="",
            negative_prompt="",
            cancelled=lambda: False,
        )
        for event in training:
            if isinstance(event, CheckpointSaved):
                last = read_lora(event.path)[0]
            if isinstance(event, Step) and event.step % 50 == 0:
                logger.info("step %d of %d: loss %.4f", event.step, event.total, event.loss)
    out.parent.mkdir(parents=True, exist_ok=True)
    return save_lora(out, last, {"ss_steps": str(config.total_steps)})


def _folders(collections: Sequence[Path]) -> list[Path]:
    for collection in collections:
        if not collection.is_dir():
            raise InvalidInput(f"{collection} is not a folder.")
    return [p for collection in collections for p in sorted(collection.iterdir()) if p.is_dir()]


if __name__ == "__main__":
    main()
