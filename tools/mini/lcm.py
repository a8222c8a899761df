"""Distil a LoRA that lets the mini draw in a few steps, whoever's face LoRA is beside it.

By `consistency`. Half of the steps are taken on the mini as it is, on portraits and on its own
samples; the other half on the mini with a stranger's face LoRA, on samples of that.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import CLIPTextModel

from facechain_ext.diffusion.diffusers_model import DiffusersModel, load_model
from facechain_ext.lora.checkpoint import save_lora
from tools.mini.consistency import GRID, LOSS_SCALE, Batch, Distiller
from tools.mini.data import load
from tools.mini.factors import Changeable, Factors
from tools.mini.flat_adam import AdamSettings, FlatAdam
from tools.mini.latent_cache import encode_all
from tools.mini.noising import caption_ids
from tools.mini.pace import Pace
from tools.mini.sampling import token_ids
from tools.mini.strangers import FaceTrainer, Stranger, draw_samples, encode, make_strangers

RANK = 16
OWN_SHARE = 0.5
"""Share of the plain steps' pictures that are the mini's own samples."""


@dataclass(frozen=True)
class Pictures:
    """What is noised: latents (N, 4, 24, 24), float16, and what they show, ids (N, 77)."""

    latents: Tensor
    ids: Tensor


class Draw:
    """Fill the batch: whose weights, which pictures, what noise."""

    def __init__(
        self,
        model: Changeable,
        text: CLIPTextModel,
        plain: list[Pictures],
        strangers: list[Stranger],
        generator: torch.Generator,
    ) -> None:
        """Draw from `plain` (portraits, own samples) and from the strangers by turns."""
        self.model, self.text, self.plain, self.strangers = model, text, plain, strangers
        self.generator = generator

    @torch.no_grad()
    def fill(self, batch: Batch, step: int) -> None:
        """Prepare one step; every second one is a stranger's."""
        size = len(batch.clean)
        if step % 2 and self.strangers:
            one = self.strangers[int(self._below(1, len(self.strangers)))]
            self.model.flat.copy_(one.weights)
            parts = [(Pictures(one.latents, one.ids), size)]
        else:
            self.model.flat.copy_(self.model.plain)
            own = int(size * OWN_SHARE)
            parts = list(zip(self.plain, (size - own, own), strict=True))
        rows = [(each, self._below(count, len(each.latents))) for each, count in parts]
        batch.clean.copy_(torch.cat([each.latents[row] for each, row in rows]))
        batch.context.copy_(encode(self.text, torch.cat([each.ids[row] for each, row in rows])))
        batch.noise.normal_(generator=self.generator)
        share = torch.rand(size, generator=self.generator, device=batch.noise.device)
        places = torch.randperm(size, generator=self.generator, device=batch.noise.device)
        batch.index.copy_(((places + share) * (GRID / size)).long().clamp(max=GRID - 1))

    def _below(self, count: int, limit: int) -> Tensor:
        device = self.model.flat.device
        return torch.randint(limit, (count,), generator=self.generator, device=device)


def gather(
    args: argparse.Namespace, own: DiffusersModel, model: Changeable, trainer: FaceTrainer | None
) -> tuple[list[Pictures], list[Stranger]]:
    """Encode the portraits, sample the mini, and train the strangers."""
    device = model.flat.device
    portraits = load(args.data)
    keep = np.flatnonzero(~portraits.held_out)[: args.limit]
    labels = [portraits.labels[at] for at in keep]
    latents = encode_all(own.vae, portraits.images[keep], args.variants, seed=0, device=device)
    ids = torch.from_numpy(caption_ids(labels, own.tokenizer, args.variants, 0)).to(device)
    rng = np.random.default_rng(0)
    weights = portraits.weights[keep] / portraits.weights[keep].sum()
    chosen = torch.from_numpy(rng.choice(len(keep), args.samples, p=weights)).to(device)
    real = Pictures(
        latents[:, :, chosen].flatten(0, 2).contiguous(), ids[:, :, chosen].flatten(0, 2)
    )
    empty = token_ids(own.tokenizer, [""]).to(device)
    asked = ids[0, rng.integers(args.variants)][chosen]
    drawn = Pictures(draw_samples(model, own.text_encoder, asked, empty), asked)
    print(f"{len(real.latents)} views, {len(drawn.latents)} samples", flush=True)
    if trainer is None or not args.strangers:
        return [real, drawn], []
    faces = rng.choice(len(keep), args.strangers, p=weights, replace=False)
    picked = latents[:, :, torch.from_numpy(faces).to(device)]
    names = [labels[at] for at in faces]
    drawn_each = args.samples_each
    return [real, drawn], make_strangers(
        trainer, picked, names, own.tokenizer, drawn_each, lambda line: print(line, flush=True)
    )


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="portraits: folder or tar")
    parser.add_argument("--mini", type=Path, required=True, help="the mini's single file")
    parser.add_argument("--out", type=Path, required=True, help="the .safetensors to write")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int, default=192)
    parser.add_argument("--steps", type=int, default=6000, help="at most")
    parser.add_argument("--seconds", type=float, help="at most, of the distillation alone")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--strangers", type=int, default=24, help="face LoRAs to hold with")
    parser.add_argument("--samples", type=int, default=4096, help="pictures of the plain mini")
    parser.add_argument("--samples-each", type=int, default=128, help="pictures of each stranger")
    parser.add_argument("--variants", type=int, default=4, help="crops of each portrait")
    parser.add_argument("--limit", type=int, help="use only the first portraits (trial)")
    return parser


def main(argv: list[str] | None = None) -> None:
    """Distil from the command line; the averaged weights are written, in float16."""
    args = build_parser().parse_args(argv)
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    own = load_model(args.mini, device=args.device, dtype=torch.float32)
    targets = own.lora_targets("all")
    model, factors = Changeable(own.unet, targets), Factors(own.unet, targets, RANK)
    factors.to(args.device)
    trainer = FaceTrainer(model, factors, own.text_encoder) if args.strangers else None
    plain, strangers = gather(args, own, model, trainer)
    factors.reset()
    settings = AdamSettings(weight_decay=0.0, ema_decay=0.995)
    adam = FlatAdam(factors, torch.float32, settings)
    empty = encode(own.text_encoder, token_ids(own.tokenizer, [""]).to(args.device)).detach()
    distiller = Distiller(model, factors, adam, Batch.empty(args.batch, model.flat.device), empty)
    generator = torch.Generator(args.device).manual_seed(1)
    draw = Draw(model, own.text_encoder, plain, strangers, generator)

    def save(step: int) -> None:
        state = factors.kohya(adam.average_state())
        save_lora(args.out, state, metadata(step), precision="float16")

    def step(number: int) -> None:
        draw.fill(distiller.batch, number)
        distiller.run()
        adam.grads.div_(LOSS_SCALE).nan_to_num_(0.0, 0.0, 0.0)

    pace = Pace(args.steps, args.seconds, args.rate)
    print(f"{pace.train(step, adam, distiller.loss, save)} steps: {args.out}")


def metadata(steps: int) -> dict[str, str]:
    """Describe the file as sd-scripts and the ModelSpec convention do."""
    return {
        "ss_base_model_version": "sd_v1",
        "ss_network_dim": str(RANK),
        "ss_network_alpha": str(RANK),
        "ss_network_module": "networks.lora",
        "ss_steps": str(steps),
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": "stable-diffusion-v1/lora",
        "modelspec.implementation": "diffusers",
        "modelspec.title": "FaceChain mini LCM",
        "modelspec.description": "Draws with the FaceChain mini in 4 to 8 steps.",
        "modelspec.resolution": "192x192",
        "modelspec.prediction_type": "epsilon",
        "modelspec.usage_hint": "Sampler LCM, 4 to 8 steps, CFG 1.",
    }


if __name__ == "__main__":
    main()
