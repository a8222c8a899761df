"""Trainings that take no longer than a test of something else can wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def two_step_samples() -> Iterator[None]:
    """Draw the sample pictures of trainings in two steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("facechain_ext.training.previews.PREVIEW_STEPS", 2)
        yield
