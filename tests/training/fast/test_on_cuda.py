"""On a CUDA device: Triton's kernels against the reference, and graph against eager steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from facechain_ext.base.host import Conditioning
from facechain_ext.config import TrainConfig
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.lora.adapter import inject
from facechain_ext.training.batches import Batches
from facechain_ext.training.engine import Engine
from facechain_ext.training.fast.kernels import GroupNorm, LayerNorm, TorchKernels
from facechain_ext.training.memory import Plan, Planner

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

STEPS = 50
PLAN = Plan(4, 4, checkpointing=False, park=False, autocast=torch.bfloat16, graph=True, fused=True)


@pytest.fixture
def triton() -> Any:
    pytest.importorskip("triton")
    from facechain_ext.training.fast.triton_kernels import TritonKernels

    return TritonKernels()


def draw(*shape: int, seed: int, dtype: torch.dtype) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator).to("cuda", dtype)


def close(mine: Any, theirs: Any, dtype: torch.dtype) -> None:
    limit = 2e-5 if dtype == torch.float32 else 2e-2
    torch.testing.assert_close(mine, theirs, atol=limit, rtol=limit)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("batch", "length", "channels"), [(2, 70, 96), (2, 1100, 320)])
@pytest.mark.parametrize("extras", [False, True])
def test_group_norm(
    triton: Any, batch: int, length: int, channels: int, extras: bool, dtype: torch.dtype
) -> None:
    x, grad, residual = (draw(batch, length, channels, seed=s, dtype=dtype) for s in (1, 2, 3))
    weight, bias = (draw(channels, seed=s, dtype=dtype) for s in (4, 5))
    norm = GroupNorm(weight, bias, groups=32, eps=1e-5, silu=extras)
    shift = draw(batch, 2 * channels, seed=6, dtype=dtype)[:, channels:] if extras else None
    y, sums = triton.group_norm(x, shift, norm)
    expected, their_sums = TorchKernels().group_norm(x, shift, norm)
    close(y, expected, dtype)
    added = residual if extras else None
    dx = triton.group_norm_backward(grad, x, shift, sums, norm, added)
    wanted = TorchKernels().group_norm_backward(grad, x, shift, their_sums, norm, added)
    close(dx, wanted, dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("rows", "width"), [(37, 40), (300, 320), (9, 1280)])
def test_layer_norm_geglu_and_sums(triton: Any, rows: int, width: int, dtype: torch.dtype) -> None:
    x, other, grad = (draw(rows, width, seed=s, dtype=dtype) for s in (1, 2, 3))
    norm = LayerNorm(*(draw(width, seed=s, dtype=dtype) for s in (4, 5)), eps=1e-5)
    plain, pair = TorchKernels(), draw(rows, 2 * width, seed=6, dtype=dtype)
    mine, theirs = triton.add_layer_norm(x, other, norm), plain.add_layer_norm(x, other, norm)
    for one, another in zip(mine, theirs, strict=True):
        close(one, another, dtype)
    for added in (other, None):
        close(
            triton.layer_norm_backward(grad, theirs[0], theirs[2], norm, added),
            plain.layer_norm_backward(grad, theirs[0], theirs[2], norm, added),
            dtype,
        )
    close(triton.layer_norm(x, norm)[0], plain.layer_norm(x, norm)[0], dtype)
    close(triton.geglu(pair), plain.geglu(pair), dtype)
    close(triton.geglu_backward(grad, pair), plain.geglu_backward(grad, pair), dtype)
    close(triton.add(x, other, norm.bias), plain.add(x, other, norm.bias), dtype)


def on_cuda(model: DiffusersModel, data: Any, dtype: torch.dtype) -> tuple[DiffusersModel, Any]:
    cond = data.cond
    tensors = {name: getattr(data, name).cuda() for name in ("latents", "loss_weights")}
    moved = replace(
        data,
        **tensors,
        caption_index=data.caption_index.cuda(),
        cond=Conditioning(cond.prompt_embeds.cuda()),
    )
    return replace(model, unet=model.unet.to("cuda", dtype)), moved


def losses(model: DiffusersModel, data: Any, plan: Plan) -> list[float]:
    config = TrainConfig(train_batch_size=4, target_modules="attention")

    def batches() -> Batches:
        return Batches(data, batch_size=4, caption_dropout=0.0, timesteps=1000, seed=1)

    stream = batches()
    with (
        inject(model, "attention", rank=4, alpha=4, seed=0) as adapter,
        Engine(
            model,
            adapter.parameters(),
            config,
            planner=Planner([plan], free=None),
            example=lambda: batches().draw(),
        ) as engine,
    ):
        return [
            float(
                engine.step(stream.draw(), learning_rate=1e-3, meanwhile=stream.draw_ahead).mean()
            )
            for _ in range(STEPS)
        ]


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("autocast", [torch.bfloat16, torch.float16])
def test_a_graph_loses_as_eager_steps_do(
    tiny_model: DiffusersModel, data: Any, fused: bool, autocast: torch.dtype
) -> None:
    model, moved = on_cuda(tiny_model, data, torch.float16)
    plan = replace(PLAN, fused=fused, autocast=autocast)
    graph = losses(model, moved, plan)
    eager = losses(model, moved, replace(plan, graph=False))
    assert graph == pytest.approx(eager, rel=1e-3)


def test_fused_layers_lose_as_the_models_own_do(tiny_model: DiffusersModel, data: Any) -> None:
    pytest.importorskip("triton")
    model, moved = on_cuda(tiny_model, data, torch.float16)
    fused, own = (losses(model, moved, replace(PLAN, fused=fused)) for fused in (True, False))
    assert fused == pytest.approx(own, rel=1e-2)
    assert fused[-1] < fused[0]
