from __future__ import annotations

import numpy as np

from facechain_ext.base.records import Instance
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.head_pose import fit_pose
from facechain_ext.portrait.mirrored import mirrored


def test_a_mirrored_photo_is_turned_the_other_way_and_is_the_same_person(
    template: Instance, nets: FaceNets
) -> None:
    other = mirrored(template, nets.landmarker)
    before, after = fit_pose(template.landmarks), fit_pose(other.landmarks)
    assert abs(before.yaw + after.yaw) < 4
    assert abs(before.pitch - after.pitch) < 4
    assert np.array_equal(other.pixels[:, ::-1], template.pixels)
    found = max(nets.detector.detect(other.pixels), key=lambda face: face.area)
    assert np.abs(found.landmarks - other.face.landmarks).max() < 0.06 * other.face.width
    again = nets.embedder.embed(other.pixels, other.face)
    assert float(again @ template.embedding) > 0.7
