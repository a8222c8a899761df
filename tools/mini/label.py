"""Label what can be seen in a portrait with a face parser; its weights are never shipped."""

import argparse
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tools.mini.data import Label, find_faces, load

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Part(IntEnum):
    """Name the parser's classes that the rules below look at."""

    SKIN = 1
    CLOTH = 16
    HAIR = 17


class Block(nn.Module):
    """Be a basic residual block of ResNet-18 (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H / stride, W / stride)."""
        residual = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(residual + (x if self.downsample is None else self.downsample(x)))


class Trunk(nn.Module):
    """Be the ResNet-18 of a face parser, down to 1/32 (four stages) or less."""

    def __init__(self, stages: int = 4) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        widths = (64, 64, 128, 256, 512)
        for i in range(1, stages + 1):
            first = Block(widths[i - 1], widths[i], stride=1 if i == 1 else 2)
            self.add_module(f"layer{i}", nn.Sequential(first, Block(widths[i], widths[i])))
        self.stages = stages

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map ImageNet-normalised RGB to the features of the stem and of every stage."""
        features = [F.relu(self.bn1(self.conv1(x)))]
        x = F.max_pool2d(features[0], 3, 2, 1)
        for i in range(1, self.stages + 1):
            x = self.get_submodule(f"layer{i}")(x)
            features.append(x)
        return features


def load_trunk(weights: str | Path, stages: int) -> Trunk:
    """Load the trunk out of a BiSeNet checkpoint (keys "cp.resnet."), frozen."""
    trunk = Trunk(stages)
    state = torch.load(weights, map_location="cpu", weights_only=True)
    trunk.load_state_dict({key: state["cp.resnet." + key] for key in trunk.state_dict()})
    return trunk.eval().requires_grad_(False)


class Convolution(nn.Module):
    """Be a convolution, batch norm and ReLU."""

    def __init__(self, inputs: int, outputs: int, side: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, side, 1, side // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H, W)."""
        return F.relu(self.bn(self.conv(x)))


class Refinement(nn.Module):
    """Weigh channels by what the whole picture shows (BiSeNet's attention refinement)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = Convolution(inputs, outputs)
        self.conv_atten = nn.Conv2d(outputs, outputs, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H, W)."""
        x = self.conv(x)
        weight: Tensor = self.bn_atten(self.conv_atten(x.mean((2, 3), keepdim=True)))
        return x * torch.sigmoid(weight)


class ContextPath(nn.Module):
    """Join the trunk's stages at 1/8: BiSeNet's context path."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet = Trunk()
        self.arm16, self.arm32 = Refinement(256, 128), Refinement(512, 128)
        self.conv_head32, self.conv_head16 = Convolution(128, 128), Convolution(128, 128)
        self.conv_avg = Convolution(512, 128, side=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map RGB to details (B, 128, H/8, W/8) and context, the same shape."""
        *_, x8, x16, x32 = self.resnet(x)
        context = self.arm32(x32) + self.conv_avg(x32.mean((2, 3), keepdim=True))
        context = self.conv_head32(F.interpolate(context, x16.shape[2:]))
        context = self.conv_head16(F.interpolate(self.arm16(x16) + context, x8.shape[2:]))
        return x8, context


class Fusion(nn.Module):
    """Fuse details and context: BiSeNet's feature fusion."""

    def __init__(self) -> None:
        super().__init__()
        self.convblk = Convolution(256, 256, side=1)
        self.conv1 = nn.Conv2d(256, 64, 1, bias=False)
        self.conv2 = nn.Conv2d(64, 256, 1, bias=False)

    def forward(self, details: Tensor, context: Tensor) -> Tensor:
        """Map two (B, 128, H, W) to (B, 256, H, W)."""
        x: Tensor = self.convblk(torch.cat([details, context], dim=1))
        weight = self.conv2(F.relu(self.conv1(x.mean((2, 3), keepdim=True))))
        return x + x * torch.sigmoid(weight)


class Parser(nn.Module):
    """Tell 19 parts of a face apart: BiSeNet (Yu et al. 2018, arXiv 1808.00897), one output."""

    def __init__(self) -> None:
        super().__init__()
        self.cp = ContextPath()
        self.ffm = Fusion()
        self.conv_out = nn.Sequential()
        self.conv_out.add_module("conv", Convolution(256, 256))
        self.conv_out.add_module("conv_out", nn.Conv2d(256, 19, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Map ImageNet-normalised RGB (B, 3, H, W) to class scores (B, 19, H/8, W/8)."""
        scores: Tensor = self.conv_out(self.ffm(*self.cp(x)))
        return scores

    @classmethod
    def load(cls, weights: str | Path) -> "Parser":
        """Load the checkpoint, leaving out the two outputs that only its training needed."""
        parser = cls()
        state = torch.load(weights, map_location="cpu", weights_only=True)
        parser.load_state_dict({key: state[key] for key in parser.state_dict()})
        return parser.eval().requires_grad_(False)


def parse_faces(
    parser: Parser, images: np.ndarray, rows: np.ndarray, side: int = 256, margin: float = 2.0
) -> Iterator[np.ndarray]:
    """Yield the part of the face at each pixel: uint8 (H, W), 0 to 18, 255 where not looked.

    `images` is uint8 RGB (N, H, W, 3), `rows` their faces as from `find_faces`; the parser sees
    a square of `margin` times the face's box, scaled to `side` pixels.
    """
    for image, row in zip(images, rows, strict=True):
        left, top, right, bottom = _square(row, margin, image.shape[0])
        seen = cv2.resize(image[top:bottom, left:right], (side, side))
        scores = F.interpolate(parser(_normalised(seen)), (side, side), mode="bilinear")
        parts = scores[0].argmax(dim=0).numpy().astype(np.uint8)
        whole = np.full(image.shape[:2], 255, np.uint8)
        size = (right - left, bottom - top)
        whole[top:bottom, left:right] = cv2.resize(parts, size, interpolation=cv2.INTER_NEAREST)
        yield whole


def _square(row: np.ndarray, margin: float, limit: int) -> tuple[int, int, int, int]:
    side = min(limit, round(margin * max(row[2], row[3])))
    left = int(np.clip(row[0] + row[2] / 2 - side / 2, 0, limit - side))
    top = int(np.clip(row[1] + row[3] / 2 - side / 2, 0, limit - side))
    return left, top, left + side, top + side


def _normalised(image: np.ndarray) -> Tensor:
    pixels = (image.astype(np.float32) / 255 - IMAGENET_MEAN) / IMAGENET_STD
    return torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None]


@dataclass(frozen=True)
class Sight:
    """Hold what the rules look at; shares are of the face box's area, colours CIE Lab."""

    colour: bool  # a colour photo
    female: bool
    yaw: float  # of the head, below 0 towards the picture's left
    nose: float  # of its tip from between the eyes, over their distance, same sign
    hair: float  # share of hair
    low_hair: float  # share of hair below the mouth
    cloth: float  # share of clothes
    hair_lab: tuple[float, float, float] | None  # medians; L 0 to 100
    cloth_lab: tuple[float, float, float] | None
    cloth_light: tuple[float, float]  # lower and upper quartile of L


def see(image: np.ndarray, parts: np.ndarray, row: np.ndarray, label: Label) -> Sight:
    """Measure one portrait: uint8 RGB (H, W, 3), its parts (H, W), its face (15,), its label."""
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    area, mouth = row[2] * row[3], round((row[11] + row[13]) / 2)
    hair, cloth = parts == Part.HAIR, parts == Part.CLOTH
    light = lab[cloth][:, 0] if cloth.any() else np.zeros(1)
    between, yaw = (row[4] + row[6]) / 2, label.get("yaw")
    return Sight(
        colour=label.get("style") == "color",
        female=label.get("gender") == "female",
        yaw=yaw if isinstance(yaw, float) else 0.0,
        nose=float((row[8] - between) / max(1.0, abs(row[6] - row[4]))),
        hair=float(hair.sum() / area),
        low_hair=float(hair[mouth:].sum() / area),
        cloth=float(cloth.sum() / area),
        hair_lab=_median(lab, _inner(hair)),
        cloth_lab=_median(lab, cloth),
        cloth_light=(float(np.quantile(light, 0.25)), float(np.quantile(light, 0.75))),
    )


def _inner(mask: np.ndarray) -> np.ndarray:
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=2) > 0
    return inner if inner.sum() >= 60 else mask


def _median(lab: np.ndarray, mask: np.ndarray) -> tuple[float, float, float] | None:
    if mask.sum() < 30:
        return None
    lightness, a, b = np.median(lab[mask], axis=0)
    return float(lightness), float(a), float(b)


def hair(sight: Sight) -> str | None:
    """Name the hair's colour in a colour photo; the doubtful stay unnamed."""
    if not sight.colour or sight.hair_lab is None or sight.hair < 0.12:
        return None
    lightness, a, b = sight.hair_lab
    chroma = math.hypot(a, b)
    if lightness < 11 and chroma < 7:
        return "black"
    if 15 < lightness < 30 and chroma > 11 and b > 0.9 * a and a < 17:
        return "brown"
    if lightness > 44 and chroma < 9:
        return "gray"
    return "blond" if lightness > 44 and b > 20 and b > 2 * a else None


def hair_length(sight: Sight) -> str | None:
    """Name long hair of women, and short hair where the parser found some and none hangs.

    Bald stays unnamed: on old photos the parser misses full hair as often.
    """
    if sight.female and sight.low_hair > 0.12:
        return "long"
    return "short" if sight.low_hair < 0.02 and sight.hair > 0.15 else None


def clothes(sight: Sight) -> str | None:
    """Name dark, light, blue or red clothes; no colours in a black and white photo."""
    if sight.cloth_lab is None or sight.cloth < 0.25:
        return None
    _, a, b = sight.cloth_lab
    dimmest, brightest = sight.cloth_light
    if brightest < 30:
        return "dark"
    if not sight.colour:
        return "light" if dimmest > 62 else None
    chroma, hue = math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360
    if chroma < 8:
        return "light" if dimmest > 70 else None
    if chroma < 22:
        return None
    return "blue" if 235 <= hue < 310 else "red" if 14 < hue < 42 else None


def look(sight: Sight) -> str | None:
    """Name the side of the picture that a clearly turned face looks to."""
    if sight.yaw < -0.15 and sight.nose < -0.08:
        return "left"
    return "right" if sight.yaw > 0.15 and sight.nose > 0.08 else None


RULES: dict[str, Callable[[Sight], str | None]] = {
    "hair": hair,
    "hair_length": hair_length,
    "clothes": clothes,
    "look": look,
}


def label_of(file: str, sight: Sight) -> Label:
    """Apply every rule; hat and beard stay null, the parser tells neither well enough."""
    seen = {name: rule(sight) for name, rule in RULES.items()}
    return {"file": file, **seen, "hat": None, "beard": None}


def main(argv: list[str] | None = None) -> None:
    """Write one line of labels for each portrait."""
    cli = argparse.ArgumentParser(description=__doc__, prog="python -m tools.mini.label")
    cli.add_argument("--portraits", type=Path, required=True, help="folder or tar file")
    cli.add_argument("--detector", type=Path, required=True, help="YuNet, an onnx file")
    cli.add_argument("--parser", type=Path, required=True, help="BiSeNet, a pth file")
    cli.add_argument("--out", type=Path, required=True, help="file to write, .jsonl")
    args = cli.parse_args(argv)
    portraits = load(args.portraits)
    rows = find_faces(portraits.images, args.detector)
    parts = parse_faces(Parser.load(args.parser), portraits.images, rows)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with args.out.open("w") as out:
        for each in zip(portraits.images, parts, rows, portraits.labels, strict=True):
            out.write(json.dumps(label_of(str(each[3]["file"]), see(*each))) + "\n")


if __name__ == "__main__":
    main()
