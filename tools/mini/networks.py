"""Build the mini's networks: Stable Diffusion 1.x in topology, a fortieth of it in size."""

from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

LATENT_SIZE = 24
CONTEXT_WIDTH = 192
CONTEXT_LENGTH = 77
BLOCK_CHANNELS = (64, 128, 192, 192)
"""Whole multiples of the first: LDM's and Forge's readers know no others."""
HEADS = 4
SHARD_BYTES = 14 * 2**20


class Denoiser(nn.Module):
    """Predict noise from noisy latents, timesteps and token ids: text encoder and UNet in one."""

    def __init__(self, unet: UNet2DConditionModel, text: CLIPTextModel) -> None:
        """Hold the two networks, which are trained together."""
        super().__init__()
        self.unet = unet
        self.text = text

    def forward(self, latents: Tensor, timesteps: Tensor, ids: Tensor) -> Tensor:
        """Map (B, 4, 24, 24) latents, (B,) timesteps and (B, 77) ids to (B, 4, 24, 24) noise."""
        context = self.text(input_ids=ids).last_hidden_state
        noise: Tensor = self.unet(latents, timesteps, context).sample
        return noise


def build_denoiser(vocab_size: int) -> Denoiser:
    """Make both networks with fresh weights; the last two ids are the start and end tokens."""
    return Denoiser(build_unet(), build_text(vocab_size))


def build_unet() -> UNet2DConditionModel:
    """Make the UNet, its residual branches and its output starting at zero as in LDM."""
    unet = UNet2DConditionModel(
        sample_size=LATENT_SIZE,
        block_out_channels=BLOCK_CHANNELS,
        layers_per_block=2,
        cross_attention_dim=CONTEXT_WIDTH,
        attention_head_dim=HEADS,  # in diffusers' SD1 configs this is the number of heads
        use_linear_projection=False,
    )
    for name, module in unet.named_modules():
        if name.endswith(("conv2", "proj_out", "conv_out")):
            nn.init.zeros_(module.weight)
            nn.init.zeros_(module.bias)
    return unet


def build_text(vocab_size: int) -> CLIPTextModel:
    """Make the CLIP text encoder for a vocabulary whose last two ids are start and end."""
    start, end = vocab_size - 2, vocab_size - 1
    config = CLIPTextConfig(
        vocab_size=vocab_size,
        hidden_size=CONTEXT_WIDTH,
        intermediate_size=4 * CONTEXT_WIDTH,
        num_hidden_layers=3,
        num_attention_heads=HEADS,
        max_position_embeddings=CONTEXT_LENGTH,
        hidden_act="quick_gelu",
        projection_dim=CONTEXT_WIDTH,
        bos_token_id=start,
        eos_token_id=end,
        pad_token_id=end,
    )
    return CLIPTextModel(config)


def save_shards(state: dict[str, Tensor], folder: Path, limit: int = SHARD_BYTES) -> list[Path]:
    """Write fp16 weights as files of at most `limit` bytes; earlier shards there are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    shards: list[dict[str, Tensor]] = [{}]
    room = limit
    for name, tensor in state.items():
        half = tensor.detach().to("cpu", torch.float16).contiguous()
        if half.nbytes > room and shards[-1]:
            shards.append({})
            room = limit
        shards[-1][name] = half
        room -= half.nbytes
    for old in folder.glob("weights-*.safetensors"):
        old.unlink()
    files = [folder / f"weights-{at}.safetensors" for at in range(len(shards))]
    for file, shard in zip(files, shards, strict=True):
        save_file(shard, file)
    return files


def load_shards(folder: Path) -> dict[str, Tensor]:
    """Read what `save_shards` wrote; raises FileNotFoundError for a folder without shards."""
    files = sorted(folder.glob("weights-*.safetensors"))
    if not files:
        raise FileNotFoundError(f"no weights-*.safetensors in {str(folder)!r}")
    return {name: tensor for file in files for name, tensor in load_file(file).items()}


def load_denoiser(folder: Path, vocab_size: int) -> Denoiser:
    """Rebuild the networks in float32, for inference, from the shards of a folder."""
    denoiser = build_denoiser(vocab_size)
    denoiser.load_state_dict({name: t.float() for name, t in load_shards(folder).items()})
    return denoiser.eval().requires_grad_(False)
