"""What the autoencoder is trained to lower: pixels, perceptual distances, KL, a patch critic."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tools.mini.label import IMAGENET_MEAN, IMAGENET_STD, load_trunk
from tools.mini.views import crop


def pixel_loss(output: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Compare pixels, |d| for edges + 2 d^2 for the PSNR, weighted towards the face."""
    difference = output - target
    return (weights * (difference.abs() + 2 * difference.square())).mean()


def kl_loss(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Keep latents near a unit Gaussian, so that a denoiser can learn them: nats a picture.

    Kingma & Welling 2014, arXiv 1312.6114, appendix B.
    """
    nats = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    return nats.sum(dim=(1, 2, 3)).mean()


class ShiftTolerantLpips(nn.Module):
    """Compare texture as people do, indifferent to shifts of a pixel.

    Shift-tolerant LPIPS on AlexNet (Ghildyal & Liu 2022, arXiv 2207.13686; LPIPS: Zhang et al.
    2018, arXiv 1801.03924), with the first convolution at stride 2 in place of a blur after it:
    a quarter of the cost and nearly the same gradient.
    """

    SLICES = ("slice1.0", "slice2.5", "slice3.9", "slice4.11", "slice5.13")
    BLURRED_BEFORE = (False, True, True, False, False)

    def __init__(self, weights: Path) -> None:
        super().__init__()
        state = torch.load(weights, map_location="cpu", weights_only=True)
        self.register_buffer("shift", state["scaling_layer.shift"].float())
        self.register_buffer("scale", state["scaling_layer.scale"].float())
        self.convolutions = nn.ModuleList(_convolution(state, name) for name in self.SLICES)
        for i in range(len(self.SLICES)):
            self.register_buffer(f"line{i}", state[f"lin{i}.model.1.weight"].float())
        self.requires_grad_(False)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Measure the mean distance of two batches (B, 3, H, W) in -1..1: a scalar, >= 0."""
        with torch.no_grad():
            wanted = list(self._features(target))
        distance = output.new_zeros((), dtype=torch.float32)
        for i, (a, b) in enumerate(zip(self._features(output), wanted, strict=True)):
            apart = (_unit(a) - _unit(b)).square()
            distance = distance + F.conv2d(apart, self.get_buffer(f"line{i}")).mean()
        return distance

    def _features(self, x: Tensor) -> Iterator[Tensor]:
        x = (x - self.get_buffer("shift")) / self.get_buffer("scale")
        for i, convolution in enumerate(self.convolutions):
            if self.BLURRED_BEFORE[i]:
                x = _blur_pool(F.max_pool2d(x, 3, 1))
            x = F.relu(convolution(x))
            yield x


def _convolution(state: dict[str, Tensor], name: str) -> nn.Conv2d:
    weight, bias = state[f"net.{name}.weight"].float(), state[f"net.{name}.bias"].float()
    outputs, inputs, side, _ = weight.shape
    first = side == 11
    layer = nn.Conv2d(inputs, outputs, side, 2 if first else 1, 2 if side > 3 else 1)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer


def _blur_pool(x: Tensor) -> Tensor:
    """Halve the sides after a 1-2-1 blur (Zhang 2019, arXiv 1904.11486)."""
    line = torch.tensor([0.25, 0.5, 0.25], device=x.device, dtype=x.dtype)
    kernel = torch.outer(line, line).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), kernel, None, 2, groups=x.shape[1])


def _unit(x: Tensor) -> Tensor:
    return F.normalize(x.float(), dim=1, eps=1e-5)


class FaceFeatures(nn.Module):
    """Compare eyes, brows and mouths as a face parser sees them.

    Feature matching (Johnson et al. 2016, arXiv 1603.08155) in the ResNet-18 of BiSeNet (Yu et
    al. 2018, arXiv 1808.00897), which was trained to tell 19 parts of a face; no face recogniser
    takes part, so that recognisers can judge the result.
    """

    MARGIN = 1.35  # crop over face box
    SIDE = 224  # pixels

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.trunk = load_trunk(weights, stages=3)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))

    def forward(self, output: Tensor, target: Tensor, faces: Tensor) -> Tensor:
        """Measure the mean relative L1 distance over the stages: a scalar, 0 to about 1."""
        with torch.no_grad():
            wanted = self._features(target, faces)
        pairs = zip(self._features(output, faces), wanted, strict=True)
        return torch.stack([_relative(a.float(), b.float()) for a, b in pairs]).mean()

    def _features(self, pixels: Tensor, faces: Tensor) -> list[Tensor]:
        zoom = self.MARGIN * faces[:, 1].amax(dim=1, keepdim=True)
        face = crop(pixels.float(), zoom, faces[:, 0], self.SIDE)
        face = ((face + 1) / 2 - self.get_buffer("mean")) / self.get_buffer("std")
        features: list[Tensor] = self.trunk(face.contiguous(memory_format=torch.channels_last))
        return features


def _relative(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).abs().mean() / target.abs().mean().clamp_min(1e-6)


def patch_critic(width: int = 48) -> nn.Sequential:
    """Build a critic of 34-pixel patches (Isola et al. 2017, arXiv 1611.07004, section 3.2)."""
    layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2)]
    for inputs, stride in ((width, 2), (2 * width, 1)):
        layers += [nn.Conv2d(inputs, 2 * inputs, 4, stride, 1), nn.GroupNorm(8, 2 * inputs)]
        layers += [nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(4 * width, 1, 4, 1, 1))


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Teach the critic to tell photo (> 1) from reconstruction (< -1) by the hinge loss."""
    return (F.relu(1 - real).mean() + F.relu(1 + fake).mean()) / 2
