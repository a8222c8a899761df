"""Which webui we live in, and the Host that speaks its language."""

from __future__ import annotations

from importlib.util import find_spec

from facechain_ext.base.errors import FaceChainError
from facechain_ext.base.host import Host


def is_forge() -> bool:
    """Whether this is Forge or one of its descendants."""
    return find_spec("modules_forge") is not None


def has(module: str) -> bool:
    """Whether a module is there by its dotted name; its parents are imported, it is not."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a parent
        return False


def make_host() -> Host:
    """Return the one host of this webui; raises FaceChainError in one that we do not know."""
    if is_forge():
        if not has("backend.memory_management"):
            raise FaceChainError(
                "This webui is a relative of Forge without Forge's backend, as reForge and Forge "
                "Classic are; FaceChain does not work in these yet."
            )
        from facechain_ext.webui.forge.host import ForgeHost

        return ForgeHost()
    from facechain_ext.webui.a1111.host import A1111Host

    return A1111Host()
