"""What latents are shown and decoded by."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image
from torch.nn.functional import interpolate

decoded: list[tuple[int, ...]] = []
"""The shapes of what was decoded by the model's own VAE."""


def samples_to_images_tensor(
    sample: Any, approximation: int | None = None, model: Any = None
) -> Any:
    assert approximation == 0
    decoded.append(tuple(sample.shape))
    return interpolate(sample[:, :3], scale_factor=8)


def sample_to_image(samples: Any, index: int = 0, approximation: int | None = None) -> Image.Image:
    """Show the latents' first channels, as the methods that need no weights do."""
    return Image.fromarray(((samples[index, :3] + 1) * 127).byte().movedim(0, -1).numpy())


def samples_to_image_grid(samples: Any, approximation: int | None = None) -> Image.Image:
    rows = [np.asarray(sample_to_image(samples, index)) for index in range(len(samples))]
    return Image.fromarray(np.concatenate(rows))
