from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import CheckpointRef, GenerationRequest
from facechain_ext.lora.checkpoint import read_lora
from facechain_ext.standalone.diffusers_host import MINI
from facechain_ext.studio import fast
from facechain_ext.studio.fast import made_fast


def host(checkpoint: Path, lora_dir: Path) -> Any:
    told: list[str] = []
    return SimpleNamespace(
        current_checkpoint=lambda: CheckpointRef(checkpoint.stem, checkpoint),
        paths=SimpleNamespace(lora_dir=lora_dir),
        publish_lora=lambda lora: told.append(lora.name),
        told=told,
    )


def test_the_mini_is_fast_with_its_own_lora(tmp_path: Path) -> None:
    mini = host(MINI, tmp_path / "lora")
    request = made_fast(GenerationRequest("a woman", steps=20), mini)
    assert (request.sampler_name, request.steps, request.guidance_scale) == ("LCM", 6, 1.0)
    assert [use.lora.name for use in request.loras] == ["facechain-mini-lcm"] == mini.told
    assert read_lora(request.loras[0].lora.path)[0].told == "sd1"
    made_fast(request, mini)
    assert len(mini.told) == 1, "it is put there once"


@pytest.mark.parametrize(
    ("family", "says"), [("sd1", "lcm-lora-sdv1-5.*135 MB"), ("sdxl", "lcm-lora-sdxl.*394 MB")]
)
def test_a_missing_lora_is_said_with_how_to_get_it(
    family: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = SimpleNamespace(family=family, components=tmp_path)
    monkeypatch.setattr(fast, "inspect", lambda path: told)
    monkeypatch.setattr(fast, "read_config", lambda *_: {"block_out_channels": [320]})
    with pytest.raises(InvalidInput, match=f"(?s){says}"):
        made_fast(GenerationRequest("a woman"), host(tmp_path / "any", tmp_path))


def test_a_family_without_such_a_lora_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast, "inspect", lambda path: SimpleNamespace(family="sd2"))
    with pytest.raises(InvalidInput, match=r"no LCM LoRA for Stable Diffusion 2\.x"):
        made_fast(GenerationRequest("a woman"), host(tmp_path / "any", tmp_path))
