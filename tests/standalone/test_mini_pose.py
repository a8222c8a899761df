"""The mini follows a pose by the ControlNet that ships with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.base.controls import Control
from facechain_ext.base.host import GenerationRequest
from facechain_ext.imaging.openpose import draw_skeleton
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.skeleton import read_skeleton
from facechain_ext.standalone.diffusers_host import DiffusersHost

pytestmark = pytest.mark.model


def test_a_face_comes_where_a_pose_has_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    host, nets = DiffusersHost(tmp_path, device="cpu"), FaceNets()
    pose = read_skeleton(np.ascontiguousarray(astronaut()[:300, 80:380]), nets)
    drawn = []
    for aside in (-0.06, 0.06):
        picture = draw_skeleton(pose.moved(aside, 0.1, 1.3), 512, 512)
        controls = (Control("pose", picture),)
        request = GenerationRequest(
            "photo of a woman", seeds=(3,), steps=6, guidance_scale=2.0, controls=controls
        )
        (image,) = host.generate(request)
        (face,) = nets.detector.detect(image.pixels)
        drawn.append(face.center[0] / 192)
    assert drawn == pytest.approx([0.406, 0.526], abs=0.03)
    assert "should be kept in float32" not in capfd.readouterr().err
