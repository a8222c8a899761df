"""What the page needs from the program that it lives in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from facechain_ext.jobs.queue import Jobs

if TYPE_CHECKING:
    from facechain_ext.studio.studio import Studio


def _no_samplers() -> Sequence[str]:
    return ()


def _as_shipped(config: type[Any]) -> Any:
    return config()


@dataclass(frozen=True)
class SendSources:
    """The components that a host's "Send to ..." buttons read: a Gallery and a Textbox.

    called: tells the buttons of one panel from another's.
    """

    gallery: Any
    infotext: Any
    called: str = ""


PasteTarget = str | Callable[[Mapping[str, Any]], Any]
"""A field of an infotext, or a function from all its fields to a value or an update."""


@dataclass(frozen=True)
class Services:
    """What the panels call.

    sampler_names: empty where there is no choice. send_buttons: called inside the page, below the
    portraits; draws and wires the host's buttons. paste_fields: told which components an infotext
    restores. redraws: whether this host has a hires pass and restores faces. defaults: makes a
    PrepareConfig, TrainConfig or PortraitConfig as the user wants it to begin. offline: nothing is
    to be fetched or installed.
    """

    studio: Studio
    jobs: Jobs
    sampler_names: Callable[[], Sequence[str]] = _no_samplers
    send_buttons: Callable[[SendSources], None] | None = None
    paste_fields: Callable[[Sequence[tuple[Any, PasteTarget]]], None] | None = None
    redraws: bool = False
    defaults: Callable[[type[Any]], Any] = _as_shipped
    offline: bool = False

    def sampler_choices(self) -> dict[str, list[str]]:
        """Return what a form may offer for sampler_name; nothing where there is no choice."""
        samplers = [*self.sampler_names()]
        return {"sampler_name": samplers} if samplers else {}
