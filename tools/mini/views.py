"""Where the face is in a portrait, and the crops that training looks at."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from tools.mini.data import SIZE


def face_geometry(rows: np.ndarray, size: int = SIZE) -> Tensor:
    """Turn YuNet rows (N, 15) into float (N, 7, 2), in -1..1 across the picture.

    The seven are the box's centre, its half size, the eyes, the nose and the mouth's corners.
    """
    box = torch.as_tensor(rows[:, :14], dtype=torch.float32).view(-1, 7, 2) * (2 / size)
    half = box[:, 1:2] / 2
    points = torch.cat([box[:, :1] + half, box[:, 2:]], dim=1) + 1 / size - 1
    return torch.cat([points[:, :1], half, points[:, 1:]], dim=1)


@dataclass(frozen=True)
class Views:
    """Hold how each picture of a batch is looked at: in = flip * zoom * out + shift, -1..1."""

    zoom: Tensor  # (B, 1)
    shift: Tensor  # (B, 2)
    flip: Tensor  # (B, 2), +-1 along x, 1 along y
    gain: Tensor  # (B, 3, 1, 1)
    lift: Tensor  # (B, 1, 1, 1)

    def of_images(self, images: Tensor) -> Tensor:
        """Look at uint8 pictures (B, H, W, 3): float (B, 3, H, W) in -1..1, channels last."""
        pixels = images.permute(0, 3, 1, 2).float() / 255
        seen = crop(pixels, self.flip * self.zoom, self.shift, pixels.shape[-1])
        seen = (seen * self.gain + self.lift).clamp(0, 1) * 2 - 1
        return seen.contiguous(memory_format=torch.channels_last)

    def of_faces(self, faces: Tensor) -> Tensor:
        """Move face geometry (B, 7, 2) along with its picture."""
        flip, zoom, shift = self.flip[:, None], self.zoom[:, None], self.shift[:, None]
        moved = flip * (faces - shift) / zoom
        return torch.cat([moved[:, :1], faces[:, 1:2] / zoom, moved[:, 2:]], dim=1)


def draw_views(count: int, chance: float, device: torch.device) -> Views:
    """Draw `count` views: all flipped by a coin; `chance` of other crops and of other colours."""

    def uniform(*shape: int, low: float, high: float) -> Tensor:
        return torch.rand(count, *shape, device=device) * (high - low) + low

    moved = (uniform(1, low=0, high=1) < chance).float()
    tinted = (uniform(1, 1, 1, low=0, high=1) < chance).float()
    flip = torch.ones(count, 2, device=device)
    flip[:, 0] = torch.where(uniform(low=0, high=1) < 0.5, -1.0, 1.0)
    gain = uniform(1, 1, 1, low=-0.25, high=0.2) + uniform(3, 1, 1, low=-0.12, high=0.12)
    return Views(
        zoom=1 + moved * uniform(1, low=-0.3, high=0.15),
        shift=moved * uniform(2, low=-0.1, high=0.1),
        flip=flip,
        gain=1 + tinted * gain,
        lift=tinted * uniform(1, 1, 1, low=-0.06, high=0.1),
    )


def crop(pixels: Tensor, zoom: Tensor, shift: Tensor, side: int) -> Tensor:
    """Sample `side` x `side` pixels at zoom * out + shift; zoom (B, 1 or 2), shift (B, 2)."""
    theta = torch.cat([torch.diag_embed(zoom.expand(-1, 2)), shift[:, :, None]], dim=2)
    grid = F.affine_grid(theta, [len(pixels), pixels.shape[1], side, side], align_corners=False)
    return F.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)


def face_weights(faces: Tensor, size: int = SIZE) -> Tensor:
    """Weigh pixels by what they tell of a face: (B, 1, size, size), mean 1 in each picture.

    Against 1 for the background the face's ellipse counts 5, eyes, nose and mouth up to 11.
    """
    axis = (torch.arange(size, device=faces.device) + 0.5) * (2 / size) - 1
    place = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)[None]
    centre, half = faces[:, None, None, 0], faces[:, None, None, 1]
    ellipse = torch.sigmoid(8 * (1.15 - ((place - centre) / half).norm(dim=-1)))
    points = torch.cat([faces[:, 2:], faces[:, 5:].mean(dim=1, keepdim=True)], dim=1)
    spread = 0.3 * (faces[:, 2] - faces[:, 3]).norm(dim=-1).clamp_min(0.05)
    apart = (place[:, None] - points[:, :, None, None]).norm(dim=-1)
    blobs = torch.exp(-0.5 * (apart / spread[:, None, None, None]) ** 2).amax(dim=1)
    weights = 1 + 4 * ellipse + 6 * blobs
    return (weights / weights.mean(dim=(1, 2), keepdim=True))[:, None]
