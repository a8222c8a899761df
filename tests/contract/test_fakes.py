"""The fake webuis are called as the real ones are: their signatures are those recorded there."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import BuiltinFunctionType
from typing import Any

import pytest

from tests.contract.conftest import living_in
from tests.fakes.forges import become
from tools.host_uses import FORGES, HostName, absent, recorded, signature_of

FAKES: dict[HostName, tuple[str, ...]] = {
    "a1111": ("a1111", "webui"),
    **dict.fromkeys(FORGES, ("webui",)),
}


@pytest.fixture(params=FAKES)
def faked_host(request: pytest.FixtureRequest) -> HostName:
    name: HostName = request.param
    return name


@pytest.fixture
def faked(
    faked_host: HostName, tmp_path: Path, tiny_file: Path
) -> Iterator[dict[str, tuple[Any, str]]]:
    """What is recorded of a webui and is in the fake one: its symbol, the fake and the record.

    Nothing of what is absent in the real one is in it.
    """
    if faked_host == "a1111":
        pytest.importorskip("ldm", reason="LDM's classes are not installed here")
    with living_in(tmp_path, tiny_file, *FAKES[faked_host]):
        become(faked_host)
        found = {name: (_resolve(name), record) for name, record in recorded(faked_host).items()}
        assert [name for name in absent(faked_host) if _resolve(name) is not None] == []
        yield {name: pair for name, pair in found.items() if callable(pair[0])}


def test_fakes_take_what_the_real_ones_take(
    faked: dict[str, tuple[Any, str]], faked_host: HostName
) -> None:
    compared = 0
    for name, (fake, record) in faked.items():
        real = signature_of(record)
        if real is None or isinstance(fake, BuiltinFunctionType):  # of Python's own
            continue
        ours = list(inspect.signature(fake).parameters)
        theirs = list(real.parameters)
        if isinstance(fake, type):  # with some of the arguments
            assert set(ours) <= set(theirs), name
        elif faked_host in ("a1111", "forge"):
            assert ours == theirs, name
        else:  # which take less here and there, or what we do not give
            shared = [each for each in theirs if each in ours]
            assert [each for each in ours if each in theirs] == shared, name
            assert required(real) <= set(ours), name
        compared += 1
    assert compared > 15


def required(signature: inspect.Signature) -> set[str]:
    """Name what must be given."""
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {
        name
        for name, each in signature.parameters.items()
        if each.default is each.empty and each.kind not in variadic
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
