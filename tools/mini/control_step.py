"""One step of a ControlNet's training beside a frozen UNet."""

from dataclasses import dataclass

import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from torch import Tensor, nn

from tools.mini.data import SIZE
from tools.mini.flat_adam import FlatAdam
from tools.mini.noising import alphas_cumprod, face_map, min_snr_weights
from tools.mini.strangers import captured


def small_copy(unet: UNet2DConditionModel) -> ControlNetModel:
    """Make the ControlNet and start it from the UNet's own encoder."""
    levels = len(unet.config.block_out_channels)
    net = ControlNetModel(
        block_out_channels=unet.config.block_out_channels,
        down_block_types=("DownBlock2D",) * levels,
        layers_per_block=unet.config.layers_per_block,
        cross_attention_dim=unet.config.cross_attention_dim,
        attention_head_dim=unet.config.attention_head_dim,
    )
    own = unet.state_dict()
    net.load_state_dict({k: own.get(k, v) for k, v in net.state_dict().items()})
    return net


@dataclass(frozen=True)
class Batch:
    """One step's inputs at addresses that a CUDA graph reads."""

    latents: Tensor
    noise: Tensor
    timesteps: Tensor
    conditions: Tensor
    context: Tensor

    @classmethod
    def empty(cls, size: int, device: torch.device) -> "Batch":
        """Make room for `size` pictures."""
        latents = torch.zeros(size, 4, 24, 24, device=device)
        return cls(
            latents,
            latents.clone(),
            torch.zeros(size, dtype=torch.long, device=device),
            torch.zeros(size, 3, SIZE, SIZE, device=device),
            torch.zeros(size, 77, 192, device=device),
        )


class Stepper:
    """Noise prediction by UNet and ControlNet, gradients of the second alone."""

    def __init__(self, unet: nn.Module, adam: FlatAdam, batch: Batch) -> None:
        """Capture the step as a CUDA graph on a card."""
        self.unet, self.adam, self.batch = unet, adam, batch
        device = batch.latents.device
        self.alphas = alphas_cumprod().to(device)
        self.snr = min_snr_weights(self.alphas, 5.0)
        self.positions = face_map(1.0).to(device)
        self.loss = torch.zeros((), device=device)
        self.run = captured(self._step) if device.type == "cuda" else self._step
        self.loss.zero_()

    def _step(self) -> None:
        batch, dtype = self.batch, self.adam.weights.dtype
        alpha = self.alphas[batch.timesteps][:, None, None, None]
        noisy = alpha.sqrt() * batch.latents + (1 - alpha).sqrt() * batch.noise
        noisy = noisy.to(dtype, memory_format=torch.channels_last)
        context = batch.context.to(dtype)
        shown = batch.conditions.to(dtype, memory_format=torch.channels_last)
        down, middle = self.adam.module(
            noisy, batch.timesteps, context, controlnet_cond=shown, return_dict=False
        )
        noise = self.unet(
            noisy,
            batch.timesteps,
            context,
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        ).sample
        error = ((noise.float() - batch.noise).square() * self.positions).mean(dim=(1, 2, 3))
        loss = (error * self.snr[batch.timesteps]).mean()
        self.adam.backward(loss)
        self.loss.add_(loss.detach())
