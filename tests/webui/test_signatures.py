"""Every host symbol that we use is recorded from the real webuis, and called as they allow."""

from __future__ import annotations

import inspect
from typing import get_args

import pytest

from tools.host_uses import (
    HostName,
    absent,
    problems,
    recorded,
    signature_of,
    uses_for,
    uses_in,
)

pytestmark = pytest.mark.once

HOSTS = get_args(HostName)
SYMBOLS = {
    "modules.shared": "module",
    "modules.shared.state": "value: State",
    "modules.shared.state.begin": "(job=...)",
    "modules.images.save_image": "(image, path, basename, seed=..., *, info=...)",
    "modules.patches": "module",
    "modules.patches.patch": "(key, obj, field, replacement)",
}


@pytest.mark.parametrize("host", HOSTS)
def test_what_we_use_is_in_the_real_webui(host: HostName) -> None:
    assert problems(uses_for(host), recorded(host), absent(host)) == []


@pytest.mark.parametrize("host", HOSTS)
def test_the_record_holds_nothing_else(host: HostName) -> None:
    assert {*recorded(host), *absent(host)} == {use.symbol for use in uses_for(host)}
    assert not recorded(host).keys() & set(absent(host))


def test_the_two_that_we_began_with_lack_nothing_of_theirs() -> None:
    assert absent("a1111") == []
    assert {symbol.split(".")[0] for symbol in absent("forge")} <= {"ldm_patched", "modules_forge"}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("shared.state.finish()", "modules.shared.state.finish, which is not recorded"),
        ("shared.state.begin(title='x')", "unexpected keyword argument 'title'"),
        ("shared.state.begin('x', 'y')", "too many positional"),
        ("save_image(1, 2)", "missing a required argument: 'basename'"),
        ("save_image(1, 2, 3, 4, 5)", "too many positional"),
        ("shared()", "it cannot be called"),
        ("state = shared.state\nstate.finish()", "state.finish, which is not recorded"),
        ("patches.patch('k', shared, 'absent', None)", "modules.shared.absent, which is not"),
        ("if 0:\n from modules import progress as state\nstate.begin(1)", "modules.progress.begin"),
    ],
)
def test_a_wrong_use_is_seen(line: str, complaint: str) -> None:
    source = f"from modules import patches, shared\nfrom modules.images import save_image\n{line}"
    assert any(complaint in problem for problem in problems([*uses_in(source, "f.py")], SYMBOLS))


@pytest.mark.parametrize(
    "line",
    [
        "shared.state.begin(job='x')",
        "save_image(1, 2, 3, info='x')",
        "save_image(*things, info='x')",
        "getattr(shared, 'absent', None)",
    ],
)
def test_a_right_use_passes(line: str) -> None:
    source = f"from modules import patches, shared\nfrom modules.images import save_image\n{line}"
    assert problems([*uses_in(source, "f.py")], SYMBOLS) == []


def test_a_recorded_signature_is_rebuilt() -> None:
    def real(a, b, /, c, d=1, *rest, e, f=2, **more): ...  # type: ignore[no-untyped-def]

    rebuilt = signature_of("(a, b, /, c, d=..., *rest, e, f=..., **more)")
    assert rebuilt is not None
    ours, theirs = rebuilt.parameters.values(), inspect.signature(real).parameters.values()
    assert [(p.name, p.kind) for p in ours] == [(p.name, p.kind) for p in theirs]
    required = inspect.Parameter.empty
    assert [p.default is required for p in ours] == [p.default is required for p in theirs]
