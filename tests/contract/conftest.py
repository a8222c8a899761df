"""Every Host there is, over one tiny checkpoint, each in a webui of its own where it needs one."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from facechain_ext.base.host import Host
from facechain_ext.standalone.diffusers_host import DiffusersHost

FAKES = Path(__file__).parents[1] / "fakes"
FOREIGN = ("modules", "modules_forge", "backend", "huggingface_guess", "networks")


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
        if name.split(".")[0] in FOREIGN or name.startswith("facechain_ext.webui"):
            del sys.modules[name]


@pytest.fixture
def a1111(tmp_path: Path, tiny_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Webui]:
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
def forge_host(tmp_path: Path, tiny_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with living_in(tmp_path / "fôrge data", tiny_file, "webui"):
        from facechain_ext.webui.forge import host as forge
        from facechain_ext.webui.forge import thread

        # In Forge our jobs have threads of their own: the tests' thread is no main thread here.
        monkeypatch.setattr(thread, "main_thread", lambda: None)
        yield forge.ForgeHost()


@pytest.fixture
def diffusers_host(tmp_path: Path, tiny_folder: Path) -> DiffusersHost:
    return DiffusersHost(tmp_path / "données", tiny_folder, device="cpu")


@pytest.fixture(params=["a1111", "forge", "diffusers"])
def host(request: pytest.FixtureRequest) -> Host:
    found: Host = request.getfixturevalue(f"{request.param}_host")
    return found
