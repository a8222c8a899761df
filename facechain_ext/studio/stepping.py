"""Steps of pictures that the host draws, told to whoever looks on."""

from __future__ import annotations

from collections.abc import Callable

from facechain_ext.base.events import Drawing
from facechain_ext.base.host import Host, StepCallback

Tell = Callable[[Drawing], None]


def stepping(
    host: Host, tell: Tell | None, place: Callable[[int], tuple[int, int]]
) -> StepCallback:
    """Return what a host calls at every step; place: a picture's number, and of how many it is.

    What is drawn may hold more pictures than were asked for; the number stays the last one then.
    """

    def on_step(picture: int, step: int, steps: int) -> None:
        if tell is not None:
            number, pictures = place(picture)
            tell(Drawing(min(number, pictures), pictures, step, steps, host.preview()))

    return on_step
