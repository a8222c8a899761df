from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from facechain_ext.base.errors import InvalidInput
from facechain_ext.lora.state import LoraState
from facechain_ext.training.select import Snapshot
from facechain_ext.training.state import TrainingState, load_state, save_state


@pytest.fixture
def state(tmp_path: Path) -> TrainingState:
    generator = torch.Generator().manual_seed(5)
    torch.randn(7, generator=generator)
    return TrainingState(
        step=37,
        lora=LoraState({"a.lora_up.weight": torch.randn(3, 2).t()}, name="x"),
        optimizer={"0.step": torch.tensor(37.0), "0.exp_avg": torch.full((2,), 1e-40)},
        batches={"generator": generator.get_state(), "order": torch.tensor([3, 1])},
        loss=(0.1 + 0.2, 1 / 3),
        snapshots=(Snapshot(30, tmp_path / "step-000030.safetensors", 1 / 7),),
    )


def test_a_state_comes_back_bit_for_bit(state: TrainingState, tmp_path: Path) -> None:
    path = tmp_path / "états d'été" / "state.safetensors"
    save_state(path, state)
    back = load_state(path)
    assert (back.step, back.loss) == (37, state.loss)
    assert back.snapshots == (
        replace(state.snapshots[0], path=path.parent / "step-000030.safetensors"),
    )
    for part in ("lora", "optimizer", "batches"):
        mine, theirs = getattr(state, part), getattr(back, part)
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[key], theirs[key]) for key in mine)
        assert all(mine[key].dtype == theirs[key].dtype for key in mine)


def test_an_empty_order_and_no_optimizer_come_back_too(
    state: TrainingState, tmp_path: Path
) -> None:
    early = replace(state, optimizer={}, batches={"order": torch.zeros(0, dtype=torch.long)})
    save_state(tmp_path / "early.safetensors", early)
    back = load_state(tmp_path / "early.safetensors")
    assert back.optimizer == {}
    assert back.batches["order"].tolist() == []


def test_what_is_no_state_is_refused_by_name(state: TrainingState, tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    save_state(path, state)
    half = path.read_bytes()[:-20]
    for content in (b"", b"nothing of the kind", half):
        path.write_bytes(content)
        with pytest.raises(InvalidInput, match=r"state\.safetensors"):
            load_state(path)
    with pytest.raises(InvalidInput, match="missing"):
        load_state(tmp_path / "missing.safetensors")
