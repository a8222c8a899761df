"""Fusion measured on real people: a photo of one put into portraits of others."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from facechain_ext.base.records import Gender, Instance
from facechain_ext.config import PrepareConfig
from facechain_ext.dataset.prepare import prepare
from facechain_ext.imaging.files import read_photo
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.fuse import fuse
from facechain_ext.portrait.template import choose_template_for

pytestmark = pytest.mark.people


@pytest.fixture(scope="module")
def people(nets: FaceNets) -> list[list[Instance]]:
    """The neutral and the smiling photo of twelve people."""
    root = os.environ.get("FACECHAIN_PEOPLE")
    if not root:
        pytest.skip("FACECHAIN_PEOPLE does not name a folder of photos")
    folders = sorted((Path(root) / "people" / "london_ccby").iterdir())
    return [
        [p.instance for p in _prepared(folder, nets) if p.instance is not None]
        for folder in folders
    ]


def _prepared(folder: Path, nets: FaceNets) -> list:
    photos = [read_photo(path, max_megapixels=80) for path in sorted(folder.iterdir())]
    return list(prepare(photos, PrepareConfig(), nets))


def test_a_stranger_becomes_recognisable(nets: FaceNets, people: list[list[Instance]]) -> None:
    """Each person's neutral photo goes into the next one's, and is judged by the smiling photo."""
    before, after = [], []
    for gender in Gender:
        group = [both for both in people if both[0].attributes.gender is gender]
        for (photo, held_back), (other, _) in zip(group, group[1:] + group[:1], strict=True):
            before.append(other.embedding @ held_back.embedding)
            template = choose_template_for(other.landmarks, [photo])
            fused = fuse(other.pixels, other.landmarks, template, strength=0.7)
            (face,) = nets.detector.detect(fused)
            after.append(nets.embedder.embed(fused, face) @ held_back.embedding)
    assert np.mean(before) < 0.3
    assert np.mean(after) > 0.5
    assert np.mean(np.subtract(after, before) > 0.15) > 0.9
