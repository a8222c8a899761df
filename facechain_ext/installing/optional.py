"""Packages that are good for one thing each; they are added only where somebody agrees to it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from packaging.requirements import Requirement


@dataclass(frozen=True)
class OptionalPackage:
    """One package on PyPI.

    requirement: as pip reads it. size: roughly, as it differs between systems and versions.
    licence: of what is downloaded, libraries inside it included.
    """

    requirement: str
    module: str
    purpose: str
    size: str
    licence: str

    @property
    def name(self) -> str:
        return Requirement(self.requirement).name

    @property
    def installed(self) -> bool:
        """Whether this process would find it."""
        return find_spec(self.module) is not None

    @property
    def lacking(self) -> str:
        """Say in a sentence what it is wanted for and how to get it."""
        return self.lacked_by(f"{self.purpose[0].upper()}{self.purpose[1:]} takes")

    def lacked_by(self, wanted: str) -> str:
        """Say how to get what something wants, as in "An English voice takes"."""
        return (
            f"{wanted} the package {self.name}, which is not installed: install it under Models "
            f"first (facechain models install {self.name} --yes)."
        )

    @property
    def summary(self) -> str:
        """What a user has to know before agreeing."""
        return (
            f"{self.name}, for {self.purpose}: {self.size}; licence {self.licence}; from PyPI, or "
            "the index that pip is set to"
        )


NCNN = OptionalPackage(
    requirement="ncnn>=1.0.20240410",
    module="ncnn",
    purpose="enlarging portraits four times",
    size="about 11 MB to download and 29 MB to keep",
    licence="BSD-3-Clause",
)
PILLOW_HEIF = OptionalPackage(
    requirement="pillow-heif>=0.15",
    module="pillow_heif",
    purpose="photos of iPhones (.heic)",
    size="about 6 to 8 MB to download and 30 MB to keep",
    licence="BSD-3-Clause, as a whole GPL-2.0 for the libraries in it (libheif, libde265, x265)",
)
AV = OptionalPackage(
    requirement="av>=12",
    module="av",
    purpose="video with sound, and recordings other than .wav",
    size="about 34 MB to download and 100 MB to keep",
    licence="BSD-3-Clause, as a whole GPL for the libraries in it (x264, x265; FFmpeg LGPL)",
)
HIBARI = OptionalPackage(
    requirement="hibari-tts==0.2.1",
    module="hibari",
    purpose="an English voice",
    size="about 14 MB to download and 17 MB to keep, and 20 and 60 MB for onnxruntime, which runs "
    "it, where that is not there",
    licence="Apache-2.0, onnxruntime MIT",
)
PYPINYIN = OptionalPackage(
    requirement="pypinyin>=0.55",
    module="pypinyin",
    purpose="reading Chinese",
    size="about 1 MB to download and 4 MB to keep",
    licence="MIT",
)
ONNXRUNTIME = OptionalPackage(
    requirement="onnxruntime>=1.16",
    module="onnxruntime",
    purpose="hearing what is said in a recording",
    size="about 20 MB to download and 60 MB to keep",
    licence="MIT",
)
EDGE_TTS = OptionalPackage(
    requirement="edge-tts>=7",
    module="edge_tts",
    purpose="voices in many languages by an online service of Microsoft's, to which the text goes",
    size="about 3 MB to download and 10 MB to keep, with aiohttp",
    licence="LGPL-3.0, aiohttp Apache-2.0",
)
OPTIONAL = (NCNN, PILLOW_HEIF, AV, HIBARI, PYPINYIN, ONNXRUNTIME, EDGE_TTS)
