"""The fake Forge made into one of its descendants by what was recorded in the real one.

What is absent there is taken away here, and a class takes the arguments alone that it takes there.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection
from dataclasses import fields
from typing import Any

from tools.host_uses import HostName, absent, recorded, signature_of
from tools.record_signatures import deepest_module

DEFAULTS: dict[HostName, dict[str, Any]] = {"neo": {"CLIP_stop_at_last_layers": 2}}
"""Settings that begin elsewhere than Forge's."""

NARROWED = (
    "modules.processing.StableDiffusionProcessingTxt2Img",
    "modules.processing.StableDiffusionProcessingImg2Img",
)


def become(host: HostName) -> None:
    """Make the fake that was just imported into this webui."""
    from modules import shared

    for symbol in absent(host):
        remove(symbol)
    for symbol in NARROWED:
        kind, (name,) = deepest_module(symbol)
        signature = signature_of(recorded(host)[symbol])
        assert signature is not None
        narrow(getattr(kind, name), signature.parameters.keys())
    for option, value in DEFAULTS.get(host, {}).items():
        setattr(shared.opts, option, value)


def remove(symbol: str) -> bool:
    """Take a symbol from the fake webui; False where it has none that can be taken."""
    try:
        thing, rest = deepest_module(symbol)
    except ModuleNotFoundError:  # gone with its module
        return False
    if not rest:
        sys.modules[symbol] = None  # type: ignore[assignment]
        parent, _, name = symbol.rpartition(".")
        if parent and hasattr(sys.modules[parent], name):
            delattr(sys.modules[parent], name)
        return True
    *path, name = rest
    for part in path:
        thing = getattr(thing, part, None)
    owner = thing if name in getattr(thing, "__dict__", {}) else type(thing)
    try:
        delattr(owner, name)
    except (AttributeError, TypeError):  # nobody's, or of a class of Python's own
        return False
    return True


def narrow(kind: Any, accepted: Collection[str]) -> None:
    """Let a dataclass have no other fields than these, those that it sets itself excepted."""
    others = {field.name for field in fields(kind) if field.init} - set(accepted)
    whole = kind.__init__

    def init(self: Any, **given: Any) -> None:
        unknown = given.keys() & others
        if unknown:
            raise TypeError(f"unexpected keyword argument {unknown.pop()!r}")
        whole(self, **given)
        for name in others:
            delattr(self, name)

    signature = inspect.signature(whole)
    kept = [each for each in signature.parameters.values() if each.name not in others]
    init.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    kind.__init__ = init
    for name in others:
        delattr(kind, name)
