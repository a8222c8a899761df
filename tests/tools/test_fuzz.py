"""A few seeds of the fuzz; `python -m tools.fuzz` runs as many as are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tools.fuzz.__main__ import attack, sound_subject

pytestmark = pytest.mark.slow(6)


@pytest.mark.parametrize("kind", ["lora", "checkpoint"])
def test_whatever_is_damaged_ends_in_a_sentence(kind: str, tmp_path: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        example, subject = sound_subject(kind, tmp_path / "sound")
    tally = attack(subject, tmp_path / "damaged", range(25))
    assert tally.failures == []
    assert tally.refused > 10
    subject.use(example)
