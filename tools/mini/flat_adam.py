"""AdamW over one flat vector: low-precision weights, float32 masters, moments and average."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

ALIGNMENT = 64
"""Elements to which each parameter's start is rounded up, so that matrix kernels stay fast."""


@dataclass(frozen=True)
class AdamSettings:
    """Hold the constants of AdamW (Loshchilov & Hutter 2019) and of the weight average."""

    beta1: float = 0.9
    beta2: float = 0.99
    epsilon: float = 1e-8
    weight_decay: float = 0.01
    max_norm: float = 1.0
    ema_decay: float = 0.9992


class FlatAdam:
    """Move a module's parameters into flat buffers and train them with few large kernels.

    The module's weights become views of a `dtype` vector, their gradients views of another,
    which a process group can all-reduce in one call. Keep `zero_grad(set_to_none=True)` away.
    """

    def __init__(
        self,
        module: nn.Module,
        dtype: torch.dtype,
        settings: AdamSettings,
        *,
        channels_last: bool = False,
    ) -> None:
        """Flatten `module`, which must already be on its device and in float32."""
        self.settings = settings
        self.module = module
        self.channels_last = channels_last
        self.steps = 0
        self.slots = dict(_slots(module))
        device = next(module.parameters()).device
        size = max(stop for _, stop in self.slots.values())
        self.master = torch.zeros(size + -size % ALIGNMENT, device=device)
        for name, parameter in module.named_parameters():
            self._view(self.master, name, parameter.shape).copy_(parameter.detach())
        self.average = self.master.clone()
        self.mean, self.square = torch.zeros_like(self.master), torch.zeros_like(self.master)
        self.weights = self.master.to(dtype)
        self.grads = torch.zeros_like(self.weights)
        self._bind()

    def backward(self, loss: Tensor) -> None:
        """Put a loss's gradients in place of the last ones; may be captured in a CUDA graph."""
        own = [parameter for parameter in self.module.parameters() if parameter.requires_grad]
        places = [parameter.grad for parameter in own]
        for place, gradient in zip(places, torch.autograd.grad(loss, own), strict=True):
            assert place is not None
            place.copy_(gradient)

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Clip the flat gradient, update masters and average, and refresh the weights."""
        own = self.settings
        self.steps += 1
        grads = self.grads.float()
        grads.mul_((own.max_norm / (grads.norm() + 1e-6)).clamp(max=1.0))
        self.mean.lerp_(grads, 1 - own.beta1)
        self.square.lerp_(grads.square_(), 1 - own.beta2)
        spread = (self.square / (1 - own.beta2**self.steps)).sqrt_().add_(own.epsilon)
        self.master.mul_(1 - learning_rate * own.weight_decay)
        self.master.addcdiv_(self.mean, spread, value=-learning_rate / (1 - own.beta1**self.steps))
        decay = min(own.ema_decay, (1 + self.steps) / (10 + self.steps))
        self.average.lerp_(self.master, 1 - decay)
        self.weights.copy_(self.master)

    def average_state(self) -> dict[str, Tensor]:
        """Return the averaged float32 weights under the module's own names."""
        shapes = {name: parameter.shape for name, parameter in self.module.named_parameters()}
        return {name: self._view(self.average, name, shape) for name, shape in shapes.items()}

    def load_average(self, state: dict[str, Tensor]) -> None:
        """Start from saved weights, moments at zero."""
        for name, parameter in self.module.named_parameters():
            for flat in (self.master, self.average):
                self._view(flat, name, parameter.shape).copy_(state[name])
        self.weights.copy_(self.master)

    def state_dict(self) -> dict[str, Tensor | int]:
        """Return everything that `load_state_dict` needs to go on exactly."""
        return {
            "master": self.master,
            "average": self.average,
            "mean": self.mean,
            "square": self.square,
            "steps": self.steps,
        }

    def load_state_dict(self, state: dict[str, Tensor | int]) -> None:
        """Go on from `state_dict`."""
        for name in ("master", "average", "mean", "square"):
            getattr(self, name).copy_(state[name])
        self.steps = int(state["steps"])
        self.weights.copy_(self.master)

    def _bind(self) -> None:
        for name, parameter in self.module.named_parameters():
            parameter.data = self._view(self.weights, name, parameter.shape)
            parameter.grad = self._view(self.grads, name, parameter.shape)

    def _view(self, flat: Tensor, name: str, shape: torch.Size) -> Tensor:
        start, stop = self.slots[name]
        if self.channels_last and len(shape) == 4:
            outputs, inputs, height, width = shape
            return flat[start:stop].view(outputs, height, width, inputs).permute(0, 3, 1, 2)
        return flat[start:stop].view(shape)


def _slots(module: nn.Module) -> Iterator[tuple[str, tuple[int, int]]]:
    at = 0
    for name, parameter in module.named_parameters():
        yield name, (at, at + parameter.numel())
        at += parameter.numel() + -parameter.numel() % ALIGNMENT
