"""The tiny models, shared: these tests only ask them questions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from facechain_ext.diffusion.diffusers_model import DiffusersModel


@pytest.fixture(scope="session")
def tiny_model(new_tiny_model: Callable[[], DiffusersModel]) -> DiffusersModel:
    """One copy for this folder's tests; a test that changes it takes a new one."""
    return new_tiny_model()


@pytest.fixture(scope="session")
def tiny_sdxl(new_tiny_sdxl: Callable[[], DiffusersModel]) -> DiffusersModel:
    """One SDXL for this folder's tests, which only ask it questions."""
    return new_tiny_sdxl()
