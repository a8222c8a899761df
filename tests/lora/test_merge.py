from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from facechain_ext.base.errors import InvalidInput
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.lora.adapter import inject
from facechain_ext.lora.merge import merged
from facechain_ext.lora.state import LoraState

pytestmark = pytest.mark.slow(6)

Predict = Callable[[DiffusersModel], Tensor]


def weights(model: DiffusersModel) -> dict[str, Tensor]:
    parts = {"unet": model.unet, "text": model.text_encoder}
    return {
        f"{at}.{k}": v.clone() for at, part in parts.items() for k, v in part.named_parameters()
    }


def assert_same(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    assert [key for key in first if not torch.equal(first[key], second[key])] == []


@pytest.mark.parametrize("weight", [1.0, 0.6])
def test_merging_is_what_the_adapter_does(
    new_tiny_model: Callable[[], DiffusersModel], predict: Predict, lora: LoraState, weight: float
) -> None:
    first, second = new_tiny_model(), new_tiny_model()
    with inject(first, "all", rank=4, alpha=2.0, seed=1) as adapter:
        adapter.load(lora)
        adapter.scale(weight)
        expected = predict(first)
    with merged(second, [(lora, weight)]) as unmatched:
        torch.testing.assert_close(predict(second), expected, atol=1e-4, rtol=0)
    assert unmatched == 0


def test_the_weights_come_back_bit_for_bit(
    tiny_model: DiffusersModel, predict: Predict, lora: LoraState
) -> None:
    before, answer = weights(tiny_model), predict(tiny_model)
    storages = [parameter.data_ptr() for parameter in tiny_model.unet.parameters()]
    with merged(tiny_model, [(lora, 0.8), (lora, 0.3)]):
        assert not torch.equal(predict(tiny_model), answer)
    assert_same(weights(tiny_model), before)
    assert [parameter.data_ptr() for parameter in tiny_model.unet.parameters()] == storages
    assert torch.equal(predict(tiny_model), answer)


def test_the_weights_come_back_after_an_error(tiny_model: DiffusersModel, lora: LoraState) -> None:
    before = weights(tiny_model)
    with pytest.raises(ZeroDivisionError), merged(tiny_model, [(lora, 1.0)]):
        raise ZeroDivisionError
    assert_same(weights(tiny_model), before)


def test_two_loras_add_up(tiny_model: DiffusersModel, predict: Predict, lora: LoraState) -> None:
    with merged(tiny_model, [(lora, 0.9)]):
        once = predict(tiny_model)
    with merged(tiny_model, [(lora, 0.6), (lora, 0.3)]):
        torch.testing.assert_close(predict(tiny_model), once, atol=1e-4, rtol=0)


def test_no_lora_changes_nothing(tiny_model: DiffusersModel) -> None:
    before = weights(tiny_model)
    with merged(tiny_model, []):
        assert_same(weights(tiny_model), before)


def factors(layer: str, out: int, size: tuple[int, ...], *, alpha: bool = True) -> LoraState:
    state = {
        f"{layer}.lora_down.weight": torch.ones(2, *size),
        f"{layer}.lora_up.weight": torch.ones(out, 2, *(1 for _ in size[1:])),
    }
    if alpha:
        state[f"{layer}.alpha"] = torch.tensor(1.0)
    return LoraState(state, name="style.safetensors")


@pytest.mark.parametrize(
    ("layer", "out", "size"),
    [
        ("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q", 128, (128,)),
        ("lora_unet_mid_block_attentions_0_proj_in", 128, (128, 1, 1)),
        ("lora_unet_mid_block_attentions_0_proj_out", 128, (128,)),
        ("lora_unet_mid_block_resnets_0_conv1", 128, (128, 3, 3)),
        ("lora_unet_down_blocks_0_downsamplers_0_conv", 32, (32, 3, 3)),
        ("lora_te_text_model_encoder_layers_0_mlp_fc1", 64, (32,)),
    ],
)
@pytest.mark.parametrize("alpha", [True, False])
def test_every_kind_of_layer_is_changed_by_alpha_over_rank(
    tiny_model: DiffusersModel, layer: str, out: int, size: tuple[int, ...], alpha: bool
) -> None:
    """up @ down is 2 everywhere; without alpha it counts in full, with alpha 1 by a half."""
    weight = tiny_model.lora_layers()[layer].weight
    before = weight.detach().clone()
    with merged(tiny_model, [(factors(layer, out, size, alpha=alpha), 0.5)]):
        change = weight.detach() - before
    torch.testing.assert_close(change, torch.full_like(change, 0.5 if alpha else 1.0))


def test_layers_that_do_not_exist_are_counted(tiny_model: DiffusersModel, lora: LoraState) -> None:
    more = factors("lora_unet_down_blocks_7_resnets_0_conv1", 32, (32, 3, 3))
    with merged(tiny_model, [(LoraState({**lora, **more}, name="x"), 1.0), (lora, 1.0)]) as count:
        assert count == 1


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (factors("lora_unet_input_blocks_4_1_proj_in", 640, (640,)), "is a LoRA for SDXL; this"),
        (factors("lora_te2_text_model_encoder_layers_0_mlp_fc1", 9, (9,)), "is a LoRA for SDXL;"),
        (factors("lora_unet_mid_block_attn2_to_k", 9, (1024,)), "for Stable Diffusion 2.x; this"),
        (factors("lora_unet_nowhere", 9, (9,)), "not a LoRA for this kind"),
        (factors("lora_unet_mid_block_attentions_0_proj_in", 1280, (1280,)), "another size"),
        (factors("lora_unet_mid_block_resnets_0_conv1", 128, (128, 1, 1)), "another size"),
    ],
)
def test_a_lora_for_another_model_is_refused_by_name(
    tiny_model: DiffusersModel, lora: LoraState, state: LoraState, reason: str
) -> None:
    before = weights(tiny_model)
    with (
        pytest.raises(InvalidInput, match=rf"^style\.safetensors .*{reason}"),
        merged(tiny_model, [(lora, 1.0), (state, 1.0)]),
    ):
        pass
    assert_same(weights(tiny_model), before)


def test_a_half_precision_model_stays_half(tiny_model: DiffusersModel, lora: LoraState) -> None:
    tiny_model.unet.to(torch.bfloat16)
    before = weights(tiny_model)
    with merged(tiny_model, [(lora, 1.0)]):
        assert {p.dtype for p in tiny_model.unet.parameters()} == {torch.bfloat16}
    assert_same(weights(tiny_model), before)
