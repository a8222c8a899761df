"""What latents are decoded by."""

from __future__ import annotations

from typing import Any

from torch.nn.functional import interpolate

decoded: list[tuple[int, ...]] = []
"""The shapes of what was decoded by the model's own VAE."""


def samples_to_images_tensor(
    sample: Any, approximation: int | None = None, model: Any = None
) -> Any:
    assert approximation == 0
    decoded.append(tuple(sample.shape))
    return interpolate(sample[:, :3], scale_factor=8)
