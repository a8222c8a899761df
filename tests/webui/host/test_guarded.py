from __future__ import annotations

import logging
from typing import Any

import pytest

from facechain_ext.base.errors import Cancelled
from facechain_ext.webui.host.guarded import guarded


def test_what_works_is_left_alone() -> None:
    assert guarded(lambda a, *, b: a + b)(1, b=2) == 3


def test_what_raises_is_done_without_and_logged_once_of_a_kind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors: list[Exception] = [ValueError("a"), ValueError("b"), Cancelled("c"), ValueError("d")]

    def broken(*_: Any) -> None:
        raise errors.pop(0)

    call = guarded(broken, instead=lambda *given: [*given])
    with caplog.at_level(logging.ERROR):
        assert [call(1, 2), call(), call(3), call(4)] == [[1, 2], [], [3], [4]]
    assert [record.exc_info and str(record.exc_info[1]) for record in caplog.records] == ["a", "c"]
    assert "does without" in caplog.text and "broken" in caplog.text


def test_the_webuis_end_is_not_held_up() -> None:
    def ended() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guarded(ended)()
