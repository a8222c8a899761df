"""What a webui can do, told by the modules it has; its name and version say nothing about it."""

from __future__ import annotations

from importlib.util import find_spec


def has(module: str) -> bool:
    """Whether a module is there by its dotted name; its parents are imported, it is not."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a parent
        return False
