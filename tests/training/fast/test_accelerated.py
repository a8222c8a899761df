"""A UNet of fused layers against diffusers' own, what is left alone, and how it is given back."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from subprocess import CalledProcessError
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from facechain_ext.base.host import Conditioning
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.lora.adapter import inject
from facechain_ext.training.fast.accelerated import accelerated, triton_kernels
from facechain_ext.training.fast.kernels import TorchKernels

pytestmark = pytest.mark.slow(20)

New = Callable[[], DiffusersModel]


@pytest.fixture(params=["sd1", "sdxl"])
def model(request: pytest.FixtureRequest) -> DiffusersModel:
    name = {"sd1": "new_small_model", "sdxl": "new_tiny_sdxl"}[request.param]
    made: DiffusersModel = request.getfixturevalue(name)()
    return made


def draw(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@contextmanager
def with_lora(model: DiffusersModel, kind: Any = "attention") -> Iterator[list[nn.Parameter]]:
    """Give the model a LoRA that already changes something."""
    with inject(model, kind, rank=3, alpha=6, seed=0) as adapter:
        for number, parameter in enumerate(adapter.parameters()):
            parameter.data += 0.05 * draw(*parameter.shape, seed=number)
        yield adapter.parameters()


def predict(model: DiffusersModel, dtype: torch.dtype) -> Tensor:
    cond = model.encode_prompts(["fcsks, photo", ""])
    pooled = cond.pooled_prompt_embeds
    wide = Conditioning(cond.prompt_embeds.to(dtype), None if pooled is None else pooled.to(dtype))
    latents = draw(2, 4, 8, 8, seed=7).to(dtype)
    return model.predict(latents, torch.tensor([3, 700]), wide)


def gradients(
    model: DiffusersModel, parameters: list[nn.Parameter], dtype: torch.dtype
) -> tuple[Tensor, list[Tensor]]:
    answer = predict(model, dtype)
    loss = (answer - draw(2, 4, 8, 8, seed=8).to(dtype)).square().mean()
    return answer.detach(), list(torch.autograd.grad(loss, parameters))


def fingerprint(model: DiffusersModel) -> dict[str, Any]:
    unet = model.unet
    return {
        "data": {name: (p.data_ptr(), p.dtype, p.stride()) for name, p in unet.named_parameters()},
        "own": {name: sorted(m.__dict__) for name, m in unet.named_modules()},
        "hooks": len(unet._forward_pre_hooks),
    }


def test_answer_and_gradients_are_those_of_diffusers(model: DiffusersModel) -> None:
    model.unet.double()
    with with_lora(model) as parameters:
        for parameter in parameters:
            parameter.data = parameter.data.double()
        expected, wanted = gradients(model, parameters, torch.float64)
        with accelerated(model.unet, dtype=torch.float64, kernels=TorchKernels()) as on:
            answer, found = gradients(model, parameters, torch.float64)
        assert on
        torch.testing.assert_close(answer, expected, atol=1e-12, rtol=1e-10)
        assert all(gradient.abs().max() > 0 for gradient in wanted)
        for mine, theirs in zip(found, wanted, strict=True):
            torch.testing.assert_close(mine, theirs, atol=1e-14, rtol=1e-8)


def test_samples_follow_the_parameters(model: DiffusersModel) -> None:
    with with_lora(model) as parameters, torch.no_grad():
        with accelerated(model.unet, dtype=torch.float32, kernels=TorchKernels()):
            first = predict(model, torch.float32)
            for parameter in parameters:
                parameter.mul_(1.5)
            changed = predict(model, torch.float32)
        torch.testing.assert_close(changed, predict(model, torch.float32), atol=1e-4, rtol=1e-4)
    assert (changed - first).abs().max() > 1e-3


def test_half_precision_is_close(model: DiffusersModel) -> None:
    with with_lora(model) as parameters:
        expected, wanted = gradients(model, parameters, torch.float32)
        with accelerated(model.unet, dtype=torch.bfloat16, kernels=TorchKernels()):
            assert model.unet.conv_in.weight.dtype == torch.bfloat16
            with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
                answer, found = gradients(model, parameters, torch.float32)
    torch.testing.assert_close(answer, expected, atol=0.1, rtol=0.1)
    flat, true = (torch.cat([g.flatten() for g in each]) for each in (found, wanted))
    assert torch.cosine_similarity(flat, true, dim=0) > 0.98


@pytest.mark.parametrize("how", ["done", "failed", "closed"])
def test_the_very_tensors_are_back_however_it_ends(model: DiffusersModel, how: str) -> None:
    def work() -> Iterator[None]:
        with accelerated(model.unet, dtype=torch.bfloat16, kernels=TorchKernels()):
            predict(model, torch.float32)
            yield
            if how == "failed":
                raise ZeroDivisionError

    with with_lora(model):
        before = fingerprint(model)
        running = work()
        next(running)
        assert fingerprint(model) != before
        if how == "closed":
            running.close()  # type: ignore[attr-defined]
        elif how == "failed":
            with pytest.raises(ZeroDivisionError):
                next(running)
        else:
            assert next(running, None) is None
        assert fingerprint(model) == before


def test_weights_that_need_no_change_are_not_copied(model: DiffusersModel) -> None:
    model.unet.bfloat16()
    layer = model.unet.mid_block.attentions[0].transformer_blocks[0].ff.net[2]
    with with_lora(model):
        place = layer.weight.data_ptr()
        with accelerated(model.unet, dtype=torch.bfloat16, kernels=TorchKernels()):
            assert layer.weight.data_ptr() == place


def test_layers_that_somebody_patched_are_left_alone(
    model: DiffusersModel, caplog: pytest.LogCaptureFixture
) -> None:
    patched = model.unet.mid_block.attentions[0].transformer_blocks[0].attn1
    own = patched.forward
    calls: list[int] = []

    def counted(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return own(*args, **kwargs)

    with with_lora(model):
        expected = predict(model, torch.float32)
        patched.forward = counted
        with (
            caplog.at_level(logging.INFO),
            accelerated(model.unet, dtype=torch.float32, kernels=TorchKernels()) as on,
        ):
            torch.testing.assert_close(predict(model, torch.float32), expected)
    assert on
    assert calls == [1]
    assert patched.__dict__["forward"] is counted
    assert "fused layers in torch.float32" in caplog.text


def refused(
    denoiser: Any,
    caplog: pytest.LogCaptureFixture,
    *,
    dtype: torch.dtype | None = torch.bfloat16,
    kernels: TorchKernels | None = None,
) -> str:
    """Check that nothing is changed, and return what the log says."""
    before = {name: p.data_ptr() for name, p in denoiser.named_parameters()}
    with (
        caplog.at_level(logging.INFO),
        accelerated(denoiser, dtype=dtype, kernels=kernels) as on,
    ):
        assert not on
        assert {name: p.data_ptr() for name, p in denoiser.named_parameters()} == before
        assert not any("forward" in module.__dict__ for module in denoiser.modules())
    return caplog.text


def test_a_lora_on_more_than_attention_is_refused(
    model: DiffusersModel, caplog: pytest.LogCaptureFixture
) -> None:
    with with_lora(model, "all"):
        said = refused(model.unet, caplog, kernels=TorchKernels())
    assert "own layers: its transformers are not Stable Diffusion's, or a LoRA" in said


def test_ldms_unet_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    ldm = pytest.importorskip("ldm.modules.diffusionmodules.openaimodel")
    unet = ldm.UNetModel(
        image_size=8,
        in_channels=4,
        out_channels=4,
        model_channels=32,
        attention_resolutions=[1],
        num_res_blocks=1,
        channel_mult=[1],
        num_heads=4,
        use_spatial_transformer=True,
        context_dim=8,
        legacy=False,
    )
    said = refused(unet, caplog, kernels=TorchKernels())
    assert "own layers: its transformers are not Stable Diffusion's" in said


def test_full_precision_and_the_cpu_are_left_as_they_are(
    model: DiffusersModel, caplog: pytest.LogCaptureFixture
) -> None:
    with with_lora(model):
        assert refused(model.unet, caplog, dtype=None, kernels=TorchKernels()) == ""
        assert refused(model.unet, caplog) == "", "no kernels for the CPU"


def test_without_triton_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "facechain_ext.training.fast.triton_kernels", None)
    on_cuda: Any = SimpleNamespace(
        parameters=lambda: iter([SimpleNamespace(device=torch.device("cuda"))])
    )
    with caplog.at_level(logging.INFO):
        assert triton_kernels(on_cuda) is None
    assert "fused ones need Triton" in caplog.text


@pytest.mark.parametrize(
    "error", [RuntimeError("Failed to find C compiler"), CalledProcessError(1, "ptxas")]
)
def test_where_triton_cannot_compile_the_models_own_layers_train(
    model: DiffusersModel, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    class Broken(TorchKernels):
        def prepare(self, *args: Any) -> None:
            raise error

    with with_lora(model):
        said = refused(model.unet, caplog, kernels=Broken())
    assert "own layers; fused ones failed" in said
