"""Controls through a webui's ControlNet, in both dialects, beside what the user has set in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from facechain_ext.base.controls import Control
from facechain_ext.base.errors import InvalidInput, ModelUnavailable
from facechain_ext.base.host import GenerationRequest
from tests.webui.conftest import Webui
from tools.host_uses import HostName, recorded, signature_of

pytestmark = pytest.mark.slow(6)

READS = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"
DIALECTS = {"a1111": "internal_controlnet", "forge": "lib_controlnet"}


class Network:
    """What the extension hooks into the UNet."""

    def __init__(self) -> None:
        self.restored = 0

    def restore(self) -> None:
        self.restored += 1


@dataclass
class ControlNetScript:
    """One script for both dialects: takes units, hooks a network in, tells the infotext."""

    args_from: int = 7
    args_to: int = 10
    seen: list[Any] = field(default_factory=list)
    networks: list[Network] = field(default_factory=list)
    fail_with: list[Exception] = field(default_factory=list)
    latest_network: Network | None = None
    ui_batch_option_state: list[Any] = field(default_factory=lambda: ["Each", True])

    def title(self) -> str:
        return "ControlNet"

    def process(self, job: Any, *units: Any) -> None:
        self.seen.append((self.ui_batch_option_state, units))
        self.latest_network = Network()
        self.networks.append(self.latest_network)
        job.extra_generation_params["ControlNet 0"] = "Module: none"
        if self.fail_with:
            raise self.fail_with[0]


@pytest.fixture(params=["a1111", "forge"])
def dialect(request: pytest.FixtureRequest, webui: Webui) -> str:
    """The webui has loaded its ControlNet."""
    webui.module(f"{DIALECTS[request.param]}.external_code")
    return str(request.param)


@pytest.fixture
def script(webui: Webui) -> ControlNetScript:
    made = ControlNetScript()
    webui.module("modules.scripts").scripts_txt2img.alwayson_scripts.append(made)
    return made


def put(webui: Webui, name: str, width: int) -> None:
    folder = webui.root / "models" / "ControlNet"
    folder.mkdir(parents=True, exist_ok=True)
    save_file({READS: torch.zeros(1, width)}, folder / f"{name}.safetensors")


@pytest.fixture
def model(webui: Webui) -> str:
    """A ControlNet for poses that fits the checkpoint, beside one that does not."""
    from facechain_ext.diffusion.control_choice import checkpoint_width

    put(webui, "a_xl_openpose", 2048)
    put(webui, "tiny_openpose", checkpoint_width(webui.checkpoint))
    return "tiny_openpose ["


def draw(*controls: Control) -> Any:
    from facechain_ext.webui.host import drawing

    request = GenerationRequest(
        "a", seeds=(1,), steps=1, width=64, height=64, guidance_scale=1.0, controls=controls
    )
    return drawing.draw(request, lambda function, argument: function(argument))


PICTURE = np.full((32, 32, 3), 200, np.uint8)
POSE = Control("pose", PICTURE, 0.7, 0.1, 0.8)


def test_a_control_reaches_controlnet_as_it_was_asked_for(
    webui: Webui, dialect: str, script: ControlNetScript, model: str
) -> None:
    assert len(draw(POSE, Control("pose", PICTURE))) == 1
    (first, second) = script.seen[0][1]
    assert first.enabled
    assert first.model.startswith(model)
    assert first.module == ("none" if dialect == "a1111" else "None")
    assert (first.weight, first.guidance_start, first.guidance_end) == (0.7, 0.1, 0.8)
    assert (second.weight, second.guidance_start, second.guidance_end) == (1.0, 0.0, 1.0)
    assert first.image.shape == (64, 64, 3)
    assert np.all(first.image == 200)


def test_neither_leaks_into_the_other(
    webui: Webui, dialect: str, script: ControlNetScript, model: str
) -> None:
    draw(POSE)
    assert (script.args_from, script.args_to, script.latest_network) == (7, 10, None)
    assert script.ui_batch_option_state == ["Each", True]
    assert script.seen[0][0][1] is False, "the user's style alignment is not ours"
    assert script.networks[0].restored == 1
    (job,) = webui.jobs
    assert job.extra_generation_params == {}
    draw()
    assert webui.jobs[-1].scripts.alwayson_scripts == []


def test_nothing_stays_in_the_model_after_a_drawing_that_failed(
    webui: Webui, dialect: str, script: ControlNetScript, model: str
) -> None:
    webui.module("modules.processing").fail_with.append(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        draw(POSE)
    assert script.networks[0].restored == 1


@pytest.mark.parametrize("controls", [(), (POSE,)])
def test_what_a_failed_drawing_of_somebody_else_left_does_not_lead_ours(
    webui: Webui, dialect: str, script: ControlNetScript, model: str, controls: tuple[Control, ...]
) -> None:
    left = script.latest_network = Network()
    draw(*controls)
    assert (left.restored, script.latest_network) == (1, None)


def test_a_failure_that_the_webui_would_only_log_is_said(
    webui: Webui, dialect: str, script: ControlNetScript, model: str
) -> None:
    script.fail_with.append(KeyError("input_blocks.5.1"))
    with pytest.raises(InvalidInput, match=r"ControlNet failed with tiny_openpose.*input_blocks"):
        draw(POSE)


def test_a_webui_without_controlnet_is_told_how_to_get_it(webui: Webui) -> None:
    with pytest.raises(ModelUnavailable, match="install the extension sd-webui-controlnet"):
        draw(POSE)
    draw()


def test_a_controlnet_whose_script_does_not_run_is_as_good_as_none(
    webui: Webui, dialect: str, model: str
) -> None:
    with pytest.raises(ModelUnavailable, match="has no ControlNet"):
        draw(POSE)


def test_a_missing_model_is_said_and_one_of_another_family_named(
    webui: Webui, dialect: str, script: ControlNetScript
) -> None:
    with pytest.raises(InvalidInput, match="whose name says openpose into its models/ControlNet"):
        draw(POSE)
    put(webui, "xl_openpose", 2048)
    with pytest.raises(InvalidInput, match=r"fits a small checkpoint: xl_openpose.* is for SDXL"):
        draw(POSE)


@pytest.mark.model
def test_the_minis_own_is_brought_along(
    webui: Webui, dialect: str, script: ControlNetScript, monkeypatch: Any
) -> None:
    from facechain_ext.webui.host import controlnet

    monkeypatch.setattr(controlnet, "checkpoint_width", lambda _: 192)
    draw(POSE)
    brought = webui.root / "models" / "ControlNet" / "facechain-mini-openpose.safetensors"
    written = brought.stat().st_mtime_ns
    draw(POSE)
    assert brought.stat().st_mtime_ns == written
    assert [units[0].model.split()[0] for _, units in script.seen] == [brought.stem] * 2


def test_a_missing_preprocessor_is_said(
    webui: Webui, dialect: str, script: ControlNetScript, model: str, monkeypatch: Any
) -> None:
    place = {"a1111": "external_code", "forge": "global_state"}[dialect]
    names = webui.module(f"{DIALECTS[dialect]}.{place}")
    monkeypatch.setattr(names, "preprocessors", ["openpose_full"])
    with pytest.raises(InvalidInput, match="lacks its preprocessor 'none'"):
        draw(POSE)


@pytest.mark.parametrize("host", get_args(HostName))
def test_every_real_unit_knows_every_field(
    webui: Webui, host: HostName, script: ControlNetScript, model: str
) -> None:
    from facechain_ext.webui.host.controlnet import unit_of
    from facechain_ext.webui.host.controlnet_dialects import BuiltIn

    class Recorded(BuiltIn):
        def unit(self, **fields: Any) -> Any:
            package = DIALECTS["a1111" if host == "a1111" else "forge"]
            real = recorded(host)[f"{package}.external_code.ControlNetUnit"]
            signature = signature_of(real)
            assert signature is not None
            return signature.bind(**fields)

    webui.module("lib_controlnet.external_code")
    unit_of(POSE, Recorded(), (64, 64))
