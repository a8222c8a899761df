"""Sample pictures where memory is short."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from facechain_ext.base.errors import OutOfMemory
from facechain_ext.base.events import Preview
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.training.previews import Previewer


@pytest.fixture
def previewer(small_model: DiffusersModel, monkeypatch: pytest.MonkeyPatch) -> Previewer:
    monkeypatch.setattr("facechain_ext.training.previews.PREVIEW_STEPS", 2)
    return Previewer(
        small_model,
        lambda: small_model.encode_prompts(["fcsks, photo", ""]),
        (0, 1, 2),
        lambda images: (None,) * len(images),
    )


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """Let memory run out where the model is given more than so many latents at once."""

    def limit(most: int) -> list[int]:
        sizes: list[int] = []
        predict = DiffusersModel.predict

        def predicted(self: DiffusersModel, latents: torch.Tensor, *others: Any) -> torch.Tensor:
            sizes.append(len(latents))
            if len(latents) > most:
                raise torch.cuda.OutOfMemoryError("tried to allocate")
            return predict(self, latents, *others)

        monkeypatch.setattr(DiffusersModel, "predict", predicted)
        return sizes

    return limit


def draw(previewer: Previewer, *, one_by_one: bool = False) -> Preview:
    return previewer.draw(5, lambda done, of: None, one_by_one=one_by_one)


def test_pictures_that_do_not_fit_together_are_drawn_one_by_one(
    previewer: Previewer, limited: Callable[[int], list[int]]
) -> None:
    wanted = draw(previewer, one_by_one=True)
    sizes = limited(1)
    drawn = draw(previewer)
    assert sizes == [6] + [1, 1] * 2 * 3  # with and without the prompt, two steps, three pictures
    assert all(map(np.array_equal, drawn.images, wanted.images))
    assert drawn.similarities == (None, None, None)


def test_where_one_does_not_fit_the_user_is_told(
    previewer: Previewer, limited: Callable[[int], list[int]]
) -> None:
    limited(0)
    with pytest.raises(OutOfMemory, match="to draw the sample pictures"):
        draw(previewer)
