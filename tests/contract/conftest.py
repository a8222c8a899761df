"""Every Host there is, over a tiny checkpoint, each in a webui of its own where it needs one."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from facechain_ext.base.host import Host
from facechain_ext.standalone.diffusers_host import DiffusersHost
from tests.fakes.forges import become
from tools.host_uses import FORGES, FORGES_OWN

FAKES = Path(__file__).parents[1] / "fakes"
DROPPED = tuple(f"{name}." for name in ("modules", "networks", *FORGES_OWN, "facechain_ext.webui"))


class Webui:
    """A fake webui's modules by their dotted names."""

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint

    def module(self, name: str) -> Any:
        return importlib.import_module(name)

    @property
    def shared(self) -> Any:
        return self.module("modules.shared")

    @property
    def lock(self) -> Any:
        return self.module("modules.call_queue").queue_lock


@contextmanager
def living_in(root: Path, checkpoint: Path, *fakes: str) -> Iterator[Webui]:
    """Live in the webui made of these folders of fakes, the first going before the others."""
    _forget()
    folders = [str(FAKES / name) for name in fakes]
    sys.path[:0] = folders
    try:
        webui = Webui(checkpoint)
        paths, shared = webui.module("modules.paths"), webui.shared
        paths.data_path, paths.models_path = str(root), str(root / "models")
        shared.cmd_opts = SimpleNamespace(
            lora_dir=str(root / "models" / "Lora"), facechain_data_dir=None, lowvram=False
        )
        shared.opts.sd_model_checkpoint = checkpoint.name
        webui.module("modules.sd_models").CheckpointInfo(str(checkpoint)).register()
        webui.module("networks")
        yield webui
    finally:
        _forget()
        for folder in folders:
            sys.path.remove(folder)


def _forget() -> None:
    """Drop the webui's modules, and ours that hold on to them."""
    for name in list(sys.modules):
        if f"{name}.".startswith(DROPPED):
            del sys.modules[name]


@pytest.fixture
def a1111(
    tmp_path: Path, tiny_file: Path, monkeypatch: pytest.MonkeyPatch, quick_samples: None
) -> Iterator[Webui]:
    """A1111 with the tiny checkpoint loaded into LDM's real classes."""
    pytest.importorskip("ldm", reason="LDM's classes are not installed here")
    with living_in(tmp_path / "wébui data", tiny_file, "a1111", "webui") as webui:
        from tests.fakes.a1111.drawing import draw

        monkeypatch.setattr(webui.module("modules.processing"), "_draw", draw)
        webui.module("modules.sd_models").reload_model_weights()
        yield webui
        sys.modules.pop("tests.fakes.a1111.drawing")


@pytest.fixture
def a1111_host(a1111: Webui) -> Any:
    from facechain_ext.webui.a1111.host import A1111Host

    return A1111Host()


@pytest.fixture
def host_in(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    small_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    quick_samples: None,
) -> Iterator[Callable[[str], Any]]:
    """Return the host in a webui of this name; in Forge or a descendant as they choose it."""
    with ExitStack() as stack:

        def host_in(name: str) -> Any:
            if name not in FORGES:
                return request.getfixturevalue(f"{name}_host")
            stack.enter_context(living_in(tmp_path / "fôrge data", small_file, "webui"))
            become(name)
            from facechain_ext.webui.forge import thread
            from facechain_ext.webui.which import make_host

            # In Forge our jobs have threads of their own: the tests' is no main thread here.
            monkeypatch.setattr(thread, "main_thread", lambda: None)
            return make_host()

        yield host_in


@pytest.fixture
def diffusers_host(tmp_path: Path, small_folder: Path) -> DiffusersHost:
    return DiffusersHost(tmp_path / "données", small_folder, device="cpu")


IN_WEBUIS = ["a1111", "forge", *(pytest.param(each, marks=pytest.mark.once) for each in FORGES[1:])]
"""Forge's descendants differ from it in what is absent, which no version of a library changes."""


@pytest.fixture(params=[*IN_WEBUIS, "diffusers"])
def host(request: pytest.FixtureRequest, host_in: Callable[[str], Host]) -> Host:
    return host_in(request.param)
