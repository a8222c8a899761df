"""The schedules that may follow a sampler's name."""

from __future__ import annotations

from types import SimpleNamespace

schedulers = [
    SimpleNamespace(name="automatic", label="Automatic", aliases=None),
    SimpleNamespace(name="karras", label="Karras", aliases=None),
]
