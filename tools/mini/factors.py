"""Low-rank factors beside a frozen UNet in half precision, trained through its changed weights."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn
from torch.func import functional_call


@dataclass(frozen=True)
class Predicted:
    """What diffusers' UNet answers with: `sample` is float32."""

    sample: Tensor


class Factors(nn.Module):
    """Two factors for each of a UNet's layers, in float32, whose product begins at zero."""

    def __init__(self, unet: UNet2DConditionModel, targets: Mapping[str, str], rank: int) -> None:
        """Make factors for `targets`, kohya name to module path."""
        super().__init__()
        self.targets, self.rank = dict(targets), rank
        shapes = [unet.get_submodule(path).weight.shape for path in targets.values()]
        self.shapes = shapes
        self.down = nn.ParameterList(torch.empty(rank, *shape[1:]) for shape in shapes)
        self.up = nn.ParameterList(torch.empty(shape[0], rank) for shape in shapes)
        self.reset()

    @torch.no_grad()
    def reset(self) -> None:
        """Begin anew: random down, as peft's LoRA layers, and no up."""
        for down, up in zip(self.down, self.up, strict=True):
            nn.init.kaiming_uniform_(down.flatten(1), a=math.sqrt(5))
            nn.init.zeros_(up)

    def changes(self) -> list[Tensor]:
        """Multiply the factors: one change for each layer, shaped like its weight."""
        triples = zip(self.down, self.up, self.shapes, strict=True)
        return [(up @ down.flatten(1)).view(shape) for down, up, shape in triples]

    def kohya(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Name factors, given under this module's own names, as kohya does; alpha is the rank."""
        state = {}
        for at, (name, shape) in enumerate(zip(self.targets, self.shapes, strict=True)):
            ones = (1,) * (len(shape) - 2)
            state[f"{name}.lora_down.weight"] = weights[f"down.{at}"]
            state[f"{name}.lora_up.weight"] = weights[f"up.{at}"].view(shape[0], self.rank, *ones)
            state[f"{name}.alpha"] = torch.tensor(float(self.rank))
        return state


class Changeable(nn.Module):
    """A frozen half-precision UNet whose target weights lie in one flat vector.

    Another person's weights are put in by one copy, at the addresses that CUDA graphs know.
    """

    def __init__(self, unet: UNet2DConditionModel, targets: Mapping[str, str]) -> None:
        """Take the UNet over: it is in half precision, channels last, afterwards."""
        super().__init__()
        half = torch.float16 if unet.device.type == "cuda" else torch.float32
        self.unet = unet.to(dtype=half, memory_format=torch.channels_last)
        self.unet.requires_grad_(False).eval()
        self.names = [f"{path}.weight" for path in targets.values()]
        layers = [unet.get_submodule(path) for path in targets.values()]
        self.flat = flattened([layer.weight.data for layer in layers])
        self.plain = self.flat.clone()
        at = 0
        for layer in layers:
            count = layer.weight.numel()
            layer.weight.data = _shaped(self.flat[at : at + count], layer.weight.shape)
            at += count

    @property
    def dtype(self) -> torch.dtype:
        """The UNet's precision."""
        return self.flat.dtype

    def forward(self, x: Tensor, timesteps: Tensor, context: Tensor) -> Predicted:
        """Predict with the weights as they stand."""
        answer = self.unet(self._innermost(x), timesteps, context.to(self.dtype))
        return Predicted(answer.sample.float())

    def changed(self, changes: list[Tensor]) -> dict[str, Tensor]:
        """Return the target weights with changes added, by their names in the UNet."""
        weights = (self.unet.get_parameter(name) for name in self.names)
        pairs = zip(self.names, weights, changes, strict=True)
        return {name: weight + change.to(self.dtype) for name, weight, change in pairs}

    def predict(
        self, weights: dict[str, Tensor], x: Tensor, timesteps: Tensor, context: Tensor
    ) -> Tensor:
        """Predict with other target weights; gradients reach them."""
        inputs = (self._innermost(x), timesteps, context.to(self.dtype))
        answer = functional_call(self.unet, weights, inputs)
        noise: Tensor = answer.sample.float()
        return noise

    def _innermost(self, x: Tensor) -> Tensor:
        return x.to(self.dtype, memory_format=torch.channels_last)


def flattened(weights: list[Tensor]) -> Tensor:
    """Join weights to one vector, channels of convolutions innermost."""
    return torch.cat([(w.permute(0, 2, 3, 1) if w.ndim == 4 else w).flatten() for w in weights])


def _shaped(flat: Tensor, shape: torch.Size) -> Tensor:
    if len(shape) < 4:
        return flat.view(shape)
    outputs, inputs, height, width = shape
    return flat.view(outputs, height, width, inputs).permute(0, 3, 1, 2)
