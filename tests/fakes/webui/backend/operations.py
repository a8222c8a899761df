"""How Forge makes layers."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any


def using_forge_operations(**how: Any) -> Any:
    return nullcontext()
