"""LDM names round-trip through diffusers' own single-file reader."""

from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

from facechain_ext.diffusion.ldm_keys import text_to_ldm, unet_to_ldm, vae_to_ldm


def small_unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(32, 64, 96, 96),
        layers_per_block=2,
        cross_attention_dim=16,
        attention_head_dim=4,
    )


def small_vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(32, 32, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=4,
        sample_size=32,
    )


def small_text() -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=20,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            bos_token_id=18,
            eos_token_id=19,
            pad_token_id=19,
        )
    )


def assert_same(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("build", "convert", "subfolder"),
    [(small_unet, unet_to_ldm, "unet"), (small_vae, vae_to_ldm, "vae")],
)
def test_round_trip_through_single_file(tmp_path: Path, build, convert, subfolder: str) -> None:
    model = build()
    model.save_config(tmp_path / subfolder)
    file = tmp_path / "checkpoint.safetensors"
    # The reader tells the model family by these two tensors' names and shapes.
    marker = {"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(32, 4, 3, 3)}
    save_file({**marker, **_packed(convert(model.state_dict(), model.config))}, file)
    again = type(model).from_single_file(
        str(file), config=str(tmp_path), subfolder=subfolder, local_files_only=True
    )
    assert_same(model.state_dict(), again.state_dict())


def test_unet_names_are_those_of_openaimodel() -> None:
    names = set(unet_to_ldm(small_unet().state_dict(), small_unet().config))
    expected = {
        "time_embed.2.bias",
        "input_blocks.3.0.op.weight",
        "input_blocks.4.0.skip_connection.weight",
        "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight",
        "input_blocks.11.0.out_layers.3.weight",
        "middle_block.2.emb_layers.1.weight",
        "output_blocks.2.1.conv.weight",
        "output_blocks.5.2.conv.weight",
        "output_blocks.11.1.proj_out.bias",
        "out.2.weight",
    }
    assert {f"model.diffusion_model.{name}" for name in expected} <= names
    assert len(names) == len(small_unet().state_dict())


def test_vae_attention_becomes_1x1_convolutions() -> None:
    model = small_vae()
    state = vae_to_ldm(model.state_dict(), model.config)
    assert state["first_stage_model.encoder.mid.attn_1.q.weight"].shape == (32, 32, 1, 1)
    assert state["first_stage_model.decoder.mid.attn_1.norm.weight"].shape == (32,)
    assert "first_stage_model.decoder.up.3.block.2.conv1.weight" in state


def test_text_names_keep_one_text_model_level() -> None:
    names = set(text_to_ldm(small_text().state_dict()))
    start = "cond_stage_model.transformer.text_model."
    assert f"{start}embeddings.token_embedding.weight" in names
    assert f"{start}encoder.layers.1.mlp.fc2.bias" in names
    assert all(name.startswith(start) and ".text_model.text_model." not in name for name in names)
    assert (
        set(text_to_ldm({name.removeprefix("cond_stage_model.transformer."): 0 for name in names}))
        == names
    )


def test_unknown_name_is_quoted() -> None:
    with pytest.raises(KeyError, match="adapter"):
        unet_to_ldm({"adapter.weight": torch.zeros(1)}, small_unet().config)


def _packed(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.contiguous() for name, tensor in state.items()}
