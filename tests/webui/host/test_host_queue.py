from __future__ import annotations

import threading
from typing import Any

import pytest


@pytest.fixture
def queue(webui: Any) -> Any:
    from facechain_ext.webui.host.host_queue import HostQueue

    return HostQueue()


def wait_until(condition: Any) -> None:
    for _ in range(12000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never happened")


def test_the_lock_is_held_for_a_turn_and_may_be_taken_again_inside(webui: Any, queue: Any) -> None:
    with queue.turn():
        with queue.turn():
            assert not webui.lock.acquire(blocking=False)
        assert not webui.lock.acquire(blocking=False)
    assert webui.lock.acquire(blocking=False)


def test_the_lock_is_given_back_after_an_error(webui: Any, queue: Any) -> None:
    with pytest.raises(ZeroDivisionError), queue.turn():
        raise ZeroDivisionError
    assert webui.lock.acquire(blocking=False)


def test_who_waits_gets_their_turn_before_we_get_the_next(webui: Any, queue: Any) -> None:
    """Also when we ask again at once, which the webui's lock alone does not guard against."""
    order: list[str] = []

    def request() -> None:
        with webui.lock:
            order.append("request")
            threading.Event().wait(0.05)

    for _ in range(5):
        with queue.turn():
            assert not queue.others_waiting()
            other = threading.Thread(target=request)
            other.start()
            wait_until(queue.others_waiting)
        with queue.turn():
            order.append("ours")
        other.join()
    assert order == ["request", "ours"] * 5
