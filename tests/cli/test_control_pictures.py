"""A picture on the command line becomes the pose that the request carries."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.base.errors import InvalidInput, UnreadablePhoto
from facechain_ext.cli.control_pictures import read_controls
from facechain_ext.config import PortraitConfig
from facechain_ext.imaging.picture_text import read_picture
from facechain_ext.imaging.pose_text import read_pose
from tests.nets.onnx_file import mean_of_channels


def test_without_a_picture_there_is_nothing_to_read() -> None:
    assert read_controls(Namespace(count=2)) == read_controls(Namespace(pose=" ")) == {}


@pytest.mark.model
def test_the_middle_of_a_picture_in_the_shape_of_the_portraits_is_read(tmp_path: Path) -> None:
    """As if the sides beyond that shape were cut off."""
    picture = tmp_path / "astronaut é.png"
    picture.write_bytes(cv2.imencode(".png", astronaut()[..., ::-1])[1].tobytes())
    square = read_pose(read_controls(Namespace(pose=str(picture)))["pose"])
    tall = read_pose(read_controls(Namespace(pose=str(picture), width=384, height=512))["pose"])
    assert np.abs(square.body[0] * 512 - (221.5, 120.6)).max() < 1
    assert abs(tall.face[30, 0] * 384 + 64 - square.face[30, 0] * 512) < 4
    assert abs(tall.face[30, 1] - square.face[30, 1]) < 0.01


@pytest.mark.model
def test_a_pose_of_the_gallery_goes_by_its_name() -> None:
    assert read_controls(Namespace(pose="far-left")) == {"pose": "far-left"}


@pytest.mark.parametrize("pose", ["newest", "01-5.png"])
def test_a_portrait_made_before_goes_by_its_name(pose: str) -> None:
    assert read_controls(Namespace(pose=pose)) == {"pose": pose}


def test_a_picture_without_a_pose_and_no_picture_are_said(tmp_path: Path) -> None:
    (tmp_path / "black.png").write_bytes(
        cv2.imencode(".png", np.zeros((64, 64, 3), np.uint8))[1].tobytes()
    )
    with pytest.raises(InvalidInput, match="shows no face"):
        read_controls(Namespace(pose=str(tmp_path / "black.png")))
    with pytest.raises(UnreadablePhoto, match=r"none\.jpg cannot be read"):
        read_controls(Namespace(pose=str(tmp_path / "none.jpg")))


def test_a_depth_net_by_path_or_name_reads_depth_and_one_that_is_missing_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "wall.png"
    wall = np.zeros((64, 64, 3), np.uint8)
    wall[:, 32:] = 255
    picture.write_bytes(cv2.imencode(".png", wall)[1].tobytes())
    asked = {"depth": str(picture), "data_dir": tmp_path}
    with pytest.raises(InvalidInput, match=r"no depth net dpt-large.*Intel/dpt-large \(1\.4 GB"):
        read_controls(Namespace(**asked, depth_net=Path("dpt-large")))
    pytest.importorskip("onnxruntime")
    (tmp_path / "models" / "depth").mkdir(parents=True)
    (tmp_path / "models" / "depth" / "mine.onnx").write_bytes(mean_of_channels())
    told = read_controls(Namespace(**asked, depth_net=Path("mine.onnx")))
    assert read_picture(told["depth"], "depth")[256, 500].tolist() == [255] * 3
    assert "Depth by mine.onnx." in capsys.readouterr().err


@pytest.mark.model
def test_depth_and_edges_become_pictures_in_the_shape_of_the_portraits(tmp_path: Path) -> None:
    picture = tmp_path / "astronaut.png"
    picture.write_bytes(cv2.imencode(".png", astronaut()[..., ::-1])[1].tobytes())
    kinds = dict.fromkeys(("depth", "canny", "soft_edges"), str(picture))
    told = read_controls(Namespace(**kinds, width=384, height=512))
    assert list(told) == list(kinds)
    for kind, text in told.items():
        assert read_picture(text, kind).shape == (683, 512, 3)
    assert PortraitConfig(**told).depth == told["depth"]
