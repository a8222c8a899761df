"""The offer of an optional package: seen where it is missing, and nothing without an answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import gradio as gr
import pytest

from facechain_ext.base.errors import FaceChainError
from facechain_ext.installing.optional import PILLOW_HEIF, OptionalPackage
from facechain_ext.studio import packages
from facechain_ext.ui.page.actions import yielding_in_place
from facechain_ext.ui.page.package_offer import PackageOffer

MISSING = replace(PILLOW_HEIF, module="there_is_no_such_module")
THERE = replace(PILLOW_HEIF, module="json")


@pytest.fixture
def page() -> Iterator[None]:
    with gr.Blocks():
        yield


def drawn(package: OptionalPackage, *, offline: bool = False) -> PackageOffer:
    offer = PackageOffer(package, "test", offline)
    offer.draw()
    return offer


@pytest.mark.parametrize(
    ("package", "offline", "seen"),
    [(MISSING, False, True), (MISSING, True, False), (THERE, False, False)],
)
def test_it_is_seen_where_it_can_be_taken(
    page: None, package: OptionalPackage, offline: bool, seen: bool
) -> None:
    offer = drawn(package, offline=offline)
    assert offer.box.visible is seen
    assert offer.shown()["visible"] is seen
    assert offer.shown(relevant=False)["visible"] is False


def test_size_and_licence_stand_above_the_answer(page: None) -> None:
    offer = drawn(MISSING)
    assert not offer.question.visible
    told = str(offer.question.children[0].value)
    for part in (MISSING.size, MISSING.licence, "pillow-heif", "stays as it is"):
        assert part in told


def test_the_answer_installs_and_says_so(page: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def install(package: OptionalPackage, *, consent: bool) -> str:
        assert (package, consent) == (MISSING, True)
        return "pillow-heif is installed. It can be used at once."

    monkeypatch.setattr(packages, "install", install)
    under_way, done = drawn(MISSING)._install()
    assert "fc-moving" in under_way[2]
    assert "It can be used at once." in done[2]


def test_a_failure_stands_in_its_place_and_can_be_tried_again(
    page: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise FaceChainError("pillow-heif could not be installed: there is no connection.")

    monkeypatch.setattr(packages, "install", fail)
    _, failed = yielding_in_place(drawn(MISSING)._install, 2, 3)()
    assert 'role="alert">pillow-heif could not be installed' in failed[2]
    assert "visible" not in failed[0], "the button stays"
