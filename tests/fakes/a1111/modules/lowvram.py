"""--medvram: what is on the graphics card leaves it."""

from __future__ import annotations

calls: list[str] = []


def send_everything_to_cpu() -> None:
    calls.append("send_everything_to_cpu")
