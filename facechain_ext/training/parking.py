"""Keep what training does not use off the device: the autoencoder and the text encoders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from facechain_ext.base.host import DiffusionModel


@runtime_checkable
class Parkable(Protocol):
    """A model that names the modules which its denoiser can do without.

    One that moves them by itself, as the webui's does, names none.
    """

    @property
    def idle_modules(self) -> Sequence[nn.Module]: ...


class Parking:
    """Moves idle modules to the CPU and back; their values do not change."""

    def __init__(self, model: DiffusionModel, *, working: Sequence[nn.Module] = ()) -> None:
        """Leave alone what is working: modules that are trained, for once."""
        idle = model.idle_modules if isinstance(model, Parkable) else ()
        modules = [module for module in idle if all(module is not other for other in working)]
        self._places = [(module, next(module.parameters()).device) for module in modules]

    @property
    def saves(self) -> int:
        """Bytes that parking frees on the device."""
        return sum(
            parameter.numel() * parameter.element_size()
            for module, _ in self._places
            for parameter in module.parameters()
        )

    @contextmanager
    def parked(self, *, enabled: bool = True) -> Iterator[None]:
        """Have the modules on the CPU, and back where they were on leaving."""
        if not enabled:
            yield
            return
        for module, _ in self._places:
            module.to("cpu")
        if any(device.type == "cuda" for _, device in self._places):
            torch.cuda.empty_cache()
        try:
            yield
        finally:
            self._return()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Have parked modules on their device for a while."""
        now = [(module, next(module.parameters()).device) for module, _ in self._places]
        try:
            self._return()
            yield
        finally:
            for module, device in now:
                module.to(device)

    def _return(self) -> None:
        for module, device in self._places:
            module.to(device)
