from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.diffusion.ldm_keys import unet_to_ldm
from facechain_ext.diffusion.ldm_names import diffusers_path
from tests.fakes.ldm import load_ldm

ONE_OF_EACH = [
    ("input_blocks.0.0", "conv_in"),
    ("time_embed.2", "time_embedding.linear_2"),
    ("input_blocks.1.0.in_layers.2", "down_blocks.0.resnets.0.conv1"),
    (
        "input_blocks.5.1.transformer_blocks.0.attn2.to_out.0",
        "down_blocks.1.attentions.1.transformer_blocks.0.attn2.to_out.0",
    ),
    ("input_blocks.6.0.op", "down_blocks.1.downsamplers.0.conv"),
    ("middle_block.0.emb_layers.1", "mid_block.resnets.0.time_emb_proj"),
    ("middle_block.1.proj_in", "mid_block.attentions.0.proj_in"),
    ("middle_block.2.out_layers.3", "mid_block.resnets.1.conv2"),
    ("output_blocks.2.1.conv", "up_blocks.0.upsamplers.0.conv"),
    ("output_blocks.5.2.conv", "up_blocks.1.upsamplers.0.conv"),
    ("output_blocks.11.0.skip_connection", "up_blocks.3.resnets.2.conv_shortcut"),
    ("out.2", "conv_out"),
]


@pytest.mark.parametrize(("ldm", "diffusers"), ONE_OF_EACH)
def test_a_layer_has_one_name_on_either_side(ldm: str, diffusers: str) -> None:
    assert diffusers_path(ldm, layers_per_block=2) == diffusers


def test_the_names_undo_those_of_ldm_keys(tiny_model: DiffusersModel) -> None:
    unet = tiny_model.unet
    paths = [
        path for path, module in unet.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)
    ]
    renamed = unet_to_ldm({f"{path}.weight": path for path in paths}, dict(unet.config))
    for name, path in renamed.items():
        own = name.removeprefix("model.diffusion_model.").removesuffix(".weight")
        assert diffusers_path(own, layers_per_block=2) == path


@pytest.mark.parametrize("path", ["label_emb.0.0", "middle_block.3.op", "cond"])
def test_a_layer_of_another_model_is_named_in_the_error(path: str) -> None:
    with pytest.raises(KeyError):
        diffusers_path(path, layers_per_block=2)


@pytest.mark.parametrize("kind", ["attention", "all"])
def test_targets_are_those_of_diffusers_in_their_order(
    kind: str, tiny_file: Path, tiny_model: DiffusersModel
) -> None:
    from facechain_ext.diffusion.ldm_model import LdmModel

    model = LdmModel.over(load_ldm(tiny_file, tiny_file.parent))
    ours, theirs = model.lora_targets(kind), tiny_model.lora_targets(kind)  # type: ignore[arg-type]
    assert list(ours) == list(theirs)
    for name, path in ours.items():
        weight = model.denoiser.get_submodule(path).weight
        other = tiny_model.denoiser.get_submodule(theirs[name]).weight
        assert weight.reshape(other.shape).equal(other), name
