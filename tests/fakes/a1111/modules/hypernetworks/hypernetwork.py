"""Hypernetworks, which stay in the attention layers after a picture."""

from __future__ import annotations

loaded: list[str] = []


def load_hypernetworks(names: list[str], multipliers: list[float] | None = None) -> None:
    loaded[:] = names
