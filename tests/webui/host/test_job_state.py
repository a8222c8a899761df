"""Our job beside everybody else's: who may see its pictures, and whose buttons stop it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from facechain_ext.base.events import Preview
from tests.webui.conftest import Webui

FACE = np.zeros((8, 8, 3), np.uint8)
BUTTONS = ("interrupt", "stop_generating", "skip")


@pytest.fixture
def job(webui: Webui) -> Any:
    from facechain_ext.webui.host.job_state import JobState

    return JobState()


@pytest.fixture
def progress(webui: Webui) -> Any:
    return webui.module("modules.progress")


class TestPictures:
    def test_are_not_handed_to_who_asks_for_no_task(
        self, webui: Webui, job: Any, progress: Any
    ) -> None:
        with job.job("Training"), job.shown():
            job.show(Preview(1, (FACE,), (0.5,)))
            webui.state.current_latent = FACE
            assert progress.preview(progress.current_task) is not None
            assert progress.preview(None) is None
        assert progress.preview(None) is None
        assert webui.state.current_latent is None
        assert progress.current_task is None

    @pytest.mark.parametrize("opened_by", ["api", "nowebui"])
    def test_are_there_for_nobody_where_the_api_is_open(
        self, webui: Webui, job: Any, monkeypatch: pytest.MonkeyPatch, opened_by: str
    ) -> None:
        flags = webui.module("modules.shared").cmd_opts
        for flag in ("api", "nowebui"):
            monkeypatch.setattr(flags, flag, flag == opened_by, raising=False)
        monkeypatch.setattr(flags, "api_auth", None, raising=False)
        with job.job("Training"), job.shown():
            job.show(Preview(1, (FACE,), (0.5,)))
            webui.state.current_latent = FACE
            webui.state.do_set_current_image()  # as its API does
            assert webui.state.current_image is None
        webui.state.assign_current_image("somebody else's")
        assert webui.state.current_image == "somebody else's"
        flags.api_auth = "user:password"
        with job.job("Training"), job.shown():
            job.show(Preview(1, (FACE,), (0.5,)))
            assert webui.state.current_image is not None

    def test_every_turn_has_a_task_that_nobody_can_guess(self, job: Any, progress: Any) -> None:
        tasks = set()
        for _ in range(3):
            with job.job("Training"), job.shown():
                tasks.add(progress.current_task)
        assert len(tasks) == 3
        assert all(len(task) > 40 for task in tasks)


class TestStops:
    @pytest.mark.parametrize("button", BUTTONS)
    @pytest.mark.parametrize("skip_stops", [True, False])
    def test_meant_for_a_picture_that_waits_leave_our_job_alone(
        self, webui: Webui, job: Any, progress: Any, button: str, skip_stops: bool
    ) -> None:
        with job.job("Training"), job.shown(skip_stops=skip_stops):
            progress.pending_tasks["task(somebody)"] = 1.0
            getattr(webui.state, button)()
            assert not webui.state.interrupted
            assert not job.cancelled()
            assert not job.skipped()
            job.cancel()
            assert job.cancelled()

    @pytest.mark.parametrize("button", BUTTONS)
    def test_while_nobody_waits_are_ours(self, webui: Webui, job: Any, button: str) -> None:
        with job.job("Training"), job.shown(skip_stops=True):
            getattr(webui.state, button)()
            assert job.cancelled()

    @pytest.mark.parametrize("button", BUTTONS)
    def test_while_others_are_at_work_are_theirs(
        self, webui: Webui, job: Any, progress: Any, button: str
    ) -> None:
        progress.pending_tasks["task(another)"] = 1.0
        webui.state.begin(job="task(somebody)")
        progress.current_task = "task(somebody)"
        with job.job("Training"):
            getattr(webui.state, button)()
            assert webui.state.interrupted or webui.state.skipped or webui.state.stopping_generation
            assert not job.cancelled()

    def test_our_own_stop_asks_nobody(self, webui: Webui, job: Any, progress: Any) -> None:
        with job.job("Portraits"), job.shown():
            progress.pending_tasks["task(somebody)"] = 1.0
            job.cancel()
            assert job.cancelled()
            assert webui.state.interrupted  # what is being drawn ends at its next step

    def test_a_reload_of_the_page_is_none(self, webui: Webui, job: Any) -> None:
        with job.job("Training"), job.shown():
            webui.state.request_restart()
            assert webui.state.server_command == "restart"
            assert not webui.state.interrupted
            assert not job.cancelled()
        webui.state.request_restart()
        assert webui.state.interrupted
