"""What a prompt asks for besides words, and what is checked before anything is loaded."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from facechain_ext.base.errors import InvalidInput, UnsupportedCheckpoint
from facechain_ext.base.host import GenerationRequest, LoraUse
from facechain_ext.base.infotext import lora_hashes, parse_infotext
from facechain_ext.base.records import LoraFile
from facechain_ext.lora.checkpoint import save_lora
from facechain_ext.lora.merge import Strength
from facechain_ext.lora.tags import split_tags
from facechain_ext.standalone.devices import usable_device
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.standalone.order import ordered

pytestmark = pytest.mark.slow(6)

UNET = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
TEXT = "lora_te_text_model_encoder_layers_0_mlp_fc1"
PLAIN = GenerationRequest("a photo", seeds=(1,), steps=2)
Save = Callable[..., LoraFile]


@pytest.fixture
def host(tmp_path: Path, small_folder: Path) -> DiffusersHost:
    return DiffusersHost(tmp_path, small_folder, device="cpu")


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def make(name: str, folder: str = "", **metadata: str) -> LoraFile:
        generator = torch.Generator().manual_seed(1)
        tensors = {
            f"{UNET}.diff": torch.randn(32, 32, generator=generator),
            f"{TEXT}.diff": torch.randn(64, 32, generator=generator),
        }
        return save_lora(tmp_path / "lora" / folder / f"{name}.safetensors", tensors, metadata)

    return make


def both(weight: float) -> Strength:
    return Strength(weight, weight)


@pytest.mark.parametrize(
    ("tag", "name", "strength", "rank"),
    [
        ("<lora:x>", "x", both(1.0), None),
        ("<lora:x:0.5>", "x", both(0.5), None),
        ("<lora:x:-1>", "x", both(-1.0), None),
        ("<lora:x:0.5:0.25>", "x", Strength(unet=0.25, text=0.5), None),
        ("<lora:x:te=0.5>", "x", both(0.5), None),
        ("<lora:x:unet=0.5>", "x", Strength(unet=0.5, text=1.0), None),
        ("<lora:x:te=0:unet=0.5>", "x", Strength(unet=0.5, text=0.0), None),
        ("<lora:x:0.7:unet=0.5>", "x", Strength(unet=0.5, text=0.7), None),
        ("<lora:x:1:1:8>", "x", both(1.0), 8),
        ("<lora:x:dyn=4>", "x", both(1.0), 4),
        ("<lora:Ana (2019) é:1>", "Ana (2019) é", both(1.0), None),
    ],
)
def test_a_tag_is_read_as_the_webui_reads_it(
    tag: str, name: str, strength: Strength, rank: int | None
) -> None:
    text, (lora,), others = split_tags(f"a {tag} photo")
    assert (text, others) == ("a  photo", ())
    assert (lora.name, lora.strength, lora.rank) == (name, strength, rank)


@pytest.mark.parametrize("tag", ["<lora:x:strong>", "<lora:x:nan>", "<lora:x:1:1:-2>", "<lora:x:>"])
def test_a_weight_that_is_no_number_is_refused(tag: str) -> None:
    with pytest.raises(InvalidInput, match=f"{tag} in the prompt"):
        split_tags(tag)


def test_a_tag_acts_as_the_same_lora_in_the_request(host: DiffusersHost, save: Save) -> None:
    lora = save("file-1", folder="deep/down", ss_output_name="Lisa")
    (plain,) = host.generate(PLAIN)
    (asked,) = host.generate(replace(PLAIN, loras=(LoraUse(lora, 0.6),)))
    assert not np.array_equal(asked.pixels, plain.pixels)
    for name in ("file-1", "Lisa"):
        (drawn,) = host.generate(replace(PLAIN, prompt=f"a photo<lora:{name}:0.6>"))
        assert np.array_equal(drawn.pixels, asked.pixels)
        prompt, _, fields = parse_infotext(drawn.infotext)
        assert prompt == f"a photo<lora:{name}:0.6>"
        assert fields["Lora hashes"] == f"{name}: {lora.sha256[:12]}"
        assert drawn.notes == ()


def test_the_two_weights_are_the_text_encoders_and_the_unets(
    host: DiffusersHost, save: Save
) -> None:
    save("x")
    drawn = {
        weights: next(iter(host.generate(replace(PLAIN, prompt=f"a photo<lora:x:{weights}>"))))
        for weights in ("0:0", "1:0", "0:1")
    }
    (plain,) = host.generate(PLAIN)
    assert np.array_equal(drawn["0:0"].pixels, plain.pixels)
    assert not np.array_equal(drawn["1:0"].pixels, plain.pixels)
    assert not np.array_equal(drawn["0:1"].pixels, drawn["1:0"].pixels)


@pytest.mark.parametrize("tag", ["<lora:nobody:1>", "<lora:two:1>", "<hypernet:x:1>", "<lora::1>"])
def test_unknown_networks_are_told_and_drawn_without(
    host: DiffusersHost, save: Save, tag: str, caplog: pytest.LogCaptureFixture
) -> None:
    for number in "12":
        save(f"file-{number}", ss_output_name="two")
    (plain,) = host.generate(PLAIN)
    (drawn,) = host.generate(replace(PLAIN, prompt=f"a photo{tag}"))
    assert np.array_equal(drawn.pixels, plain.pixels)
    assert "Lora hashes" not in parse_infotext(drawn.infotext)[2]
    (note,) = drawn.notes
    assert note in caplog.text
    assert note.endswith("Drawn without.")


def test_linked_folders_are_searched(host: DiffusersHost, save: Save, tmp_path: Path) -> None:
    lora = save("x", folder="../elsewhere")
    (tmp_path / "lora").mkdir(exist_ok=True)
    (tmp_path / "lora" / "linked").symlink_to(lora.path.parent, target_is_directory=True)
    (tmp_path / "lora" / "loop").symlink_to(tmp_path / "lora", target_is_directory=True)
    order = ordered(replace(PLAIN, prompt="<lora:x:1>"), tmp_path / "lora")
    assert [use.name for use in order.loras] == ["x"]


def test_names_in_the_hashes_keep_no_separator() -> None:
    """extra_networks_lora.py leaves ":" and "," out; its paste raises where they stay."""
    assert lora_hashes({"a, b: c": "0123456789abcdef", "d": "1" * 64}) == (
        "a b c: 0123456789ab, d: 111111111111"
    )
    assert lora_hashes({}) == ""


def test_the_infotext_tells_noise_and_schedule(host: DiffusersHost) -> None:
    (drawn,) = host.generate(PLAIN)
    fields = parse_infotext(drawn.infotext)[2]
    assert (fields["RNG"], fields["Schedule type"]) == ("CPU", "Karras")


def test_lcm_draws_and_is_told(host: DiffusersHost) -> None:
    (usual,) = host.generate(PLAIN)
    (drawn,) = host.generate(replace(PLAIN, sampler_name="LCM"))
    fields = parse_infotext(drawn.infotext)[2]
    assert (fields["Sampler"], fields["Schedule type"]) == ("LCM", "SGM Uniform")
    assert np.abs(drawn.pixels.astype(int) - usual.pixels).max() > 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sampler_name": "Euler a"}, "Euler a"),
        ({"sampler_name": "LCM", "steps": 51}, "1 to 50 steps, not 51"),
        ({"hires_scale": 2.0}, "needs the webui"),
        ({"width": 100}, "multiples of 8, not 100 x 0"),
        ({"height": -8}, "multiples of 8"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_loading(
    host: DiffusersHost, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason):
        host.generate(replace(PLAIN, **changes))  # type: ignore[arg-type]
    assert "_model" not in vars(host)


@pytest.mark.parametrize("name", ["cuda:77", "foo", "cuda:x", "meta", "cpu:3", "", "xpu"])
def test_a_device_that_is_not_there_is_refused_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match=rf"device {name!r}.* use one of cpu"):
        DiffusersHost(tmp_path, device=name)


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_machine_without_cards_says_so(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InvalidInput, match="no CUDA card"):
        usable_device(name)
    assert usable_device(None) == torch.device("cpu")


def test_one_bad_tensor_is_told_before_anything_is_loaded(tmp_path: Path, tiny_file: Path) -> None:
    folder = Path(shutil.copytree(tiny_file.parent, tmp_path / "copy"))
    tensors = {**load_file(tiny_file), "model.diffusion_model.out.2.bias": torch.ones(5)}
    save_file(tensors, folder / tiny_file.name)
    host = DiffusersHost(tmp_path, folder / tiny_file.name, device="cpu")
    with pytest.raises(UnsupportedCheckpoint, match=r"out\.2\.bias has shape"):
        host.current_checkpoint()
    assert "_model" not in vars(host)


def test_a_folder_keeps_its_whole_name(tmp_path: Path, small_folder: Path) -> None:
    (tmp_path / "model.v1.5").symlink_to(small_folder, target_is_directory=True)
    host = DiffusersHost(tmp_path, tmp_path / "model.v1.5", device="cpu")
    assert host.current_checkpoint().name == "model.v1.5"
    (drawn,) = host.generate(PLAIN)
    assert parse_infotext(drawn.infotext)[2]["Model"] == "model.v1.5"
