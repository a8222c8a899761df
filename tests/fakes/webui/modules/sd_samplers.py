"""Two samplers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

_known = [SimpleNamespace(name="Euler a"), SimpleNamespace(name="DPM++ 2M")]
all_samplers = _known
all_samplers_map = {each.name: each for each in _known}


def sample_to_image(samples: Any, index: int = 0, approximation: int | None = None) -> Image.Image:
    """Show the latents' first channels, as the methods that need no weights do."""
    return Image.fromarray(((samples[index, :3] + 1) * 127).byte().movedim(0, -1).numpy())


def samples_to_image_grid(samples: Any, approximation: int | None = None) -> Image.Image:
    rows = [np.asarray(sample_to_image(samples, index)) for index in range(len(samples))]
    return Image.fromarray(np.concatenate(rows))


def visible_sampler_names() -> list[str]:
    return [each.name for each in _known]
