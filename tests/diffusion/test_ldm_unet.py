"""A mirror computes with the very tensors of another's UNet and touches none of its modules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import nn

from facechain_ext.base.errors import UnsupportedCheckpoint
from facechain_ext.base.host import TargetModules
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.diffusion.ldm_model import LdmModel
from facechain_ext.diffusion.ldm_unet import described
from facechain_ext.lora.adapter import inject
from facechain_ext.training.checkpointing import checkpointed
from facechain_ext.training.fast.accelerated import accelerated
from facechain_ext.training.fast.kernels import TorchKernels
from tests.fakes.ldm import load_ldm


@pytest.fixture
def model(tiny_file: Path) -> LdmModel:
    return LdmModel.over(load_ldm(tiny_file, tiny_file.parent))


def places(unet: nn.Module) -> set[int]:
    return {weight.data_ptr() for weight in unet.parameters()}


def inventory(unet: nn.Module) -> list[Any]:
    """List what a UNet is made of: modules, what each has of its own, tensors, flags, hooks."""
    weights = [(p.data_ptr(), p.dtype, p.stride(), p.requires_grad) for p in unet.parameters()]
    parts = [
        (name, id(part), sorted(vars(part)), part.training, len(part._forward_pre_hooks))
        for name, part in unet.named_modules()
    ]
    return [*weights, *parts]


def test_not_one_tensor_is_copied(model: LdmModel, tiny_model: DiffusersModel) -> None:
    assert places(model.denoiser) == places(model.unet)
    assert len(places(model.denoiser)) == len(tiny_model.unet.state_dict())
    for name, tensor in tiny_model.unet.state_dict().items():
        assert model.denoiser.state_dict()[name].equal(tensor), name


def test_it_is_described_as_its_file_is(model: LdmModel, tiny_model: DiffusersModel) -> None:
    config = described(model.unet, sample_size=8)
    theirs: Mapping[str, Any] = tiny_model.unet.config
    heads, depths = config.pop("attention_head_dim"), config.pop("transformer_layers_per_block")
    assert set(heads) == {theirs["attention_head_dim"]}
    assert set(depths) == {1}
    assert config == {name: type(config[name])(theirs[name]) for name in config}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_module_of_the_owners_is_touched(model: LdmModel, dtype: torch.dtype) -> None:
    before = inventory(model.unet)
    with (
        inject(model, "attention", rank=2, alpha=2, seed=0) as adapter,
        accelerated(model.denoiser, dtype=dtype, kernels=TorchKernels()) as fused,
        checkpointed(model.denoiser),
    ):
        assert fused, "the layers that LDM has cannot be fused"
        assert inventory(model.unet) == before
        assert not adapter.parameters()[0].is_inference()
    assert inventory(model.unet) == before
    assert places(model.denoiser) == places(model.unet)


def test_what_was_moved_is_taken_over_and_let_go(model: LdmModel) -> None:
    for weight in model.unet.parameters():
        weight.data = weight.data.double()
    assert not places(model.denoiser) & places(model.unet)
    model.tie()
    assert places(model.denoiser) == places(model.unet)
    assert model.denoiser.dtype == torch.float64
    model.let_go()
    assert all(weight.is_meta for weight in model.denoiser.parameters())
    assert not any(weight.is_meta for weight in model.unet.parameters())


@pytest.mark.parametrize("kind", get_args(TargetModules))
def test_targets_are_those_of_diffusers_in_their_order(
    kind: TargetModules, model: LdmModel, tiny_model: DiffusersModel
) -> None:
    assert list(model.lora_targets(kind).items()) == list(tiny_model.lora_targets(kind).items())


def lacks_a_level(unet: Any) -> None:
    del unet.input_blocks[9:]


def has_a_layer_more(unet: Any) -> None:
    unet.motion = nn.Linear(2, 2)


def is_wider_somewhere(unet: Any) -> None:
    unet.middle_block[0].out_layers[3] = nn.Conv2d(7, 9, 3)


def has_no_transformer(unet: Any) -> None:
    unet.middle_block[1] = nn.Identity()


@pytest.mark.parametrize(
    "change", [lacks_a_level, has_a_layer_more, is_wider_somewhere, has_no_transformer]
)
def test_a_unet_of_another_form_is_refused(tiny_file: Path, change: Any) -> None:
    ldm = load_ldm(tiny_file, tiny_file.parent)
    change(ldm.model.diffusion_model)
    with pytest.raises(UnsupportedCheckpoint, match="another form"):
        LdmModel.over(ldm)
