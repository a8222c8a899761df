"""The ControlNet of a webui: Forge's and its kin's built-in one, or sd-webui-controlnet."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from facechain_ext.base.errors import ModelUnavailable
from facechain_ext.base.records import Pixels

BUILT_IN, EXTENSION = "lib_controlnet.external_code", "internal_controlnet.external_code"
MISSING = (
    "This webui has no ControlNet, which leads portraits: install the extension "
    "sd-webui-controlnet, or turn the built-in one on under Extensions, and restart the webui."
)


class Dialect(Protocol):
    """What both have, each under its own names."""

    def models(self) -> Mapping[str, Path]:
        """List the ControlNets' files anew, by the names that units take."""

    def preprocessors(self) -> list[str]: ...
    def preprocess(self, name: str, pixels: Pixels, resolution: int) -> Any:
        """Return what a preprocessor makes of a picture."""

    def unit(self, **fields: Any) -> Any:
        """Describe a control; only fields that both know."""


@dataclass(frozen=True)
class BuiltIn:
    """Forge, reForge, ersatzForge, Forge Neo."""

    def models(self) -> Mapping[str, Path]:
        from lib_controlnet import global_state

        global_state.update_controlnet_filenames()
        names = [name for name in global_state.get_all_controlnet_names() if name != "None"]
        return {name: Path(global_state.get_controlnet_filename(name)) for name in names}

    def preprocessors(self) -> list[str]:
        from lib_controlnet import global_state

        return [*global_state.get_all_preprocessor_names()]

    def preprocess(self, name: str, pixels: Pixels, resolution: int) -> Any:
        from lib_controlnet import global_state

        return global_state.get_preprocessor(name)(pixels, resolution)

    def unit(self, **fields: Any) -> Any:
        from lib_controlnet import external_code as built_in

        return built_in.ControlNetUnit(**fields)


@dataclass(frozen=True)
class Extension:
    """Mikubill's sd-webui-controlnet in AUTOMATIC1111's webui."""

    def models(self) -> Mapping[str, Path]:
        from internal_controlnet import external_code

        names = external_code.get_models(update=True)
        files = external_code.global_state.cn_models
        return {name: Path(files[name].strip('"')) for name in names}

    def preprocessors(self) -> list[str]:
        from internal_controlnet import external_code

        return [*external_code.get_modules(), *external_code.get_modules(alias_names=True)]

    def preprocess(self, name: str, pixels: Pixels, resolution: int) -> Any:
        from internal_controlnet import external_code

        return external_code.Preprocessor.get_preprocessor(name)(pixels, resolution)

    def unit(self, **fields: Any) -> Any:
        from internal_controlnet import external_code

        return external_code.ControlNetUnit(**fields)


def dialect() -> Dialect:
    """Return the one that this webui has loaded; raises ModelUnavailable where it has none."""
    if BUILT_IN in sys.modules:
        return BuiltIn()
    if EXTENSION in sys.modules:
        return Extension()
    raise ModelUnavailable(MISSING)
