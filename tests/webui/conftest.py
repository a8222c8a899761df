"""A webui to live in: the fakes of tests/fakes/webui, fresh for every test."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.fakes.forges import become
from tools.host_uses import A1111S_OWN, FORGES, FORGES_OWN, HostName

FAKES = Path(__file__).parents[1] / "fakes" / "webui"
DROPPED = tuple(
    f"{name}." for name in ("modules", "networks", *FORGES_OWN, *A1111S_OWN, "facechain_ext.webui")
)


class Webui:
    """The fake webui's modules by their dotted names, as attributes of one object."""

    def __init__(self, root: Path, checkpoint: Path) -> None:
        self.root = root
        self.checkpoint = checkpoint

    def module(self, name: str) -> Any:
        return importlib.import_module(name)

    @property
    def state(self) -> Any:
        return self.module("modules.shared").state

    @property
    def lock(self) -> Any:
        return self.module("modules.call_queue").queue_lock

    @property
    def jobs(self) -> list[Any]:
        """What txt2img was asked to draw."""
        jobs: list[Any] = self.module("modules.processing").jobs
        return jobs


@pytest.fixture
def host_name() -> HostName:
    """The webui to live in; a test that is given another name is in that one."""
    return "forge"


@pytest.fixture
def webui(
    host_name: HostName, tmp_path: Path, tiny_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Webui]:
    """A webui with one checkpoint, in a folder with a space and an accent."""
    root = tmp_path / "wébui data"
    _forget()
    monkeypatch.syspath_prepend(str(FAKES))
    fake = Webui(root, tiny_file)
    if host_name in FORGES:
        become(host_name)
    paths, shared = fake.module("modules.paths"), fake.module("modules.shared")
    paths.data_path, paths.models_path = str(root), str(root / "models")
    shared.cmd_opts.lora_dir = str(root / "models" / "Lora")
    shared.face_restorers.append(_restorer(root / "models" / "Codeformer"))
    fake.module("modules.sd_models").CheckpointInfo(str(tiny_file)).register()
    fake.module("networks")  # the webui has loaded its LoRA extension
    yield fake
    _close_jobs()
    _forget()


def _close_jobs() -> None:
    """End the thread that carries jobs out, where a test has begun it."""
    services = sys.modules.get("facechain_ext.webui.services")
    jobs = getattr(services, "jobs", None)
    if jobs is not None and jobs.cache_info().currsize:
        jobs().close()


def _restorer(folder: Path) -> SimpleNamespace:
    return SimpleNamespace(
        name=lambda: "CodeFormer", model_path=str(folder), restore=lambda image: 255 - image
    )


def _forget() -> None:
    """Drop the webui's modules, and ours that hold on to them."""
    for name in list(sys.modules):
        if f"{name}.".startswith(DROPPED):
            del sys.modules[name]
