"""The ControlNet's training: views of a pose, and a few steps on the mini from end to end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from facechain_ext.diffusion.control_files import load_control
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from tests.tools.test_mini_data import draw
from tools.mini import control
from tools.mini.conditions import BODY, draw_conditions, seen_from
from tools.mini.latent_cache import crop_transforms, whole_transforms

pytestmark = pytest.mark.slow(5)

MINI = Path(__file__).parents[2] / "facechain_ext" / "weights" / "mini"


def a_pose() -> np.ndarray:
    rng = np.random.default_rng(0)
    pose = 0.5 + rng.uniform(-0.2, 0.2, (BODY + 70, 2)).astype(np.float32)
    pose[9:14] = np.nan
    return pose


def test_a_whole_view_keeps_a_pose_and_a_mirrored_one_mirrors_it() -> None:
    pose = a_pose()
    whole = seen_from(pose, whole_transforms(1, mirrored=False)[0], "whole")
    assert np.allclose(whole.body, pose[:BODY], equal_nan=True, atol=1e-6)
    mirrored = seen_from(pose, whole_transforms(1, mirrored=True)[0], "whole")
    assert np.allclose(mirrored.face, (1, 0) + pose[BODY:] * (-1, 1), atol=1e-6)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_pose_moves_with_its_crop(mirrored: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    view = crop_transforms(1, mirrored=mirrored, generator=generator)[0]
    seen = seen_from(a_pose(), view, "whole")
    back = (2 * seen.face - 1) * view.diagonal().numpy() + view[:, 2].numpy()
    assert np.allclose((back + 1) / 2, a_pose()[BODY:], atol=1e-5)


def test_parts_of_a_pose_and_what_a_crop_leaves_out() -> None:
    view, pose = whole_transforms(1, mirrored=False)[0], a_pose()
    assert np.isnan(seen_from(pose, view, "face").body).all()
    assert np.isnan(seen_from(pose, view, "body").face).all()
    pose[0] = 1.5, 0.5
    assert np.isnan(seen_from(pose, view, "whole").body[0]).all()
    assert np.isfinite(seen_from(pose, view, "body").face).all(), "nothing else tells the pose"


def test_conditions_are_drawn_into_a_file(tmp_path: Path) -> None:
    poses, views = np.stack([a_pose()] * 3), whole_transforms(3, mirrored=False)
    drawn = draw_conditions(poses, views, ["whole", "face", "body"], tmp_path / "c.npy")
    assert drawn.shape == (3, 192, 192, 3)
    assert all(picture.any() for picture in drawn)
    assert not np.array_equal(drawn[0], drawn[1])


@pytest.mark.model
def test_a_few_steps_make_a_net_that_loads_beside_the_mini(
    tmp_path: Path, mini: DiffusersModel, capsys: pytest.CaptureFixture[str]
) -> None:
    data = draw(tmp_path / "portraits", 3)
    np.save(tmp_path / "poses.npy", np.stack([a_pose()] * 3))
    out = tmp_path / "facechain-mini-openpose.safetensors"
    command = ["train", "--data", data, "--poses", tmp_path / "poses.npy", "--out", out]
    limits = ["--steps", 2, "--batch", 1, "--variants", 1, "--limit", 1, "--device", "cpu"]
    mini_file = ["--mini", MINI / "facechain-mini.safetensors"]
    control.main([str(each) for each in (*command, *limits, *mini_file)])
    assert f"2 steps: {out}" in capsys.readouterr().out
    assert [path.name for path in tmp_path.glob("*conditions*")] == []
    assert out.stat().st_size < 15_000_000
    net = load_control(out, mini.unet)
    assert net.controlnet_mid_block.weight.abs().max() > 0
