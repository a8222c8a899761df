"""DeepDanbooru, whose tags are the same for every picture."""

from __future__ import annotations

from typing import Any


class DeepDanbooru:
    def __init__(self) -> None:
        self.started = 0

    def start(self) -> None:
        self.started += 1

    def stop(self) -> None:
        self.started -= 1

    def tag_multi(self, pil_image: Any, force_disable_ranks: bool = False) -> str:
        assert self.started == 1
        return r"1girl, solo, smile, tree \(plant\)"


model = DeepDanbooru()
