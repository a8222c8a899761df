"""Nets load once, on demand, and stand being shared."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from facechain_ext.base.errors import WeightsMissing
from facechain_ext.nets import FaceNets, weights
from facechain_ext.nets.network import Network


def test_a_net_is_made_once():
    nets = FaceNets()
    assert nets.detector is nets.detector
    assert nets.segmenter is nets.segmenter


def test_importing_and_making_nets_reads_no_weights():
    code = (
        "import pathlib, facechain_ext.nets as n; "
        "pathlib.Path.read_bytes = lambda self: 1 / 0; "
        "f = n.FaceNets(); f.detector, f.embedder, f.landmarker, f.attributes, f.segmenter"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_threads_get_the_same_answers_as_one(nets, astronaut):
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    pictures = [astronaut, mirrored, astronaut[:300]] * 4
    alone = [nets.detector.detect(picture)[0].box for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda p: nets.detector.detect(p)[0].box, pictures))
    assert together == alone


def test_missing_weights_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "WEIGHTS_DIR", tmp_path)
    with pytest.raises(WeightsMissing, match=r"^age-v1\.onnx is missing from .*install"):
        Network("age-v1.onnx").run(np.zeros((1, 3, 64, 64), np.float32))
