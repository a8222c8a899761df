"""The queue on the page: what runs, what waits, in which order, and a stop for each and for all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from facechain_ext.base.errors import Cancelled
from facechain_ext.base.events import Drawing, Event, Stage, Step
from facechain_ext.jobs.queue import Job, Jobs, JobState
from facechain_ext.jobs.work import Attempt
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.studio import Studio
from facechain_ext.ui.page.compat import UNCHANGED
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.queue_panel import MOST_SHOWN, QueuePanel, how_far
from tests.jobs.told import TOLD, submit, work
from tests.ui.conftest import done

SECONDS = 20


class Gate:
    """Work that goes on until it is let through, or its host is told to stop."""

    def __init__(self, host: DiffusersHost) -> None:
        self.host, self.begun, self.open = host, threading.Event(), threading.Event()

    def __call__(self) -> Iterator[Event]:
        yield Stage("train")
        self.begun.set()
        while not self.open.wait(0.01) and not self.host.cancelled():
            pass
        if self.host.cancelled():
            raise Cancelled("Stopped.")


@pytest.fixture
def host(tmp_path: Path) -> DiffusersHost:
    return DiffusersHost(tmp_path, device="cpu")


@pytest.fixture
def panel(host: DiffusersHost) -> QueuePanel:
    panel = QueuePanel(Jobs(Studio(host, FaceNets()), kinds=TOLD))
    with gr.Blocks():
        panel.draw()
    return panel


@pytest.fixture
def gate(host: DiffusersHost) -> Iterator[Gate]:
    gate = Gate(host)
    yield gate
    gate.open.set()


def shown(panel: QueuePanel) -> dict[str, Any]:
    """Return what a page that was just opened shows; after F5 the same."""
    page = Redraw({})
    panel.refresh(page)
    return {key: value for key, value in page.values.items() if value != UNCHANGED}


def rows(panel: QueuePanel) -> list[str]:
    told = shown(panel)
    return [told[f"queue_{n}_told"] for n in range(MOST_SHOWN) if told[f"queue_{n}"]["visible"]]


def queued(panel: QueuePanel, gate: Gate, *titles: str) -> list[Job]:
    """Queue one job that goes on, and others behind it."""
    jobs = [submit(panel.jobs, title, gate) for title in titles]
    assert gate.begun.wait(SECONDS)
    return jobs


def test_nothing_is_shown_while_nothing_is_to_be_done(panel: QueuePanel) -> None:
    assert shown(panel)["queue"]["visible"] is False
    assert rows(panel) == []


def test_what_runs_and_what_waits_stand_in_their_order(panel: QueuePanel, gate: Gate) -> None:
    jobs = queued(panel, gate, "Training Ana", "Training Bea", "Portraits of Ana")
    assert [row.count(job.id) for row, job in zip(rows(panel), jobs, strict=True)] == [1, 1, 1]
    assert ["running" in row for row in rows(panel)] == [True, False, False]
    assert "2 jobs waiting" in shown(panel)["queue_rest"]
    assert shown(panel)["queue_end"]["visible"] is True


def test_a_button_stops_the_job_that_its_row_shows(panel: QueuePanel, gate: Gate) -> None:
    jobs = queued(panel, gate, "Training Ana", "Training Bea", "Training Cem")
    first, second, third = rows(panel)
    panel._stop(second)
    assert [job.state for job in jobs] == [JobState.RUNNING, JobState.CANCELED, JobState.QUEUED]
    assert str(jobs[1].error) == "Stopped before it began."
    assert len(rows(panel)) == 2
    panel._stop(second)  # pressed again on a page that has not heard of it
    assert jobs[2].state is JobState.QUEUED
    assert "stopping" in panel._stop(first)
    done(jobs[0])
    assert jobs[0].state is JobState.CANCELED
    gate.open.set()
    assert done(jobs[2]).state is JobState.SUCCEEDED
    assert panel._stop("") == ""
    assert third.count(jobs[2].id) == 1


def test_all_are_stopped_and_none_begins_meanwhile(panel: QueuePanel, gate: Gate) -> None:
    jobs = queued(panel, gate, "Training Ana", "Training Bea", "Training Cem")
    panel._stop_all()
    assert [done(job).state for job in jobs] == [JobState.CANCELED] * 3
    assert [len(job.events) for job in jobs] == [1, 0, 0]


def test_jobs_beyond_the_rows_are_counted(panel: QueuePanel, gate: Gate) -> None:
    queued(panel, gate, *(f"Training {n}" for n in range(MOST_SHOWN + 2)))
    assert len(rows(panel)) == MOST_SHOWN
    assert "9 jobs waiting, 2 of them not shown" in shown(panel)["queue_rest"]


def test_names_are_text_and_nothing_else(panel: QueuePanel, gate: Gate) -> None:
    queued(panel, gate, "Training <img src=x onerror=alert(1)>")
    assert "<img" not in rows(panel)[0]
    assert "&lt;img" in rows(panel)[0]


def test_a_row_says_how_far_it_is(host: DiffusersHost) -> None:
    jobs, told = Jobs(Studio(host, FaceNets()), kinds=TOLD), []

    def look(attempt: Attempt) -> Iterator[Event]:
        told.append(how_far(jobs.active()[0]))
        attempt.tell(Drawing(2, 8, 5, 20))
        told.append(how_far(jobs.active()[0]))
        yield Step(3, 40, 0.1, 1e-3, 2.0, 9.0)

    job = done(jobs.submit(work("Training Ana", look, takes_attempt=True)))
    assert [*told, how_far(job)] == ["", "picture 2 of 8, step 5 of 20", "step 3 of 40"]
