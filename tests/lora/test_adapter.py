from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import TargetModules
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.lora.adapter import LoraAdapter, inject
from facechain_ext.lora.merge import merged
from facechain_ext.lora.state import DOWN, UP, LoraState, layer_names

pytestmark = pytest.mark.slow(20)

Predict = Callable[[DiffusersModel], Tensor]
Disturb = Callable[[LoraAdapter], None]


@dataclass
class Picture:
    """Everything of a module that an ejected LoRA could have left changed."""

    modules: dict[str, nn.Module]
    attributes: dict[str, set[str]]
    weights: dict[str, Tensor]
    storages: dict[str, int]
    trainable: dict[str, bool]
    training: dict[str, bool]

    @classmethod
    def of(cls, module: nn.Module) -> Picture:
        return cls(
            dict(module.named_modules()),
            {name: set(part.__dict__) for name, part in module.named_modules()},
            {name: tensor.clone() for name, tensor in module.state_dict().items()},
            {name: tensor.data_ptr() for name, tensor in module.state_dict().items()},
            {name: parameter.requires_grad for name, parameter in module.named_parameters()},
            {name: part.training for name, part in module.named_modules()},
        )


def assert_untouched(module: nn.Module, before: Picture) -> None:
    after = Picture.of(module)
    assert list(after.modules) == list(before.modules)
    assert all(after.modules[name] is before.modules[name] for name in before.modules)
    assert list(after.weights) == list(before.weights)
    assert all(torch.equal(after.weights[name], before.weights[name]) for name in before.weights)
    assert after.attributes == before.attributes
    assert after.storages == before.storages
    assert after.trainable == before.trainable
    assert after.training == before.training


@pytest.mark.parametrize("kind", get_args(TargetModules))
@pytest.mark.parametrize("trainable", [True, False])
def test_eject_is_the_exact_inverse(
    tiny_model: DiffusersModel, disturb: Disturb, kind: TargetModules, trainable: bool
) -> None:
    unet = tiny_model.unet.requires_grad_(trainable)
    unet.down_blocks[0].train()
    before = Picture.of(unet)
    with inject(tiny_model, kind, rank=4, alpha=4.0, seed=1) as adapter:
        disturb(adapter)
        unet.train()
    assert_untouched(unet, before)


def test_eject_happens_on_the_way_out_of_an_error(tiny_model: DiffusersModel) -> None:
    before = Picture.of(tiny_model.unet)
    with pytest.raises(ZeroDivisionError), inject(tiny_model, "all", rank=4, alpha=4.0, seed=1):
        raise ZeroDivisionError
    assert_untouched(tiny_model.unet, before)


def test_a_failed_injection_leaves_nothing(
    tiny_model: DiffusersModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Picture.of(tiny_model.unet)
    monkeypatch.setattr("facechain_ext.lora.adapter._initialise", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        inject(tiny_model, "all", rank=4, alpha=4.0, seed=1)
    assert_untouched(tiny_model.unet, before)


def test_ejecting_twice_is_harmless_and_a_new_lora_can_follow(tiny_model: DiffusersModel) -> None:
    before = Picture.of(tiny_model.unet)
    first = inject(tiny_model, "attention", rank=2, alpha=1.0, seed=1)
    first.eject()
    assert_untouched(tiny_model.unet, before)
    second = inject(tiny_model, "all", rank=4, alpha=1.0, seed=1)
    first.eject()
    assert all(parameter.requires_grad for parameter in second.parameters())
    assert tiny_model.unet.peft_config
    second.eject()
    assert_untouched(tiny_model.unet, before)


def test_a_second_adapter_is_refused(tiny_model: DiffusersModel) -> None:
    with (
        inject(tiny_model, "attention", rank=2, alpha=1.0, seed=1),
        pytest.raises(InvalidInput, match="already carries"),
    ):
        inject(tiny_model, "attention", rank=2, alpha=1.0, seed=1)


def test_a_fresh_lora_changes_nothing(tiny_model: DiffusersModel, predict: Predict) -> None:
    before = predict(tiny_model)
    with inject(tiny_model, "all", rank=4, alpha=4.0, seed=1):
        assert torch.equal(predict(tiny_model), before)


def test_only_the_lora_learns(tiny_model: DiffusersModel, predict: Predict) -> None:
    tiny_model.unet.requires_grad_(True)
    with inject(tiny_model, "all", rank=4, alpha=4.0, seed=1) as adapter:
        predict(tiny_model).square().mean().backward()
        trainable = {p for p in tiny_model.unet.parameters() if p.requires_grad}
        assert trainable == set(adapter.parameters())
        assert len(adapter.parameters()) == 2 * 258
        assert all(parameter.grad is not None for parameter in adapter.parameters())


def test_scale_is_the_weight_that_prompts_write(
    tiny_model: DiffusersModel, predict: Predict, disturb: Disturb
) -> None:
    plain = predict(tiny_model)
    with inject(tiny_model, "all", rank=4, alpha=2.0, seed=1) as adapter:
        disturb(adapter)
        full = predict(tiny_model)
        adapter.scale(0.0)
        assert torch.equal(predict(tiny_model), plain)
        adapter.scale(0.5)
        half = predict(tiny_model)
        adapter.scale(1.0)
        assert torch.equal(predict(tiny_model), full)
    assert 0 < (half - plain).norm() < (full - plain).norm()


def test_the_seed_decides_the_first_weights(tiny_model: DiffusersModel) -> None:
    torch.manual_seed(0)
    states = []
    for seed in (1, 1, 2):
        torch.rand(seed)
        with inject(tiny_model, "attention", rank=4, alpha=4.0, seed=seed) as adapter:
            states.append(adapter.state())
    first, again, other = states
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


def test_the_global_random_state_is_left_alone(tiny_model: DiffusersModel) -> None:
    before = torch.get_rng_state()
    inject(tiny_model, "all", rank=4, alpha=4.0, seed=1).eject()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_state_has_kohyas_names_and_shapes(lora: LoraState) -> None:
    attention = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k"
    convolution = "lora_unet_up_blocks_3_resnets_0_conv1"
    assert len(lora) == 3 * 258
    assert lora[attention + ".lora_down.weight"].shape == (4, 32)
    assert lora[attention + ".lora_up.weight"].shape == (128, 4)
    assert lora[convolution + ".lora_down.weight"].shape == (4, 96, 3, 3)
    assert lora[convolution + ".lora_up.weight"].shape == (32, 4, 1, 1)
    assert lora[attention + ".alpha"].item() == 2.0


def test_a_state_is_a_copy(tiny_model: DiffusersModel, disturb: Disturb) -> None:
    with inject(tiny_model, "attention", rank=4, alpha=4.0, seed=1) as adapter:
        state = adapter.state()
        before = {key: tensor.clone() for key, tensor in state.items()}
        disturb(adapter)
    assert all(torch.equal(state[key], before[key]) for key in state)


def test_a_state_loads_into_another_model(
    new_tiny_model: Callable[[], DiffusersModel],
    predict: Predict,
    disturb: Disturb,
) -> None:
    first, second = new_tiny_model(), new_tiny_model()
    with inject(first, "all", rank=4, alpha=2.0, seed=1) as adapter:
        disturb(adapter)
        expected, state = predict(first), adapter.state()
    with inject(second, "all", rank=4, alpha=2.0, seed=9) as adapter:
        adapter.load(state)
        assert torch.equal(predict(second), expected)


@pytest.mark.parametrize(
    ("kind", "rank", "alpha", "reason"),
    [
        ("attention", 4, 2.0, "other layers"),
        ("all", 8, 2.0, "Expected rank 8"),
        ("all", 4, 4.0, "alpha 4"),
    ],
)
def test_an_unlike_state_is_refused(
    tiny_model: DiffusersModel,
    lora: LoraState,
    kind: TargetModules,
    rank: int,
    alpha: float,
    reason: str,
) -> None:
    with (
        inject(tiny_model, kind, rank=rank, alpha=alpha, seed=1) as adapter,
        pytest.raises(InvalidInput, match=reason),
    ):
        adapter.load(lora)


def test_the_lora_is_float32_in_a_half_precision_model(
    tiny_model: DiffusersModel, predict: Predict, disturb: Disturb
) -> None:
    tiny_model.unet.to(torch.bfloat16)
    plain = predict(tiny_model)
    with inject(tiny_model, "all", rank=4, alpha=4.0, seed=1) as adapter:
        disturb(adapter)
        assert {parameter.dtype for parameter in adapter.parameters()} == {torch.float32}
        assert not torch.equal(predict(tiny_model), plain)
        predict(tiny_model).square().mean().backward()
        assert all(parameter.grad is not None for parameter in adapter.parameters())


def test_any_module_tree_will_do() -> None:
    """The webui's own UNet has other names; only `lora_targets` knows them."""
    unet = nn.ModuleDict({"in": nn.Sequential(nn.SiLU(), nn.Linear(3, 3)), "out": nn.Linear(3, 3)})
    before = Picture.of(unet)
    host = SimpleNamespace(denoiser=unet, lora_targets=lambda kind: {"lora_unet_x": "in.1"})
    with inject(host, "attention", rank=2, alpha=2.0, seed=1) as adapter:  # type: ignore[arg-type]
        assert set(adapter.state()) == {
            "lora_unet_x.lora_down.weight",
            "lora_unet_x.lora_up.weight",
            "lora_unet_x.alpha",
        }
        assert type(unet["out"]) is nn.Linear
    assert_untouched(unet, before)


@pytest.mark.parametrize("rank", [4, 7])
def test_another_lora_is_where_it_starts_whatever_its_rank(
    tiny_model: DiffusersModel, predict: Predict, lora: LoraState, rank: int
) -> None:
    with merged(tiny_model, [(lora, 1.0)]):
        wanted = predict(tiny_model)
    with inject(tiny_model, "all", rank=rank, alpha=3.0, seed=5) as adapter:
        adapter.start_from(lora)
        torch.testing.assert_close(predict(tiny_model), wanted, atol=1e-4, rtol=1e-3)
        predict(tiny_model).square().mean().backward()
        ups = [p for p in adapter.parameters()[1::2] if p.grad is not None]
        assert all(bool(p.grad.flatten(1).norm(dim=0).min() > 0) for p in ups), "all can be trained"  # type: ignore[union-attr]


def test_a_start_of_other_layers_or_another_checkpoint_is_refused(
    tiny_model: DiffusersModel, lora: LoraState
) -> None:
    with inject(tiny_model, "attention", rank=4, alpha=4.0, seed=5) as adapter:
        with pytest.raises(InvalidInput, match="not trained here"):
            adapter.start_from(lora)
        layer = next(name for name in layer_names(lora) if name.endswith("attn1_to_q"))
        wide = {layer + DOWN: torch.zeros(4, 9), layer + UP: torch.zeros(9, 4)}
        with pytest.raises(InvalidInput, match=r"prior\.safetensors .* another checkpoint"):
            adapter.start_from(LoraState(wide, name="prior.safetensors"))


def test_a_start_may_have_kernels_where_matrices_are_trained(
    tiny_model: DiffusersModel, predict: Predict, lora: LoraState
) -> None:
    """sd-scripts writes 1x1 kernels for projections that are matrices elsewhere, and back."""
    name = "lora_unet_mid_block_attentions_0_proj_in"
    flat = {
        key: t.flatten(1) if key.startswith(name) and t.ndim > 1 else t for key, t in lora.items()
    }
    assert flat[name + DOWN].ndim == 2
    with merged(tiny_model, [(lora, 1.0)]):
        wanted = predict(tiny_model)
    with inject(tiny_model, "all", rank=4, alpha=2.0, seed=5) as adapter:
        adapter.start_from(LoraState(flat, name="prior.safetensors"))
        torch.testing.assert_close(predict(tiny_model), wanted, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("part", ["diff", "diff_b", "dora_scale", "lora_mid.weight"])
def test_a_start_with_other_parts_is_refused_by_name(
    tiny_model: DiffusersModel, lora: LoraState, part: str
) -> None:
    layer = layer_names(lora)[0]
    prior = LoraState({**lora, f"{layer}.{part}": torch.zeros(2, 2)}, name="prior.safetensors")
    with (
        inject(tiny_model, "all", rank=4, alpha=2.0, seed=5) as adapter,
        pytest.raises(InvalidInput, match=rf"prior\.safetensors .* it holds {layer}\.{part}"),
    ):
        adapter.start_from(prior)


def test_a_start_of_higher_rank_is_told(
    tiny_model: DiffusersModel, lora: LoraState, caplog: pytest.LogCaptureFixture
) -> None:
    for rank, told in ((4, 0), (3, 1)):
        with inject(tiny_model, "all", rank=rank, alpha=2.0, seed=5) as adapter:
            adapter.start_from(lora)
        assert caplog.text.count("has rank 4") == told
