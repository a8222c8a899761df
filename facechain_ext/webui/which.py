"""Which webui we live in, and the Host that speaks its language."""

from __future__ import annotations

from importlib.util import find_spec

from facechain_ext.base.host import Host


def is_forge() -> bool:
    """Whether this is Forge or one of its descendants."""
    return find_spec("modules_forge") is not None


def make_host() -> Host:
    """Return the one host of this webui."""
    if is_forge():
        from facechain_ext.webui.forge.host import ForgeHost

        return ForgeHost()
    from facechain_ext.webui.a1111.host import A1111Host

    return A1111Host()
