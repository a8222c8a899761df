"""Publishing an earlier snapshot on the page, and the LoRAs that a person has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import gradio as gr
import pytest

from facechain_ext.ui.page.actions import failing_in_place
from facechain_ext.ui.page.compat import UNCHANGED
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.people.desk import NEW, PeopleDesk
from facechain_ext.ui.people.publish_form import PublishForm
from facechain_ext.ui.people.view import PeopleView

pytestmark = [pytest.mark.model, pytest.mark.slow(10)]


@dataclass
class Page:
    """A page with the form, which knows of nothing yet."""

    desk: PeopleDesk
    seen: dict[str, int]
    form: PublishForm

    def beat(self, name: str = "Ana") -> Redraw:
        page = Redraw(self.seen)
        self.form.refresh(page, self.desk.person(name))
        self.seen = page.seen
        return page


@pytest.fixture
def page(trained: PeopleDesk) -> Page:
    form = PublishForm(trained, PeopleView(trained))
    with gr.Blocks():
        form.draw()
    return Page(trained, {}, form)


def test_trainings_and_their_snapshots_can_be_chosen(page: Page) -> None:
    first = page.beat().values
    assert first["publishing"]["visible"]
    (run,) = first["publish_run"]["choices"]
    assert first["publish_run"]["value"] == run
    steps = first["publish_step"]["choices"]
    assert [step.split(",")[0] for step in steps] == ["Step 1", "Step 2"]
    assert all("likeness" in step for step in steps)
    assert first["publish_step"]["value"] == next(step for step in steps if "kept" in step)
    assert "&lt;lora:Ana:1&gt;" in first["loras"]
    assert page.beat().values["publish_run"] == UNCHANGED, "what is chosen stays"
    assert "publish_step" not in page.beat().values


def test_a_snapshot_becomes_a_lora_under_the_name_that_was_typed(page: Page) -> None:
    chosen = page.beat().values
    (run,), (early, _) = chosen["publish_run"]["choices"], chosen["publish_step"]["choices"]
    told, loras, name = page.form._publish("Ana", run, early, " Ana early ")
    assert "Published as ana-" in told
    assert "-step1. In any prompt: fcsks &lt;lora:Ana early:1&gt;" in told
    assert "&lt;lora:Ana early:1&gt;</code> step 1" in loras
    assert name == ""
    lora_dir: Path = page.desk.services.studio.host.paths.lora_dir
    assert len([*lora_dir.glob("ana-*.safetensors")]) == 2
    after = page.beat().values
    assert after["loras"] == loras
    assert after["publish_run"] == UNCHANGED, "the trainings are the same"
    assert "1 training<" in page.form.view.card("Ana"), "that was none"
    assert "Ana early" in page.desk.loras(), "the webui's own list is told"


def test_what_is_published_by_hand_does_not_end_a_training(page: Page) -> None:
    (run,) = page.beat().values["publish_run"]["choices"]
    person = page.desk.person("Ana")
    assert person is not None
    (ended,) = person.manifest.runs
    person.save(runs=(replace(ended, by_hand=True, similarity=0.123),))
    drawn = page.form.view.training("Ana", run.partition(",")[0])
    assert "LoRA is ready" not in drawn.progress
    assert not any("0.12" in told for told in page.beat().values["publish_run"]["choices"])


@pytest.mark.parametrize(("run", "step"), [(None, None), ("no such", "Step 1"), ("", "Step 9")])
def test_nothing_chosen_is_told(page: Page, run: str | None, step: str | None) -> None:
    run = run if run else next(iter(page.beat().values["publish_run"]["choices"]))
    told, *others = failing_in_place(page.form._publish, 0, 3)("Ana", run, step, "")
    assert "Choose a training and one of its snapshots" in told
    assert others == [UNCHANGED, UNCHANGED]


def test_a_training_whose_record_is_damaged_stops_nothing(page: Page) -> None:
    person = page.desk.person("Ana")
    assert person is not None
    (person.run_folders[0] / "config.json").write_text("{}", encoding="utf-8")
    values = page.beat().values
    assert [*values["publish_step"]["choices"]] == ["Step 1", "Step 2, kept"]
    (run,) = values["publish_run"]["choices"]
    told, *_ = failing_in_place(page.form._publish, 0, 3)("Ana", run, "Step 1", "")
    assert "The settings of a training are damaged" in told


def test_a_training_of_somebody_else_changes_nothing(page: Page) -> None:
    (run,) = page.beat().values["publish_run"]["choices"]
    assert page.form._steps(NEW, run) == UNCHANGED
    assert page.form._steps("Ana", "no such training") == UNCHANGED
    assert len(page.form._steps("Ana", run)["choices"]) == 2


def test_nobody_has_nothing_to_publish(page: Page) -> None:
    values = page.beat("").values
    assert not values["publishing"]["visible"]
    assert values["loras"] == ""
