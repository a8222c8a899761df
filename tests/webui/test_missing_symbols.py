"""A webui that lacks any one symbol of those we use: nothing raises, and little is lost."""

from __future__ import annotations

import importlib
import runpy
import sys
from contextlib import suppress
from functools import cache, reduce
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest
import torch

pytest.importorskip("gradio")

from facechain_ext.base.events import CheckpointSaved, Preview, Stage, Step
from facechain_ext.ui.page.services import SendSources
from tests.fakes.forges import remove
from tests.webui.conftest import FAKES, Webui
from tools.host_uses import FORGES, HostName, Use, recorded, uses_for
from tools.record_signatures import deepest_module

pytestmark = pytest.mark.slow(12)

ROOT = Path(__file__).parents[2]
MINI = "facechain-mini.safetensors"

PAGE = {"tab", "samplers", "send buttons", "png info"}
EVERYTHING = {"settings", "upscalers", "mini", *PAGE}

COSTS: dict[str, set[str]] = {
    "register.py": EVERYTHING,
    "settings.py": {"settings", "upscalers"},
    "mini_listing.py": {"mini"},
    **{f"forge/{name}.py": {"mini"} for name in ("mini", "ldm_patched_mini")},
    "sending.py": {"send buttons", "png info"},
    "services.py": {"samplers"},
    "tab.py": PAGE,
    "host/upscalers.py": {"upscalers"},
    **{name: set() for name in ("drawing", "live_preview", "tagging", "face_restoring", "loras")},
}
"""What is lost at most where a file of ours lacks something; PAGE where it is one of the host's.

The host's are those without which none can be made: folders, queue, state, checkpoints, saving.
"""

WHOLE = {"modules.shared", "modules.shared.opts", "modules.shared.opts.data"}
"""Without these a webui has neither settings nor a place for a tab."""

ONCE: tuple[HostName, ...] = ("a1111", "forge", "reforge")
"""One of each kind: the others have nothing that none of these has."""

PARTS = [(host, symbol) for host in ONCE for symbol in sorted(recorded(host))]


class Lacking:
    """A fake webui that lacks one symbol and is used as the real one would use us."""

    def __init__(self, webui: Webui, monkeypatch: pytest.MonkeyPatch, weights: Path) -> None:
        self.webui, self.page, self.samplers = webui, SimpleNamespace(blocks={}), []
        self.ours: Any = None
        weights.touch()
        webui.module("modules.shared").sd_upscalers.append(
            SimpleNamespace(name="mine", local_data_path=str(weights))
        )
        from facechain_ext.ui import error_panel

        monkeypatch.setattr(error_panel, "build_error_panel", error_panel.explain)
        tab: Any = SimpleNamespace(build_tab=self.build_tab)
        monkeypatch.setitem(sys.modules, "facechain_ext.ui.tab", tab)

    def build_tab(self, services: Any) -> Any:
        self.ours, self.samplers = services, services.sampler_names()
        services.send_buttons(SendSources("gallery", "text"))
        services.paste_fields([("field", "Steps")])
        return self.page

    def start(self) -> set[str]:
        """Run our script and call all that it has registered; returns what is there then."""
        runpy.run_path(str(ROOT / "scripts" / "facechain.py"), run_name="facechain.py")
        called = self.find("modules.script_callbacks.registered") or {}
        mini = self.list_the_mini()
        self.call(called, "ui_settings")
        self.call(called, "before_ui")
        for elem_id in ("pnginfo_generation_info", "extras_tab"):
            self.call(called, "after_component", SimpleNamespace(elem_id=elem_id), elem_id=elem_id)
        tabs = self.call(called, "ui_tabs") or []
        there = mini | self.settings() | self.sent() | ({"samplers"} if self.samplers else set())
        self.tell_progress()
        self.call(called, "script_unloaded")
        return there | ({"tab"} if [page for page, _, _ in tabs] == [self.page] else set())

    def settings(self) -> set[str]:
        labels = self.find("modules.shared.opts.data_labels") or {}
        if len(labels) < 15:
            return set()
        labels["facechain_list_mini"].onchange()
        choices = labels["facechain_upscaler"].component_args()["choices"]
        return {"settings", "upscalers"} if "mine" in choices else {"settings"}

    def list_the_mini(self) -> set[str]:
        """Have the checkpoints listed anew, and the mini's VAE looked for, as the webui does."""
        with suppress(NameError):  # of the fake's own that we took away
            if list_models := self.find("modules.sd_models.list_models"):
                list_models()
        listed = MINI in (self.find("modules.sd_models.checkpoints_list") or {})
        for checkpoint in ("somebody's.safetensors", MINI):
            with suppress(NameError):
                if resolve_vae := self.find("modules.sd_vae.resolve_vae"):
                    resolve_vae(checkpoint)
        return {"mini"} if listed else set()

    def sent(self) -> set[str]:
        bindings = self.find("modules.infotext_utils.registered_param_bindings") or []
        tabs = {each.tabname for each in bindings}
        parts = {"txt2img": "send buttons", "facechain": "png info"}
        return {part for tab, part in parts.items() if tab in tabs}

    def tell_progress(self) -> None:
        """Let our job and our drawing tell the webui how far they are."""
        if self.ours is None:
            return
        picture = np.zeros((8, 8, 3), np.uint8)
        host = self.ours.studio.host
        host.state._shown = True
        for event in (Stage("cache"), Step(3, 40, 0.5, 1e-3, 2.0, 18.0), CheckpointSaved(3, Path()),
                      Preview(3, (picture,), (None,))):  # fmt: skip
            host.progress(event)
        from facechain_ext.webui.host import drawing

        with drawing.steps_told(lambda *_: None, done=0):
            for told in self.find("modules.script_callbacks.callbacks") or ():
                told(SimpleNamespace())
        self.see_what_is_drawn(host)

    def see_what_is_drawn(self, host: Any) -> None:
        if state := self.find("modules.shared.state"):
            state.current_latent, state.sampling_step = torch.zeros(1, 4, 8, 8), 10
        with host._previewed():
            host.preview()

    def call(self, called: Any, name: str, *arguments: Any, **named: Any) -> Any:
        return called[name](*arguments, **named) if name in called else None

    def find(self, symbol: str) -> Any:
        """Return what a symbol stands for, None where it is not there."""
        thing: Any = None
        with suppress(AttributeError, ImportError):
            module, rest = deepest_module(symbol)
            thing = reduce(getattr, rest, module)
        return thing


@cache
def uses(host: HostName) -> tuple[Use, ...]:
    return tuple(uses_for(host))


def may_cost(host: HostName, symbol: str) -> set[str]:
    """Return what may be lost with a symbol, by the files that use it or something of it."""
    if symbol in WHOLE:
        return EVERYTHING
    found = [use for use in uses(host) if f"{use.symbol}.".startswith(f"{symbol}.")]
    files = {use.place.partition(":")[0] for use in found}
    names = {file if file in COSTS else Path(file).stem for file in files}
    return set().union(*(COSTS.get(name, PAGE) for name in names))


@pytest.fixture
def lives(
    host_name: HostName, webui: Webui, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Lacking:
    which = importlib.import_module("facechain_ext.webui.which")
    monkeypatch.setattr(which, "is_forge", lambda: host_name in FORGES)
    if host_name == "a1111":
        sys.modules["modules"].__path__.append(str(FAKES.parent / "a1111" / "modules"))
    return Lacking(webui, monkeypatch, tmp_path / "weights.pth")


@pytest.mark.parametrize("host_name", get_args(HostName))
def test_where_nothing_is_missing_everything_is_there(lives: Lacking) -> None:
    assert lives.start() == EVERYTHING


@pytest.mark.parametrize(
    ("host_name", "symbol"),
    PARTS,
    ids=["-".join(pair) for pair in PARTS],
)
def test_a_missing_symbol_costs_what_needs_it(
    lives: Lacking, host_name: HostName, symbol: str
) -> None:
    if not remove(symbol):
        pytest.skip("not in the fake, or of a class of Python's own")
    lost = EVERYTHING - lives.start()
    assert lost <= may_cost(host_name, symbol)
