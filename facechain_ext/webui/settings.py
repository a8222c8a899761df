"""Our section in the webui's settings: labels, help and bounds come from the configs' fields."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

from modules import shared

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import (
    ApiConfig,
    JobsConfig,
    PortraitConfig,
    PrepareConfig,
    TalkConfig,
    TemplateConfig,
    TrainConfig,
    TrainStyleConfig,
    TryOnConfig,
)
from facechain_ext.config.setting import AUTO, Setting, settings_of
from facechain_ext.ui.page.setting_inputs import dropdown, setting_input
from facechain_ext.webui.host import upscalers
from facechain_ext.webui.host.guarded import guarded

if TYPE_CHECKING:
    from modules.options import OptionInfo

logger = logging.getLogger(__name__)

SECTION = ("facechain", "FaceChain", "facechain")
LIST_MINI, LORA_FOLDER = "facechain_list_mini", "facechain_lora_folder"

DEFAULTS: dict[type, tuple[str, ...]] = {
    PrepareConfig: ("keep_photos", "background", "min_face_px", "main_face_ratio"),
    TrainConfig: ("max_train_steps", "train_batch_size", "rank", "snapshot_every", "selection"),
    PortraitConfig: (
        *("count", "candidates", "steps", "fusion_strength", "output_size"),
        *("min_face_share", "max_face_share"),
    ),
    TemplateConfig: ("candidates", "attempts", "fusion_strength"),
    TryOnConfig: ("seam", "candidates", "attempts", "fusion_strength"),
    TalkConfig: (),
    TrainStyleConfig: (),
    # Not run_code: whoever calls the webui's API may change its settings.
    ApiConfig: ("owners", "max_upload_mb", "requests_per_minute"),
    JobsConfig: ("keep_jobs", "keep_days", "most_queued"),
}
"""Fields that begin with what the settings say; the tab's others with what the webui remembers."""

WHEN = "the tab begins with it after Reload UI"
AT_ONCE = (JobsConfig,)
"""Configs that are looked up where they are used."""

Config = TypeVar(
    "Config",
    PrepareConfig,
    TrainConfig,
    PortraitConfig,
    TemplateConfig,
    TryOnConfig,
    TalkConfig,
    TrainStyleConfig,
    JobsConfig,
    ApiConfig,
)


def add(*, on_mini_switched: Callable[[bool], None]) -> None:
    """Add the section; the webui calls this while it builds its settings page."""
    from modules.options import OptionInfo, categories, options_section

    mini = OptionInfo(
        True,
        "List the FaceChain mini among the checkpoints",
        onchange=guarded(lambda: on_mini_switched(mini_wanted())),
    ).info("a small demonstration checkpoint that comes with the extension")
    folder = OptionInfo("", "Folder for new LoRAs, inside the webui's LoRA folder").info(
        "empty: the LoRA folder itself"
    )
    enlarger = OptionInfo(
        upscalers.AUTO,
        "Upscaler for portraits",
        dropdown(),
        guarded(_upscalers, instead=lambda: {"choices": [upscalers.AUTO]}),
    ).info("auto: the one for img2img, or the best that is there")
    options = {LIST_MINI: mini, LORA_FOLDER: folder, upscalers.SETTING: enlarger}
    for config, names in DEFAULTS.items():
        for name in names:
            option = _option(config, settings_of(config)[name])
            options[key(config, name)] = option if config in AT_ONCE else option.info(WHEN)
            _carry_over(key(config, name), settings_of(config)[name])
    categories.register_category("facechain", "FaceChain")
    for option, info in options_section(SECTION, options).items():
        shared.opts.add_option(option, info)


def _upscalers() -> dict[str, Any]:
    return {"choices": upscalers.upscaler_names()}


def mini_wanted() -> bool:
    """Whether the mini is to be listed; asked before the section exists, too."""
    return bool(shared.opts.data.get(LIST_MINI, True))


def chosen(config: type[Config]) -> Config:
    """Return a config with the user's defaults; one that is out of bounds counts as not chosen."""
    result = config()
    for name in DEFAULTS[config]:
        setting = settings_of(config)[name]
        value = shared.opts.data.get(key(config, name), setting.default)
        try:
            result = dataclasses.replace(result, **{name: setting.read(value)})
        except InvalidInput as error:
            logger.warning("The setting %s is ignored: %s", key(config, name), error)
    return result


def govern(page: Any) -> None:
    """Keep fields of a page that begin with our settings out of the webui's own memory of pages."""
    ours = {key(config, name) for config, names in DEFAULTS.items() for name in names}
    for component in page.blocks.values():
        if getattr(component, "elem_id", None) in ours:
            component.do_not_save_to_config = True


def key(config: type, field: str) -> str:
    """Return the webui's name of a setting, facechain_train_rank, and the tab's of its field."""
    return f"facechain_{config.__name__.removesuffix('Config').lower()}_{field}"


def _carry_over(name: str, setting: Setting) -> None:
    """Write a number that was saved before there was "auto" as it is written now."""
    saved = shared.opts.data.get(name)
    if setting.automatic and isinstance(saved, (int, float)):
        shared.opts.data[name] = f"{saved:g}" if saved else AUTO


def _option(config: type, setting: Setting) -> OptionInfo:
    from modules.options import OptionInfo

    component, arguments = setting_input(setting)
    kind = config.__name__.removesuffix("Config")
    unit = f", {setting.unit}" if setting.unit else ""
    label = f"{kind}: {setting.label.lower()}{unit}"
    default = setting.show(setting.default)
    return OptionInfo(default, label, component, arguments).info(escape(setting.help))
