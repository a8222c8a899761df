"""How Forge makes layers."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any


def using_forge_operations(
    operations: Any = None,
    device: Any = None,
    dtype: Any = None,
    manual_cast_enabled: Any = None,
    bnb_dtype: Any = None,
) -> Any:
    return nullcontext()
