"""The fake webuis are called as the real ones are: their signatures are those recorded there."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.conftest import living_in
from tools.host_uses import HostName, recorded, signature_of

FAKES: dict[HostName, tuple[str, ...]] = {"a1111": ("a1111", "webui"), "forge": ("webui",)}


@pytest.fixture(params=["a1111", "forge"])
def faked(
    request: pytest.FixtureRequest, tmp_path: Path, tiny_file: Path
) -> Iterator[dict[str, tuple[Any, str]]]:
    """What is recorded of a webui and is in the fake one: its symbol, the fake and the record."""
    if request.param == "a1111":
        pytest.importorskip("ldm", reason="LDM's classes are not installed here")
    with living_in(tmp_path, tiny_file, *FAKES[request.param]):
        found = {name: (_resolve(name), record) for name, record in recorded(request.param).items()}
        yield {name: pair for name, pair in found.items() if callable(pair[0])}


def test_fakes_take_what_the_real_ones_take(faked: dict[str, tuple[Any, str]]) -> None:
    compared = 0
    for name, (fake, record) in faked.items():
        real = signature_of(record)
        if real is None:
            continue
        ours = list(inspect.signature(fake).parameters)
        theirs = list(real.parameters)
        if isinstance(fake, type):  # a dataclass with some fields of either webui's
            assert set(ours) <= _fields(name), name
        else:
            assert ours == theirs, name
        compared += 1
    assert compared > 15


def _fields(name: str) -> set[str]:
    """Return what either webui takes to make an object of this class."""
    records = (recorded(host).get(name, "()") for host in FAKES)
    return {
        field for record in records for field in getattr(signature_of(record), "parameters", ())
    }


def _resolve(name: str) -> Any:
    """Return the fake of a symbol, or None where there is none."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            thing: Any = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            thing = getattr(thing, part, None)
        return thing
    return None
