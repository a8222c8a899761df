"""Which component gets which setting back when an infotext is pasted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import PortraitConfig
from facechain_ext.config.setting import settings_of
from facechain_ext.portrait.infotext import HOSTS, OURS, PERSON, read_ours
from facechain_ext.ui.page.compat import UNCHANGED
from facechain_ext.ui.page.services import PasteTarget
from facechain_ext.ui.page.widgets import ConfigForm

SIZES = {"width": "Size-1", "height": "Size-2"}
"""What webuis make of the size in an infotext."""


def paste_pairs(form: ConfigForm[PortraitConfig], person: Any) -> list[tuple[Any, PasteTarget]]:
    """Pair every component with what restores it.

    Settings of ours that an infotext of ours leaves out were left at their defaults.
    """
    targets: dict[str, PasteTarget] = {**HOSTS, **SIZES}
    targets |= {name: _ours(form, name) for name in OURS}
    if "sampler_name" in form.components:
        targets["sampler_name"] = lambda fields: fields.get("Sampler", UNCHANGED)
    targets["restore_faces"] = lambda fields: "Face restoration" in fields
    pairs = [(form.components[name], t) for name, t in targets.items() if name in form.components]
    return [(person, lambda fields: fields.get(PERSON, UNCHANGED)), *pairs]


def _ours(form: ConfigForm[PortraitConfig], name: str) -> Callable[[Mapping[str, Any]], Any]:
    setting = settings_of(PortraitConfig)[name]

    def restored(fields: Mapping[str, Any]) -> Any:
        if PERSON not in fields:
            return UNCHANGED
        said = read_ours(name, fields)
        try:
            return form.shown(name, setting.default if said is None else setting.read(said))
        except InvalidInput:
            return UNCHANGED

    return restored
