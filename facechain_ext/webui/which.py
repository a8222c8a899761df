"""Which webui we live in, told by what it can do, and the Host that speaks its language."""

from __future__ import annotations

from typing import Protocol

from facechain_ext.base.errors import FaceChainError
from facechain_ext.base.host import Host
from facechain_ext.webui.host.capabilities import has

MEMORY_MANAGERS = ("backend.memory_management", "ldm_patched.modules.model_management")


class MiniTeacher(Protocol):
    """What teaches a webui's loader to load the mini."""

    def teach(self) -> None:
        """Make the mini known; may be called again."""

    def forget(self) -> None:
        """Leave the loader as it was."""


def is_forge() -> bool:
    """Whether this is Forge or one of its descendants, which draw on a main thread of theirs."""
    return has("modules_forge.main_thread")


def make_host() -> Host:
    """Return the one host of this webui; raises FaceChainError in one that we do not know."""
    if is_forge():
        if not any(map(has, MEMORY_MANAGERS)):
            raise FaceChainError(
                "This webui is a relative of Forge that manages its memory in a way of its own; "
                "FaceChain does not work in it."
            )
        from facechain_ext.webui.forge.host import ForgeHost

        return ForgeHost()
    from facechain_ext.webui.a1111.host import A1111Host

    return A1111Host()


def mini_teacher() -> MiniTeacher | None:
    """Return who teaches this webui the mini; None where the .yaml beside the file is enough.

    Raises FaceChainError where nobody can.
    """
    if not is_forge():
        return None
    if has("huggingface_guess.model_list"):
        from facechain_ext.webui.forge import mini

        return mini
    if has("ldm_patched.modules.supported_models"):
        from facechain_ext.webui.forge import ldm_patched_mini

        return ldm_patched_mini
    raise FaceChainError("The FaceChain mini is not listed: this webui cannot load it.")
