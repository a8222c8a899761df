"""Test the autoencoder's training on drawn arrays and an untrained net."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

from tools.mini import autoencoder as ae
from tools.mini import autoencoder_losses as losses
from tools.mini import latent_space, processes
from tools.mini.views import draw_views, face_geometry, face_weights

pytestmark = pytest.mark.slow(6)

CPU = torch.device("cpu")
# x, y, w, h, right eye, left eye, nose, right and left corner of the mouth, score
ROW = np.array(
    [[56, 34, 80, 100, 78, 76, 112, 76, 95, 97, 82, 113, 110, 113, 0.9]], dtype=np.float32
)


class Nothing(nn.Module):
    """Find no difference, at no cost."""

    def forward(self, output: Tensor, *others: Tensor) -> Tensor:
        return output.sum() * 0


@pytest.fixture
def pictures() -> Tensor:
    """Draw four small pictures: uint8 (4, 32, 32, 3)."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand(4, 3, 4, 4, generator=generator)
    fine = nn.functional.interpolate(coarse, (32, 32), mode="bicubic").clamp(0, 1)
    return (fine * 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


@pytest.fixture
def faces() -> Tensor:
    """Give each of them the same face, (4, 7, 2)."""
    return face_geometry(ROW).expand(4, 7, 2)


@pytest.fixture
def trainer() -> ae.Trainer:
    """Build a trainer without perceptual nets."""
    recipe = ae.Recipe(batch=4, warmup=1, augment=0.0)
    return ae.Trainer(recipe, ae.Measures(Nothing(), Nothing()), CPU, processes.World())


def test_net_is_small_and_eight_times_coarser() -> None:
    vae = ae.build()
    assert sum(p.numel() for p in vae.parameters()) <= 6_000_000
    widths = vae.config.block_out_channels
    assert all(width % widths[0] == 0 for width in widths)
    assert latent_space.encode(vae, torch.zeros(1, 32, 48, 3, dtype=torch.uint8)).shape == (
        1,
        4,
        4,
        6,
    )


def test_folding_gives_unit_variance_and_the_same_pictures(pictures: Tensor) -> None:
    torch.manual_seed(0)
    vae = ae.build().eval()
    with torch.no_grad():
        vae.quant_conv.bias += torch.arange(8.0)
    pixels = pictures.permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        before = vae.encode(pixels).latent_dist
        shown = vae.decode(before.mean).sample
        latent_space.fold_latents(vae, pictures, batch=3)
        after = vae.encode(pixels).latent_dist
    scaled = after.mean * latent_space.SCALE
    assert torch.allclose(scaled.mean((0, 2, 3)), torch.zeros(4), atol=1e-3)
    assert torch.allclose(scaled.std((0, 2, 3)), torch.ones(4), atol=1e-3)
    with torch.no_grad():
        assert torch.allclose(vae.decode(after.mean).sample, shown, atol=1e-4)
    shrunk = before.mean.std((0, 2, 3)) / after.mean.std((0, 2, 3))
    ratio = (before.std / after.std).mean((0, 2, 3))
    assert torch.allclose(ratio, shrunk, rtol=1e-3)


def test_face_weights_favour_eyes_over_face_over_background() -> None:
    weights = face_weights(face_geometry(ROW))
    assert weights.shape == (1, 1, 192, 192)
    assert weights.mean().item() == pytest.approx(1, abs=1e-4)
    eye, cheek, corner = weights[0, 0, 76, 78], weights[0, 0, 60, 95], weights[0, 0, 190, 2]
    assert eye > 1.5 * cheek > 4 * corner > 0


def test_an_unmoved_view_shows_the_picture_itself(pictures: Tensor) -> None:
    views = draw_views(4, 0.0, CPU)
    still = replace(views, flip=torch.ones(4, 2))
    expected = pictures.permute(0, 3, 1, 2).float() / 127.5 - 1
    assert torch.allclose(still.of_images(pictures), expected, atol=1e-3)


def test_face_geometry_moves_with_the_picture() -> None:
    images = torch.zeros(16, 192, 192, 3, dtype=torch.uint8)
    images[:, 75:78, 77:80] = 255  # a spot on the eye at the left of the picture
    torch.manual_seed(5)
    views = draw_views(16, 1.0, CPU)
    moved = views.of_faces(face_geometry(ROW).expand(16, 7, 2))
    for seen, face in zip(views.of_images(images), moved, strict=True):
        y, x = divmod(int(seen.sum(0).argmax()), 192)
        expected = (face[2] + 1) * 96 - 0.5
        assert abs(x - expected[0]) < 2.5
        assert abs(y - expected[1]) < 2.5


def test_pixel_loss_counts_weighted_pixels() -> None:
    target = torch.zeros(1, 3, 2, 2)
    output = torch.zeros(1, 3, 2, 2)
    output[..., 0, 0] = 0.5
    weights = torch.tensor([[[[3.0, 1.0], [0.0, 0.0]]]])
    assert losses.pixel_loss(output, target, weights).item() == pytest.approx(3 * (0.5 + 0.5) / 4)


def test_kl_is_zero_for_the_unit_gaussian_only() -> None:
    zeros = torch.zeros(2, 4, 3, 3)
    assert losses.kl_loss(zeros, zeros).item() == 0
    assert losses.kl_loss(zeros + 1, zeros).item() == pytest.approx(4 * 9 * 0.5)
    assert losses.kl_loss(zeros, zeros - 1).item() > 0


def test_learning_rate_rises_then_falls() -> None:
    recipe = ae.Recipe(rate=1e-3, warmup=100)
    assert ae.learning_rate(recipe, 0, 0.0) == pytest.approx(1e-5)
    assert ae.learning_rate(recipe, 100, 0.0) == pytest.approx(1e-3)
    rates = [ae.learning_rate(recipe, 100, i / 10) for i in range(12)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == rates[-2] == pytest.approx(1e-5)


@pytest.mark.parametrize(("steps", "progress"), [(None, 0.25), (20, 0.5)])
def test_budget_counts_seconds_or_steps(steps: int | None, progress: float) -> None:
    assert ae.Budget(seconds=120, steps=steps).progress(10, 30.0) == progress


def test_steps_lower_the_loss(trainer: ae.Trainer, pictures: Tensor, faces: Tensor) -> None:
    losses = [trainer.step(pictures, faces, 0.0)["pixel"].item() for _ in range(6)]
    assert losses[-1] < losses[0]


def test_resuming_continues_at_the_same_step(
    trainer: ae.Trainer, pictures: Tensor, faces: Tensor, tmp_path: Path
) -> None:
    trainer.adversarial = True
    trainer.step(pictures, faces, 0.0)
    trainer.seconds = 12.5
    trainer.save(tmp_path / "state.pt")
    resumed = ae.Trainer(trainer.recipe, trainer.measures, CPU, processes.World())
    resumed.load(tmp_path / "state.pt")
    assert (resumed.steps, resumed.seconds, resumed.adversarial) == (1, 12.5, True)
    after = []
    for each in (trainer, resumed):
        torch.manual_seed(9)
        each.step(pictures, faces, 0.5)
        after.append(each.averaged().state_dict())
    assert all(torch.equal(after[0][name], after[1][name]) for name in after[0])
    assert resumed.steps == 2


def test_adversary_stays_out_of_a_poor_reconstruction(
    trainer: ae.Trainer, pictures: Tensor, faces: Tensor
) -> None:
    held_out = np.array([True, False, False, False])
    weights = torch.from_numpy(1.0 - held_out)
    stock = ae.Stock(pictures, faces, ROW.repeat(4, 0), weights, held_out)
    ae.consider_adversary(trainer, stock, 0.5)
    assert trainer.recipe.adversary > 0
    ae.consider_adversary(trainer, stock, 0.7)
    assert not trainer.adversarial
    assert trainer.recipe.adversary == 0


def test_training_ends_with_the_budget_and_never_draws_held_back(
    trainer: ae.Trainer, pictures: Tensor, faces: Tensor
) -> None:
    held_out = np.array([True, False, False, False])
    weights = torch.from_numpy(1.0 - held_out)
    stock = ae.Stock(pictures, faces, ROW.repeat(4, 0), weights, held_out)
    drawn, _ = stock.draw(64)
    assert not (drawn == pictures[0]).flatten(1).all(1).any()
    trainer.recipe = replace(trainer.recipe, adversary=0.0)
    assert len(list(ae.train(trainer, stock, ae.Budget(60, steps=2)))) == 2


def test_norms_keep_their_type_and_names() -> None:
    vae = AutoencoderKL(block_out_channels=(32,), norm_num_groups=8)
    names = set(vae.state_dict())
    processes.keep_types(vae)
    assert set(vae.state_dict()) == names
    norm = next(m for m in vae.modules() if isinstance(m, processes.SameTypeNorm))
    assert norm(torch.randn(2, 32, 4, 4).bfloat16()).dtype == torch.bfloat16


def test_psnr_of_a_known_error() -> None:
    black = np.zeros((2, 8, 8, 3), np.uint8)
    assert latent_space.psnr(black, black + 1) == pytest.approx(20 * np.log10(255), abs=1e-3)
