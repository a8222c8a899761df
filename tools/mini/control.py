"""Train the mini's ControlNet: head and shoulders in the pose of an OpenPose picture.

Zhang et al. 2023 (arXiv 2302.05543): a copy of the UNet's encoder reads the condition picture and
is joined to the frozen UNet by convolutions that begin at zero. To stay small the copy has no
attention but the middle's. `poses` reads the portraits' poses once, `train` trains on them.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTextModel

from facechain_ext.diffusion.diffusers_model import DiffusersModel, load_model
from facechain_ext.nets import FaceNets
from tools.mini.conditions import BODY, PARTS, draw_conditions, read_poses
from tools.mini.control_step import Batch, Stepper, small_copy
from tools.mini.data import Portraits, load
from tools.mini.flat_adam import AdamSettings, FlatAdam
from tools.mini.latent_cache import crop_transforms, encode, whole_transforms
from tools.mini.noising import caption_ids
from tools.mini.pace import Pace

CAPTIONS = 16
ENCODE_BATCH = 256
METADATA = {
    "format": "pt",
    "modelspec.title": "FaceChain mini OpenPose",
    "modelspec.description": "Leads the FaceChain mini by a pose of head and shoulders.",
    "modelspec.architecture": "stable-diffusion-v1/controlnet",
    "modelspec.resolution": "192x192",
}


@dataclass(frozen=True)
class Cache:
    """All inputs on the device: latents (M, 4, 24, 24), conditions uint8 (M, S, S, 3), ids."""

    latents: Tensor
    conditions: Tensor
    ids: Tensor
    cumulative: Tensor


def build_cache(args: argparse.Namespace, own: DiffusersModel, device: torch.device) -> Cache:
    """Encode views of the portraits with their captions, and draw their poses."""
    portraits, poses = load(args.data), np.load(args.poses)
    seen = np.isfinite(poses[:, BODY:]).all(axis=(1, 2))
    keep = np.flatnonzero(~portraits.held_out & seen)[: args.limit]
    views = draw_views(len(keep), args.variants)
    rows = torch.arange(len(keep)).repeat(2 * args.variants)
    latents = encode_views(own, torch.from_numpy(portraits.images[keep]), rows, views, device)
    file = args.out.with_suffix(".conditions.npy")
    parts = [str(part) for part in np.random.default_rng(3).choice(PARTS, len(views))]
    drawn = draw_conditions(poses[keep][rows.numpy()], views, parts, file)
    conditions = torch.from_numpy(np.asarray(drawn)).to(device)
    del drawn  # or Windows would keep the file
    file.unlink()
    labels = [portraits.labels[at] for at in keep]
    ids = torch.from_numpy(caption_ids(labels, own.tokenizer, CAPTIONS, 3))
    weights = _weights(portraits, keep, 2 * args.variants)
    return Cache(latents, conditions, ids.to(device), weights.to(device))


def draw_views(count: int, variants: int) -> Tensor:
    """Draw the maps of every view (2 * variants * count, 2, 3): whole, crops, the same mirrored."""
    generator = torch.Generator().manual_seed(3)
    maps: list[Tensor] = []
    for mirrored in (False, True):
        maps.append(whole_transforms(count, mirrored=mirrored))
        maps += [
            crop_transforms(count, mirrored=mirrored, generator=generator)
            for _ in range(variants - 1)
        ]
    return torch.cat(maps)


@torch.no_grad()
def encode_views(
    own: DiffusersModel, images: Tensor, rows: Tensor, views: Tensor, device: torch.device
) -> Tensor:
    """Encode picture rows[i] through views[i]: float16 (M, 4, 24, 24)."""
    batches = zip(torch.split(rows, ENCODE_BATCH), torch.split(views, ENCODE_BATCH), strict=True)
    return torch.cat(
        [encode(own.vae, images[r].to(device), v.to(device)).half() for r, v in batches]
    )


def _weights(portraits: Portraits, keep: np.ndarray, views: int) -> Tensor:
    """Return the running sum of the drawing weights of every view."""
    weights = np.tile(portraits.weights[keep], views)
    return torch.tensor(np.cumsum(weights / weights.sum()), dtype=torch.float32)


class Draw:
    """Fill the batch from the cache."""

    def __init__(self, cache: Cache, text: CLIPTextModel, generator: torch.Generator) -> None:
        """Draw views by their portraits' weights."""
        self.cache, self.text, self.generator = cache, text, generator

    @torch.no_grad()
    def fill(self, batch: Batch) -> None:
        """Prepare one step; timesteps are stratified."""
        cache, size = self.cache, len(batch.latents)
        chosen = torch.searchsorted(cache.cumulative, self._uniform(size))
        chosen = chosen.clamp(max=len(cache.latents) - 1)
        count = cache.ids.shape[2]
        mirrored = (chosen >= len(cache.latents) // 2).long()
        which = (self._uniform(size) * CAPTIONS).long().clamp(max=CAPTIONS - 1)
        ids = cache.ids[mirrored, which, chosen % count]
        batch.context.copy_(self.text(input_ids=ids.long()).last_hidden_state)
        batch.latents.copy_(cache.latents[chosen])
        batch.conditions.copy_(cache.conditions[chosen].permute(0, 3, 1, 2).float() / 255)
        batch.noise.normal_(generator=self.generator)
        parts = torch.arange(size, device=chosen.device)
        timesteps = ((parts + self._uniform(size)) * (1000 / size)).long()
        batch.timesteps.copy_(timesteps.clamp(max=999))

    def _uniform(self, size: int) -> Tensor:
        device = self.cache.latents.device
        return torch.rand(size, generator=self.generator, device=device)


def save_net(adam: FlatAdam, out: Path) -> None:
    """Write the averaged weights in float16."""
    state = {n: t.half().contiguous().cpu() for n, t in adam.average_state().items()}
    save_file(state, out, metadata=METADATA)


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=("poses", "train"))
    parser.add_argument("--data", type=Path, required=True, help="portraits: folder or tar")
    parser.add_argument("--poses", type=Path, required=True, help="the portraits' poses, .npy")
    parser.add_argument("--mini", type=Path, help="the mini's single file")
    parser.add_argument("--out", type=Path, help="the .safetensors to write")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=20000, help="at most")
    parser.add_argument("--seconds", type=float, help="at most")
    parser.add_argument("--rate", type=float, default=4e-4)
    parser.add_argument("--variants", type=int, default=3, help="crops of each portrait")
    parser.add_argument("--limit", type=int, help="use only the first portraits (trial)")
    return parser


def main(argv: list[str] | None = None) -> None:
    """Read the poses, or train, from the command line."""
    args = build_parser().parse_args(argv)
    if args.command == "poses":
        np.save(args.poses, read_poses(load(args.data).images, FaceNets()))
        return
    device = torch.device(args.device)
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    own = load_model(args.mini, device=device, dtype=torch.float32)
    cache = build_cache(args, own, device)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    settings = AdamSettings(ema_decay=0.998)
    adam = FlatAdam(small_copy(own.unet).to(device), dtype, settings, channels_last=True)
    unet = own.unet.to(dtype=dtype, memory_format=torch.channels_last).requires_grad_(False)
    stepper = Stepper(unet, adam, Batch.empty(args.batch, device))
    draw = Draw(cache, own.text_encoder, torch.Generator(device).manual_seed(4))

    def step(_: int) -> None:
        draw.fill(stepper.batch)
        stepper.run()

    pace = Pace(args.steps, args.seconds, args.rate)
    done = pace.train(step, adam, stepper.loss, lambda _: save_net(adam, args.out))
    print(f"{done} steps: {args.out}")


if __name__ == "__main__":
    main()
