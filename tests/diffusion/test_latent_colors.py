from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from facechain_ext.diffusion.latent_colors import ENLARGED, FIT_SIDE, LatentColors
from facechain_ext.standalone.diffusers_host import MINI

MIXED = torch.tensor([[0.3, 0.2, 0.1], [0.1, -0.4, 0.2], [-0.2, 0.1, 0.3], [0.0, 0.1, -0.4]])


def mixing(latents: Tensor) -> Tensor:
    """Decode as an autoencoder would that only mixes."""
    colors = torch.einsum("bchw,cr->brhw", latents, MIXED) - 0.1
    return interpolate(colors, scale_factor=8)


@pytest.mark.parametrize("shape", [(1, 4, 8, 8), (3, 4, 8, 12), (2, 4, 5, 5)])
def test_the_mixture_of_a_decoder_is_found(shape: tuple[int, ...]) -> None:
    latents = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    colors = LatentColors.fitted(latents, mixing)
    torch.testing.assert_close(colors.weights[:4], MIXED, atol=1e-4, rtol=0)
    torch.testing.assert_close(colors.weights[4], torch.full((3,), -0.1), atol=1e-4, rtol=0)


def test_every_picture_is_shown_soft_and_small() -> None:
    latents = torch.ones(2, 4, 8, 12) * torch.tensor([0.0, 1.0])[:, None, None, None]
    colors = LatentColors(torch.cat([MIXED, torch.zeros(1, 3)]))
    first, second = colors.pictures(latents)
    assert first.shape == second.shape == (8 * ENLARGED, 12 * ENLARGED, 3)
    assert first.dtype == np.uint8
    assert (first[4, 4] == 128).all()
    assert second[4, 4].tolist() == [153, 128, 153]  # (1 + the sum of a column) * 127.5


def test_what_is_decoded_is_tiny() -> None:
    shapes: list[tuple[int, ...]] = []

    def decode(latents: Tensor) -> Tensor:
        shapes.append(tuple(latents.shape))
        return mixing(latents)

    LatentColors.fitted(torch.randn(1, 4, 128, 128), decode)
    assert shapes == [(1, 4, FIT_SIDE, FIT_SIDE)]


@pytest.mark.model
def test_the_minis_latents_look_like_their_pictures() -> None:
    from skimage.data import astronaut

    from facechain_ext.diffusion.diffusers_model import load_model

    model = load_model(MINI, device="cpu")
    face = np.ascontiguousarray(astronaut()[:192, 120:312])
    rgb = torch.from_numpy(face).movedim(-1, 0)[None].float() / 127.5 - 1
    latents = model.encode_images(rgb)
    (seen,) = LatentColors.fitted(latents, model.decode_latents).pictures(latents)
    shown = avg_pool2d(torch.from_numpy(seen).movedim(-1, 0)[None].float(), ENLARGED)
    true = avg_pool2d(rgb, 8)
    assert np.corrcoef(shown.flatten(), true.flatten())[0, 1] > 0.85
