"""What holds for the whole suite: its order, its patience, when garbage is looked for."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# For processes that tests start, too. With tiny tensors, threads cost more than they bring.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

# An example takes as long as the machine lets it.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

gc.disable()  # until all is imported


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Offer the models' fixtures; whoever only hands tests to workers need not import torch."""
    if not session.config.getoption("numprocesses", None):
        session.config.pluginmanager.import_plugin("tests.models")


def pytest_collection_finish() -> None:
    """Look for garbage seldom, and never in what is imported: a sixth of the time went there."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Look for what was left open once; pytest and Python would look through all of it again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no worker waits for another at the end."""
    seconds: dict[Path, float] = {}
    for item in items:
        for marker in item.iter_markers("slow"):
            seconds[item.path] = max(seconds.get(item.path, 0), *(marker.args or (10,)))
    items.sort(key=lambda item: -seconds.get(item.path, 0))
