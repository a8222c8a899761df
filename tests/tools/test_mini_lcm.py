"""The distillation of the mini's LCM LoRA: its parts, and two steps from end to end."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from facechain_ext.lora.checkpoint import read_lora
from tests.tools.test_mini_data import draw
from tools.mini import lcm, strangers
from tools.mini.factors import Factors, flattened
from tools.mini.flat_adam import AdamSettings, FlatAdam
from tools.mini.pace import Pace

pytestmark = pytest.mark.slow(13)

MINI = Path(__file__).parents[2] / "facechain_ext" / "weights" / "mini"


class Net(nn.Module):
    """A matrix and a kernel, as a UNet's layers are."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.kernel = nn.Linear(3, 5), nn.Conv2d(2, 4, 3)


def test_factors_begin_at_nothing_and_are_named_as_kohya_does() -> None:
    net = Net()
    factors = Factors(net, {"lora_unet_a": "linear", "lora_unet_b": "kernel"}, 2)
    assert [change.shape for change in factors.changes()] == [(5, 3), (4, 2, 3, 3)]
    assert not any(change.any() for change in factors.changes())
    with torch.no_grad():
        for up in factors.up:
            up.fill_(1.0)
    state = factors.kohya(dict(factors.named_parameters()))
    down, up = (state[f"lora_unet_b.lora_{end}.weight"] for end in ("down", "up"))
    made = torch.einsum("or,rihw->oihw", up[:, :, 0, 0], down)
    assert torch.allclose(made, factors.changes()[1])
    assert state["lora_unet_b.alpha"] == 2
    assert len(flattened([net.linear.weight, net.kernel.weight])) == 5 * 3 + 4 * 2 * 9


@pytest.mark.parametrize(("steps", "seconds", "wanted"), [(3, None, 3), (500, 0.0, 20)])
def test_the_pace_ends_with_the_steps_or_the_seconds(
    steps: int, seconds: float | None, wanted: int
) -> None:
    """Seconds are looked at every 20 steps."""
    adam = FlatAdam(nn.Linear(2, 2), torch.float32, AdamSettings())
    loss, saved = torch.zeros(()), []
    pace = Pace(steps, seconds if seconds is None else seconds + 1e-9, 1e-3)
    assert pace.train(lambda _: adam.grads.fill_(1.0), adam, loss, saved.append) == wanted
    assert (adam.steps, saved) == (wanted, [wanted])


@pytest.mark.model
def test_two_steps_make_a_lora_for_the_mini(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the mini as it is, one with a stranger's face in it."""
    monkeypatch.setattr(strangers, "STEPS", 2)
    monkeypatch.setattr(strangers, "sample", lambda denoiser, rows, noise, **_: noise)
    data, out = draw(tmp_path / "portraits", 3), tmp_path / "lcm.safetensors"
    files = ["--data", data, "--mini", MINI / "facechain-mini.safetensors", "--out", out]
    counts = {"steps": 2, "batch": 2, "strangers": 1, "samples": 1, "samples-each": 1}
    flags = [f"--{name}={value}" for name, value in {**counts, "variants": 1}.items()]
    lcm.main([str(each) for each in (*files, *flags, "--device", "cpu")])
    state, metadata = read_lora(out)
    assert state.told == "sd1"
    assert metadata["modelspec.usage_hint"].startswith("Sampler LCM")
    ups = [tensor for name, tensor in state.items() if name.endswith("lora_up.weight")]
    assert all(up.any() for up in ups)
