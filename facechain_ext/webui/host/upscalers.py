"""Which of the webui's upscalers enlarges portraits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modules import shared

SETTING, AUTO = "facechain_upscaler", "auto"
PLAIN, NONE = "Lanczos", "None"
FAVOURED = ("RealESRGAN_x4plus", "R-ESRGAN 4x+", "4x-UltraSharp", "ESRGAN_4x", "SwinIR 4x")


def upscaler_names() -> list[str]:
    """Name what the user may choose from: "auto", and all that need no fetching."""
    return [AUTO, *(each.name for each in shared.sd_upscalers if _is_plain(each)), *_with_weights()]


def best_upscaler() -> Any | None:
    """Return the one that the user chose for portraits, else for the webui, else a favoured one,
    or any with weights."""
    here, ours = _with_weights(), getattr(shared.opts, SETTING, AUTO)
    if ours == PLAIN:
        return _plain()
    wanted = (ours, getattr(shared.opts, "upscaler_for_img2img", None), *FAVOURED)
    return next((here[name] for name in wanted if name in here), next(iter(here.values()), None))


def second_pass_upscaler() -> str | None:
    """Name what enlarges a picture before it is drawn a second time; None for the webui's usual.

    Its usual one enlarges the latents, which need more noise than a likeness survives. Forge Neo
    has no such, and lists "None" where others list Lanczos.
    """
    best = best_upscaler() or _plain() or _named(NONE)
    return None if best is None else str(best.name)


def _plain() -> Any | None:
    return _named(PLAIN)


def _named(name: str) -> Any | None:
    return next((each for each in shared.sd_upscalers if each.name == name), None)


def _is_plain(upscaler: Any) -> bool:
    return bool(upscaler.name == PLAIN)


def _with_weights() -> dict[str, Any]:
    """Return those whose file is there, by name; a URL means that the webui would fetch it."""
    return {
        each.name: each
        for each in shared.sd_upscalers
        if (path := _weights(each)) and Path(path).is_file()
    }


def _weights(upscaler: Any) -> str | None:
    return getattr(upscaler, "local_data_path", None) or getattr(upscaler, "data_path", None)
