from __future__ import annotations

import logging
import weakref

import pytest
import torch
from torch import Tensor, nn

from facechain_ext.base.host import Conditioning
from facechain_ext.training import stepper as module
from facechain_ext.training.batches import Batch
from facechain_ext.training.loss_scale import START, LossScale
from facechain_ext.training.stepper import EagerStepper, GraphStepper, make_stepper


def batch(scale: float = 1.0, *, device: str = "cpu") -> Batch:
    return Batch(
        latents=torch.full((2, 4, 3, 3), scale, device=device),
        noise=torch.zeros(2, 4, 3, 3, device=device),
        loss_weights=torch.ones(2, 1, 3, 3, device=device),
        timesteps=torch.zeros(2, dtype=torch.long, device=device),
        cond=Conditioning(torch.zeros(2, 1, 1, device=device)),
    )


def weight(device: str = "cpu") -> nn.Parameter:
    return nn.Parameter(torch.tensor([2.0, -1.0], device=device))


def quadratic(parameter: nn.Parameter, factor: float = 1.0):  # type: ignore[no-untyped-def]
    def loss(batch: Batch) -> Tensor:
        return factor * batch.latents.mean() * parameter.square().sum()

    return loss


def test_a_step_is_adamw_written_out() -> None:
    parameter = weight()
    stepper = EagerStepper(quadratic(parameter), [parameter])
    loss = stepper.step(batch(0.01), learning_rate=0.1)
    # The first Adam update is the gradient's sign (Kingma & Ba 2015, algorithm 1).
    start = torch.tensor([2.0, -1.0])
    expected = start * (1 - 0.1 * module.WEIGHT_DECAY) - 0.1 * start.sign()
    assert loss.item() == pytest.approx(0.05)
    assert not loss.requires_grad
    torch.testing.assert_close(parameter.detach(), expected, atol=1e-5, rtol=0)


def test_gradients_are_clipped_together() -> None:
    parameter = weight()
    EagerStepper(quadratic(parameter, 1000.0), [parameter]).step(batch(), learning_rate=0.1)
    assert parameter.grad is not None
    assert parameter.grad.norm().item() == pytest.approx(module.MAX_GRAD_NORM, rel=1e-4)


def test_each_step_starts_from_fresh_gradients() -> None:
    parameter = weight()
    stepper = EagerStepper(quadratic(parameter, 0.01), [parameter])
    for _ in range(2):
        stepper.step(batch(), learning_rate=0.0)
    torch.testing.assert_close(parameter.grad, 0.02 * parameter.detach())


def test_a_step_trains_whatever_grad_mode_the_caller_is_in() -> None:
    parameter = weight()
    with torch.no_grad():
        EagerStepper(quadratic(parameter), [parameter]).step(batch(), learning_rate=0.1)
    assert parameter.tolist() != [2.0, -1.0]


def test_where_no_graph_can_be_made_training_is_eager_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(self: GraphStepper, *args: object, **kwargs: object) -> None:
        raise RuntimeError("capture is not supported here")

    monkeypatch.setattr(GraphStepper, "__init__", refuse)
    parameter = weight()
    with caplog.at_level(logging.WARNING):
        made = make_stepper(quadratic(parameter), [parameter], example=batch(), graph=True)
    assert isinstance(made, EagerStepper)
    assert "capture is not supported here" in caplog.text


def test_without_a_graph_asked_for_none_is_tried(caplog: pytest.LogCaptureFixture) -> None:
    parameter = weight()
    made = make_stepper(quadratic(parameter), [parameter], example=batch(), graph=False)
    assert isinstance(made, EagerStepper)
    assert caplog.text == ""


def test_a_stepper_goes_on_from_anothers_state() -> None:
    unbroken, broken = weight(), weight()
    one, other = (EagerStepper(quadratic(p), [p]) for p in (unbroken, broken))
    for step in range(1, 4):
        one.step(batch(0.1 * step), learning_rate=0.1)
        other.step(batch(0.1 * step), learning_rate=0.1)
    fresh = nn.Parameter(broken.detach().clone())
    state = other.state()
    another = EagerStepper(quadratic(fresh), [fresh])
    another.load_state(state)
    for step in range(4, 7):
        one.step(batch(0.1 * step), learning_rate=0.1)
        another.step(batch(0.1 * step), learning_rate=0.1)
    assert set(state) == {"0.step", "0.exp_avg", "0.exp_avg_sq"}
    assert state["0.step"] == 3, "a copy, not what the stepper goes on changing"
    assert torch.equal(fresh, unbroken)
    assert not torch.equal(fresh, broken)


def test_before_the_first_step_there_is_no_state() -> None:
    parameter = weight()
    stepper = EagerStepper(quadratic(parameter), [parameter])
    assert stepper.state() == {}
    stepper.load_state({})


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_graph_goes_on_from_an_eager_steppers_state() -> None:
    one, other = weight("cuda"), weight("cuda")
    eager = EagerStepper(quadratic(one), [one])
    eager.step(batch(0.1, device="cuda"), learning_rate=0.1)
    other.data.copy_(one)
    graph = make_stepper(quadratic(other), [other], example=batch(9.0, device="cuda"), graph=True)
    graph.load_state(eager.state())
    for step in range(2, 5):
        now = batch(0.1 * step, device="cuda")
        torch.testing.assert_close(
            eager.step(now, learning_rate=0.1), graph.step(now, learning_rate=0.1)
        )
    torch.testing.assert_close(one, other)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_graph_takes_the_steps_that_eager_takes() -> None:
    one, other = weight("cuda"), weight("cuda")
    eager = EagerStepper(quadratic(one), [one])
    example = batch(9.0, device="cuda")
    graph = make_stepper(quadratic(other), [other], example=example, graph=True)
    assert isinstance(graph, GraphStepper)
    torch.testing.assert_close(other, weight("cuda"), atol=0, rtol=0)
    for step in range(1, 6):
        now = batch(0.1 * step, device="cuda")
        first = eager.step(now, learning_rate=0.02 * step)
        second = graph.step(now, learning_rate=0.02 * step)
        torch.testing.assert_close(first, second)
        torch.testing.assert_close(one, other)


def test_a_loss_scale_is_taken_over() -> None:
    one, other = LossScale(torch.device("cpu")), LossScale(torch.device("cpu"))
    state = {"scale": torch.tensor(8.0), "streak": torch.tensor(3, dtype=torch.int32)}
    one.load_state(state)
    other.load_state(one.state())
    assert other.state() == state
    assert other.scaled(torch.tensor(2.0)) == 16


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("graph", [False, True])
def test_steps_that_overflow_are_left_out(graph: bool) -> None:
    one, other = weight("cuda"), weight("cuda")
    scale = LossScale(torch.device("cuda"))
    example = batch(0.1, device="cuda")
    plain = EagerStepper(quadratic(one), [one])
    scaled = make_stepper(quadratic(other), [other], example=example, graph=graph, scale=scale)
    for stepper in (plain, scaled):
        stepper.step(example, learning_rate=0.1)
    torch.testing.assert_close(one, other)
    before = other.detach().clone()
    scaled.step(batch(float("inf"), device="cuda"), learning_rate=0.1)
    assert torch.equal(other, before)
    state = scaled.state()
    assert state["loss_scale.scale"] == START / 2
    assert state["0.step"] == 1
    plain.load_state(state)
    for stepper in (plain, scaled):
        stepper.step(example, learning_rate=0.1)
    torch.testing.assert_close(one, other)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_graphs_one_after_the_other_leave_nothing_on_the_device() -> None:
    layer, left = nn.Linear(256, 256, device="cuda"), []

    def loss(batch: Batch) -> Tensor:
        return layer(batch.latents.mean().expand(4, 256)).square().mean(1)

    for _ in range(4):
        example = batch(0.1, device="cuda")
        stepper = make_stepper(loss, list(layer.parameters()), example=example, graph=True)
        assert isinstance(stepper, GraphStepper)
        stepper.step(example, learning_rate=0.1)
        layer.zero_grad()
        del stepper, example
        torch.cuda.synchronize()
        left.append(torch.cuda.memory_allocated())
    assert left[1:] == left[:1] * 3, left


def test_a_failed_capture_holds_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Gradients lie in the graph's memory, and a log record would keep the failed step's frames."""
    parameter = weight()
    made: list[weakref.ref[Tensor]] = []

    def fail(self: GraphStepper, *args: object, **kwargs: object) -> None:
        activations = torch.zeros(1000)
        made.append(weakref.ref(activations))
        parameter.grad = torch.ones(2)
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(GraphStepper, "__init__", fail)
    with caplog.at_level(logging.WARNING):
        stepper = make_stepper(quadratic(parameter), [parameter], example=batch(), graph=True)
    assert isinstance(stepper, EagerStepper)
    assert parameter.grad is None
    assert made[0]() is None
    assert "not permitted" in caplog.text
