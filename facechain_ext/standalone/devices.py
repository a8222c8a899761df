"""The device to compute on, checked before anything is put on it."""

from __future__ import annotations

import torch

from facechain_ext.base.errors import InvalidInput

KINDS = ("cpu", "cuda", "mps")


def usable_device(name: str | None) -> torch.device:
    """Return a device by name, or the usual one for None.

    Raises InvalidInput, saying what there is, for a device that this machine lacks.
    """
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name is None:
        return torch.device("cuda" if cards else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, ValueError) as error:
        raise InvalidInput(f"There is no device {name!r}; {_what_there_is(cards)}") from error
    here = {"cpu": 1, "cuda": cards, "mps": int(torch.backends.mps.is_available())}
    if (device.index or 0) >= here.get(device.type, 0):
        raise InvalidInput(f"The device {name!r} cannot be used here; {_what_there_is(cards)}")
    return device


def _what_there_is(cards: int) -> str:
    names = ["cpu", *(f"cuda:{number}" for number in range(cards))]
    names += ["mps"] if torch.backends.mps.is_available() else []
    missing = "" if cards else " (torch sees no CUDA card)"
    return f"use one of {', '.join(names)}{missing}."
