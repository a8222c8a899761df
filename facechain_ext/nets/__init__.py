"""Pretrained face nets, each loaded when first used."""

from __future__ import annotations

import functools

from facechain_ext.nets.attributes import AttributeReader
from facechain_ext.nets.detector import Detector
from facechain_ext.nets.embedder import Embedder
from facechain_ext.nets.hands import HandReader
from facechain_ext.nets.landmarker import Landmarker
from facechain_ext.nets.movenet import MoveNet
from facechain_ext.nets.parts import PartsReader
from facechain_ext.nets.segmenter import Segmenter

__all__ = [
    "AttributeReader",
    "Detector",
    "Embedder",
    "FaceNets",
    "HandReader",
    "Landmarker",
    "MoveNet",
    "PartsReader",
    "Segmenter",
]


class FaceNets:
    """Every face net, made on first use and kept."""

    @functools.cached_property
    def detector(self) -> Detector:
        return Detector(self.landmarker)

    @functools.cached_property
    def embedder(self) -> Embedder:
        return Embedder()

    @functools.cached_property
    def hands(self) -> HandReader:
        return HandReader()

    @functools.cached_property
    def landmarker(self) -> Landmarker:
        return Landmarker()

    @functools.cached_property
    def movenet(self) -> MoveNet:
        return MoveNet()

    @functools.cached_property
    def attributes(self) -> AttributeReader:
        return AttributeReader()

    @functools.cached_property
    def parts(self) -> PartsReader:
        return PartsReader()

    @functools.cached_property
    def segmenter(self) -> Segmenter:
        return Segmenter()
