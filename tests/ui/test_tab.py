"""The whole page: it builds, keeps names out of the webui's settings and redraws what changed."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from facechain_ext.base.errors import Cancelled, InvalidInput, OutOfMemory
from facechain_ext.base.events import Drawing, Event, PortraitsFinished, Stage
from facechain_ext.base.host import CheckpointRef
from facechain_ext.base.records import Portrait, Rejection, Score
from facechain_ext.config import PortraitConfig
from facechain_ext.jobs.queue import Job, Jobs, JobState
from facechain_ext.jobs.works import MakePortraits
from facechain_ext.portrait.infotext import PERSON
from facechain_ext.ui.error_panel import explain
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.actions import failing_in_place
from facechain_ext.ui.page.compat import UNCHANGED
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.services import SendSources, Services
from facechain_ext.ui.people.desk import NEW, PeopleDesk
from facechain_ext.ui.people.panel import PeoplePanel
from facechain_ext.ui.people.verdicts import PhotoCheck
from facechain_ext.ui.people.view import LATEST, PeopleView
from facechain_ext.ui.portraits.desk import PortraitDesk
from facechain_ext.ui.portraits.panel import PortraitsPanel
from facechain_ext.ui.tab import Pulse, build_tab
from tests.jobs.told import submit
from tests.ui.conftest import done

pytestmark = pytest.mark.slow(15)

PERSONAL = {ids.PERSON, ids.NAME, ids.PHOTOS, ids.CONSENT, ids.NEW_NAME, ids.PORTRAIT_PERSON}


def components(page: gr.Blocks) -> list[Any]:
    return [block for block in page.blocks.values() if not isinstance(block, gr.State)]


def test_labels_are_unique_in_the_webuis_settings_file(services: Services) -> None:
    kinds = (gr.Slider, gr.Radio, gr.Checkbox, gr.Textbox, gr.Number, gr.Dropdown, gr.Button)
    named = [
        block.value if isinstance(block, gr.Button) else block.label
        for block in components(build_tab(services))
        if isinstance(block, kinds) and not getattr(block, "do_not_save_to_config", False)
    ]
    assert [label for label, times in Counter(named).items() if times > 1] == []


def test_what_is_typed_about_people_is_not_saved_there(services: Services) -> None:
    found = {block.elem_id: block for block in components(build_tab(services))}
    assert set(found) >= PERSONAL
    for name in PERSONAL:
        assert found[name].do_not_save_to_config, name


def test_every_id_is_ours_and_used_once(services: Services) -> None:
    page = build_tab(services)
    used = [block.elem_id for block in components(page) if getattr(block, "elem_id", None)]
    assert all(name.startswith("facechain_") for name in used)
    assert len(used) == len(set(used))


def test_the_host_draws_its_buttons_and_learns_the_fields(services: Services) -> None:
    drawn: list[SendSources] = []
    fields: list[tuple[Any, Any]] = []

    def send_buttons(sources: SendSources) -> None:
        gr.Button("Send to img2img")
        drawn.append(sources)

    def paste_fields(pairs: Sequence[tuple[Any, Any]]) -> None:
        fields.extend(pairs)

    build_tab(
        Services(
            services.studio,
            services.jobs,
            lambda: ["Euler a"],
            send_buttons,
            paste_fields,
            redraws=True,
        )
    )
    assert isinstance(drawn[0].gallery, gr.Gallery)
    assert getattr(drawn[0].gallery, "type", "pil") == "pil"  # Forge can do nothing with paths
    assert isinstance(drawn[0].infotext, gr.Textbox)
    by_id = {component.elem_id: target for component, target in fields}
    assert by_id["facechain_portrait_steps"] == "Steps"
    assert by_id["facechain_portrait_width"] == "Size-1"
    told = {PERSON: "Ana", "FaceChain style": "classic", "FaceChain fusion": "0.5"}
    assert by_id[ids.PORTRAIT_PERSON](told) == "Ana"
    assert by_id[ids.STYLE](told) == "classic"
    assert by_id["facechain_portrait_fusion_strength"](told) == 0.5
    assert by_id["facechain_portrait_prompt"](told) == ""
    assert by_id["facechain_portrait_prompt"]({"Steps": "20"}) == UNCHANGED


class Page:
    """One open page: its memory, and what it shows by output."""

    def __init__(self, services: Services) -> None:
        desk = PeopleDesk(services)
        with gr.Blocks():
            self.people = PeoplePanel(desk, PeopleView(desk), PhotoCheck(services.studio))
            self.people.draw()
            self.portraits = PortraitsPanel(PortraitDesk(services))
            self.portraits.draw()
            self.pulse = Pulse(services, self.people, self.portraits, gr.HTML())
            self.pulse.draw()
        self.seen: dict[str, int] = {}
        self.answer = ""

    def beat(self, person: str = NEW, name: str = "", portraits_of: str | None = None) -> Any:
        """Return what changed, by output."""
        values = [self.answer, person, name, LATEST, portraits_of]
        self.seen, self.answer, *outputs = self.pulse.beat(self.seen, *values)
        told = dict(zip(self.pulse.outputs, outputs, strict=True))
        return {key: value for key, value in told.items() if value != UNCHANGED}


def test_the_second_pulse_finds_nothing_new(services: Services) -> None:
    page = Page(services)
    first = page.beat()
    assert "Nobody chosen" in first["progress"]
    assert "ready" in first["status"]
    assert page.beat() == {}


def test_a_lost_answer_is_made_good_by_the_next_one(services: Services) -> None:
    page = Page(services)
    first = page.beat()
    shown = page.answer
    assert page.beat() == {}
    page.answer = shown  # what the second pulse sent has not arrived
    again = page.beat()
    assert again == first
    assert "value" not in again["person"], "who was chosen stays, and the photos with them"
    assert page.beat() == {}


def test_a_style_file_that_is_added_is_offered_at_the_next_pulse(services: Services) -> None:
    page = Page(services)
    page.beat()
    folder = services.studio.host.paths.data_dir / "facechain" / "styles"
    folder.mkdir(parents=True)
    boat = '{"name": "boat", "title": "On a boat", "prompt": "{person}, on a boat"}'
    (folder / "boat.json").write_text(boat, encoding="utf-8")
    changed = page.beat()
    assert changed["style"]["choices"][-1] == ("On a boat", "boat")
    assert "value" not in changed["style"], "the chosen style stays"
    assert page.beat() == {}


@pytest.mark.model
def test_a_new_page_shows_who_is_there(just_trained: PeopleDesk) -> None:
    page = Page(just_trained.services)
    first = page.beat()
    assert first["person"]["choices"] in ([NEW, "Ana"], [(NEW, NEW), ("Ana", "Ana")])
    assert first["person"]["value"] == "Ana"
    assert first["portrait_person"]["value"] == "Ana"
    assert "The LoRA is ready" in first["progress"]
    assert "<svg" in first["curves"]
    [lora] = just_trained.services.studio.host.paths.lora_dir.glob("*.safetensors")
    assert f'data-loras="Ana/{lora.stem}"' in page.answer


@pytest.mark.model
def test_a_damaged_training_is_told_in_its_place(trained: PeopleDesk) -> None:
    person = trained.person("Ana")
    assert person is not None
    (person.run_folders[0] / "config.json").write_text("{}", encoding="utf-8")
    jobs = Jobs(trained.services.studio)
    for job in jobs.all():
        jobs.forget(job)
    page = Page(Services(trained.services.studio, jobs))
    first = page.beat()
    assert 'role="alert">' in first["progress"]
    assert "The settings of a training are damaged" in first["progress"]
    assert "Ana" in first["card"]


def test_a_library_of_a_newer_version_leaves_the_page_alive(services: Services) -> None:
    folder = services.studio.library.root / "eva"
    folder.mkdir(parents=True)
    (folder / "person.json").write_text('{"schema": 99, "name": "Eva"}', encoding="utf-8")
    first = Page(services).beat()
    assert "Eva was saved by a newer version" in first["status"]


@pytest.mark.model
def test_a_page_follows_the_person_it_has_just_made(
    services: Services, desk: PeopleDesk, photos: list[Path]
) -> None:
    page = Page(services)
    page.beat()
    done(page.people.desk.keep("Ana", photos, True, page.people.prepare_form.defaults))
    assert page.beat(NEW, "Ana")["person"]["value"] == "Ana"


@pytest.mark.model
def test_portraits_are_shown_ranked_with_scores(trained: PeopleDesk) -> None:
    page = Page(trained.services)
    page.beat()
    portraits = page.portraits.desk
    job = done(portraits.generate("Ana", PortraitConfig(count=2, candidates=2, seed=5)))
    assert job.state is JobState.SUCCEEDED, job.error
    changed = page.beat("Ana", "", "Ana")
    captions = [caption for _, caption in changed["results"]]
    assert [caption.split(" ")[:2] for caption in captions] == [
        ["1.", "likeness"],
        ["2.", "likeness"],
    ]
    assert all(Path(path).is_file() for path, _ in changed["results"])
    assert changed["aside_fold"]["label"] == "Set aside (2)"
    assert {caption for _, caption in changed["aside"]} == {"no face"}
    assert f"{PERSON}: Ana" in changed["infotext"]
    assert str(portraits.folder("Ana")) in changed["notes"]
    assert page.beat("Ana", "", "Ana") == {}
    assert page.portraits.results._describe(_Selected(1)).startswith("fcsks")


def portraits_that_end(services: Services, *shown: Event, error: Exception | None) -> Job:
    """Queue portraits of Ana that show something and then fail, or do not."""
    work = lambda: until(shown, error)  # noqa: E731
    return done(
        submit(services.jobs, "Portraits of Ana", work, kind=MakePortraits.kind, person="Ana")
    )


def until(shown: Sequence[Event], error: Exception | None) -> Iterator[Event]:
    yield Stage("generate", 2)
    yield from shown
    if error is not None:
        raise error


BLANK = np.full((64, 64, 3), 128, np.uint8)


def test_a_run_that_fails_takes_the_gallery_of_the_one_before_away(services: Services) -> None:
    page = Page(services)
    kept = Portrait(BLANK, Score(0.5), 7, "x\nSeed: 7")
    finished = PortraitsFinished((), (kept,), ())
    portraits_that_end(services, finished, error=None)
    first = page.beat()
    assert first["shown"]["visible"] is True
    assert "Portraits: Ana" in first["whose"]
    portraits_that_end(services, error=OutOfMemory("There is not enough memory."))
    told = page.beat()
    assert told["shown"]["visible"] is False
    assert (told["aside"], told["infotext"], told["whose"]) == ([], "", "")
    assert 'role="alert">There is not enough memory.' in told["portrait_progress"]


def test_what_a_stopped_run_has_drawn_is_shown_set_aside(services: Services) -> None:
    page = Page(services)
    good, bad = (
        Portrait(BLANK, score, seed, f"x\nSeed: {seed}")
        for seed, score in ((7, Score(0.5)), (8, Score(None, Rejection.NO_FACE)))
    )
    cut = PortraitsFinished((), (good,), (bad,), stopped="stopped before it was finished")
    portraits_that_end(services, cut, error=Cancelled("Stopped while drawing."))
    told = page.beat()
    captions = [caption for _, caption in told["aside"]]
    assert captions == ["likeness 0.50, stopped before it was finished", "no face"]
    assert told["results"] == []
    assert told["ranked"]["visible"] is False
    assert told["aside_fold"] == gr.update(label="Set aside (2)", open=True)
    assert told["infotext"] == "x\nSeed: 7"
    assert 'role="note">Stopped while drawing.' in told["portrait_progress"]
    assert "2 pictures drawn and set aside" in told["portrait_progress"]
    assert "the run stopped before it was finished" in told["notes"]
    assert page.portraits.results._describe_aside(_Selected(1)) == "x\nSeed: 8"
    assert page.portraits.results._describe_aside(_Selected(9)) == UNCHANGED


def test_pictures_of_an_earlier_run_are_called_so_while_another_goes_on(services: Services) -> None:
    page = Page(services)
    kept = Portrait(BLANK, Score(0.5), 7, "x")
    portraits_that_end(services, PortraitsFinished((), (kept,), ()), error=None)
    gate = threading.Event()

    def waiting() -> Iterator[Event]:
        gate.wait(20)
        yield Stage("generate", 2)

    job = submit(services.jobs, "Portraits of Bea", waiting, kind=MakePortraits.kind, person="Bea")
    try:
        assert "Made before: Ana" in page.beat()["whose"]
    finally:
        gate.set()
        done(job)


def test_drawing_is_told_by_picture_and_step(services: Services) -> None:
    page = Page(services)
    told: list[str] = []

    def work() -> Iterator[Event]:
        yield Stage("generate", 2)
        job = services.jobs.running
        assert job is not None
        job.show(Drawing(2, 4, 5, 10))
        told.append(page.beat()["portrait_progress"])

    done(submit(services.jobs, "Portraits of Ana", work, kind=MakePortraits.kind, person="Ana"))
    assert "Picture 2 of 4, step 5 of 10" in told[0]
    assert 'aria-valuenow="34"' in told[0]  # (1 + 5 / 10) / 4, of the nine tenths for drawing


def test_what_is_drawn_is_seen_inside_the_page_while_it_is_drawn(services: Services) -> None:
    page = Page(services)
    told: list[str] = []

    def work() -> Iterator[Event]:
        yield Stage("generate", 2)
        job = services.jobs.running
        assert job is not None
        for pixels in (None, BLANK):
            job.show(Drawing(2, 4, 5, 10, pixels))
            told.append(page.beat()["portrait_progress"])
        raise Cancelled("Stopped while drawing.")

    job = submit(services.jobs, "Portraits of Ana", work, kind=MakePortraits.kind, person="Ana")
    job.wait(after=99, timeout=20)
    assert "<img" not in told[0]
    assert '<div class="fc-drawing"><img src="data:image/jpeg;base64,' in told[1]
    assert 'alt="What is being drawn, after step 5 of 10"' in told[1]
    assert "<img" not in page.beat()["portrait_progress"]  # stopped, it is nobody's any longer


def test_train_is_not_to_be_pressed_while_somebody_is_trained(services: Services) -> None:
    page, gate = Page(services), threading.Event()

    def waiting() -> Iterator[Event]:
        gate.wait(20)
        yield Stage("train")

    first = page.beat(NEW, "Ana")
    assert first["start"]["interactive"] is True
    job = submit(services.jobs, "Training Ana", waiting, kind="train", person="Ana")
    try:
        told = page.beat(NEW, "Ana")
        assert (told["start"]["interactive"], told["stop"]["interactive"]) == (False, True)
    finally:
        gate.set()
        done(job)
    told = page.beat(NEW, "Ana")
    assert (told["start"]["interactive"], told["message"]) == (True, "")


def test_the_checkpoint_named_is_the_one_that_would_be_trained_now(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(services)
    page.beat()
    other = CheckpointRef("<b>other</b>", Path("other.safetensors").absolute())
    monkeypatch.setattr(services.studio.host, "current_checkpoint", lambda: other)
    assert "&lt;b&gt;other&lt;/b&gt;" in page.beat()["checkpoint"]
    assert "&lt;b&gt;other&lt;/b&gt;" in Page(services).beat()["checkpoint"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (InvalidInput("person.json is damaged."), "person.json is damaged."),
        (OSError(28, "No space left on device"), "The disk is full."),
        (KeyError("slug"), "Something unexpected went wrong (KeyError: &#x27;slug&#x27;)"),
    ],
)
def test_whatever_goes_wrong_is_told_in_place(
    services: Services, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    def fail(*_: object) -> None:
        raise error

    page = Page(services)
    page.beat()
    assert told in failing_in_place(fail)()
    assert failing_in_place(fail, 1, 2)()[0] == UNCHANGED
    assert told in failing_in_place(fail, 1, 2)()[1]
    monkeypatch.setattr(PeopleDesk, "names", fail)
    caplog.clear()
    assert told in page.beat()["status"]
    page.beat()
    assert len(caplog.records) == (0 if isinstance(error, InvalidInput) else 1)


def test_long_names_are_refused_in_words(services: Services) -> None:
    page = Page(services)
    values = [c.value for c in (*page.people.prepare_form.inputs, *page.people.train_form.inputs)]
    told = failing_in_place(page.people._train)("", "x" * 200, ["a.jpg"], True, *values)
    assert "200 letters; 100 are the most" in told


class _Selected:
    def __init__(self, index: int) -> None:
        self.index = index


def test_bad_input_becomes_a_message_and_changes_nothing_else(services: Services) -> None:
    page = Page(services)
    form = page.people.train_form
    values = [component.value for component in (*page.people.prepare_form.inputs, *form.inputs)]
    from facechain_ext.ui.people.panel import failing_in_place

    told = failing_in_place(page.people._train)("", "Ana", None, False, *values)
    assert 'role="alert"' in told
    assert "Choose photos of Ana" in told


def test_a_redraw_tells_by_fingerprint() -> None:
    first = Redraw({})
    assert first.first
    first.put("a", [1], "same")
    second = Redraw(first.seen)
    second.put("a", [2], "same")
    assert second.values == {"a": UNCHANGED}
    assert not second.first


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run a program in an interpreter that has imported nothing yet."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


def test_opening_the_page_imports_nothing_that_only_training_needs() -> None:
    code = (
        "import sys\n"
        "import facechain_ext.ui.tab\n"
        "heavy = {'peft', 'accelerate', 'diffusers', 'torch._dynamo', 'onnxruntime', 'skimage'}\n"
        "print(*sorted(heavy & set(sys.modules)))\n"
    )
    told = run(code)
    assert (told.returncode, told.stdout.strip()) == (0, ""), told.stderr


def test_a_missing_package_is_named() -> None:
    html = explain(ModuleNotFoundError("No module named 'cv2'", name="cv2"))
    assert "<code>opencv-python</code> is missing" in html
    assert "--skip-install" in html


def test_any_other_error_is_explained_with_its_cause() -> None:
    try:
        try:
            raise OSError("<no space>")
        except OSError as cause:
            raise RuntimeError("broken") from cause
    except RuntimeError as error:
        html = explain(error)
    assert "FaceChain could not start" in html
    assert "caused by OSError: &lt;no space&gt;" in html


def test_the_error_panel_needs_gradio_alone() -> None:
    code = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('torch', 'cv2', 'diffusers', 'peft', 'transformers'):\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from facechain_ext.ui.error_panel import build_error_panel\n"
        "print(type(build_error_panel(ImportError('x', name='peft'))).__name__)\n"
    )
    told = run(code)
    assert told.stdout.strip() == "Blocks", told.stderr


@pytest.mark.parametrize(("tone", "stays"), [("good", True), ("error", False)])
def test_that_somebody_is_gone_stays_told(
    services: Services, tone: markup.Tone, stays: bool
) -> None:
    told = markup.message("Everything about Ana is gone.", tone)
    answers = Page(services).people._choose(NEW, None, told)
    assert (answers[5] == UNCHANGED) is stays
