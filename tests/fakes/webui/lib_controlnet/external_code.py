"""A unit as Forge's script takes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class ControlNetUnit:
    enabled: bool = True
    module: str = "None"
    model: str = "None"
    weight: float = 1.0
    image: Any = None
    processor_res: int = -1
    threshold_a: float = -1
    threshold_b: float = -1
    guidance_start: float = 0.0
    guidance_end: float = 1.0
    save_detected_map: bool = field(default=True, init=False)
