"""The engine that draws with Stable Diffusion 1, and the classes of models that it takes."""

from __future__ import annotations

from typing import Any, ClassVar

from huggingface_guess import model_list


class StableDiffusion:
    matched_guesses: ClassVar[list[Any]] = [model_list.SD15]
