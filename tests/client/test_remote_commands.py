"""`facechain --server URL`: the commands against a real server, on this console."""

from __future__ import annotations

import json
import os
import runpy
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.api.services import ApiServices
from facechain_ext.base.errors import Cancelled
from facechain_ext.base.events import (
    Candidate,
    Event,
    Filming,
    PortraitsFinished,
    Stage,
    Step,
    TrainingFinished,
    VideoFinished,
)
from facechain_ext.base.records import LoraFile, Photo, Portrait, Rejection, Score
from facechain_ext.cli.main import main
from facechain_ext.config import PrepareConfig, TrainConfig
from facechain_ext.imaging.files import encode_png
from facechain_ext.jobs.style_work import KeepLook, TrainStyle
from facechain_ext.jobs.talk_work import Talk
from facechain_ext.jobs.template_work import MakeTemplate
from facechain_ext.jobs.works import MakePortraits, Train
from facechain_ext.studio.studio import Studio
from tests.client.conftest import PATIENCE, wait_until

pytestmark = pytest.mark.slow(9)

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "ten_people.py"

Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def run(port: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command at the server; the value is its exit code and its JSON."""
    monkeypatch.setenv("FACECHAIN_SERVER", f"http://127.0.0.1:{port}")

    def run(*arguments: object) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*map(str, arguments), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_a_snapshot_is_published_there(run: Run, services: ApiServices) -> None:
    config = TrainConfig(
        max_train_steps=2, train_batch_size=1, snapshot_every=1, samples_per_snapshot=0, rank=2
    )
    photo = Photo("her.jpg", astronaut())
    list(services.studio.train_person("Ana", [photo], PrepareConfig(), config))
    code, told = run("people", "publish", "Ana", "--step", 1, "--as", "Ana young")
    assert (code, told["in_a_prompt"]) == (0, "<lora:Ana young:1>")
    loras = services.studio.library.get("Ana").manifest.runs
    assert [(lora.alias, lora.steps) for lora in loras][1:] == [("Ana young", (1,))]
    code, told = run("people", "publish", "Ana", "--step", 7)
    assert code == 2
    assert "no snapshot of step 7; there are: 1, 2" in told["error"]
    assert "no training ../x" in run("people", "publish", "Ana", "--run", "../x")[1]["error"]


def test_people(run: Run, services: ApiServices, tmp_path: Path) -> None:
    services.studio.library.create_or_get("李", "fcsks")
    who = {"name": "李", "slug": "person", "lora": None, "likeness": None}
    assert run("people", "list") == (0, {"people": [who]})
    shown = run("people", "show", "李")[1]
    assert (shown["trigger_word"], shown["runs"], shown["captions"]) == ("fcsks", [], {})
    assert run("people", "rename", "person", "Ana")[1]["slug"] == "ana"
    archive = tmp_path / "ana.zip"
    assert run("people", "export", "Ana", archive) == (0, {"archive": str(archive)})
    assert run("people", "export", "Ana", archive)[0] == 2
    assert run("people", "import", archive, "--name", "Eva")[1]["name"] == "Eva"
    assert run("people", "delete", "Ana")[0] == 2
    assert run("people", "delete", "ana", "--yes")[1]["deleted"]
    code, told = run("people", "show", "Ana")
    assert code == 2
    assert "no person 'Ana' there" in told["error"]


def test_photos_are_checked_there_and_told_here(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no photo")
    code, told = run("check", tmp_path)
    assert code == 0
    assert [(p["photo"], p["verdict"], p["reason"]) for p in told["photos"]] == [
        ("a.jpg", "rejected", "unreadable")
    ]
    assert main(["check", str(tmp_path)]) == 0
    assert "== check (1)" in capsys.readouterr().err


def test_photos_come_beside_those_that_are_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "her.png").write_bytes(encode_png(np.ascontiguousarray(astronaut())))
    nearer = np.ascontiguousarray(astronaut()[:320, 60:380])
    (tmp_path / "nearer.png").write_bytes(encode_png(nearer))
    run("photos", "add", "--name", "Ana", tmp_path / "her.png")
    code, both = run("photos", "add", "--name", "Ana", tmp_path / "nearer.png")
    assert (code, both["person"]) == (0, "Ana")
    assert [each["file"] for each in both["photos"]] == ["her.png", "nearer.png"]
    assert run("photos", "list", "--name", "Ana") == (0, both)
    first = both["photos"][0]["photo"]
    assert run("photos", "delete", first, "--name", "Ana")[0] == 2
    _, left = run("photos", "delete", first, "--name", "Ana", "--yes")
    assert [each["file"] for each in left["photos"]] == ["nearer.png"]


def drawn(seed: int, rejection: Rejection | None = None) -> Portrait:
    return Portrait(np.zeros((8, 8, 3), np.uint8), Score(0.5, rejection), seed, f"seed {seed}")


def test_portraits_are_saved_here(
    run: Run, services: ApiServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    services.studio.library.create_or_get("Ana", "fcsks")

    def draw(*_: object) -> Iterator[Event]:
        yield Stage("generate", 1)
        yield Candidate(1, 1)
        aside = (drawn(9, Rejection.NO_FACE),)
        yield PortraitsFinished((drawn(7),), (), aside, {"generate": 1.0}, ("a note",))

    monkeypatch.setattr(MakePortraits, "require", lambda *_: None)
    monkeypatch.setattr(MakePortraits, "run", draw)
    out = tmp_path / "out"
    for name in ("01-7.png", "01-7-2.png"):
        code, told = run("portrait", "--name", "Ana", "-n", "1", "--out", out)
        assert code == 0
        assert told["portraits"] == [
            {"similarity": 0.5, "seed": 7, "file": str(out / name), "fusion_note": None}
        ]
        assert (out / name).read_bytes()[:4] == b"\x89PNG"
    assert told["rejected"] == [{"reason": "no_face", "seed": 9}]
    assert main(["portrait", "--name", "Ana"]) == 0
    assert "   picture 1/1" in capsys.readouterr().err.splitlines()


def test_a_template_is_painted_there(
    run: Run, services: ApiServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.studio.library.create_or_get("Ana", "fcsks")
    (tmp_path / "group.png").write_bytes(encode_png(np.zeros((64, 64, 3), np.uint8)))
    casts: list[Any] = []

    def paint(work: MakeTemplate, *_: object) -> Iterator[Event]:
        casts.append(dict(work.cast))
        yield PortraitsFinished((drawn(7),), (), (), {"generate": 1.0}, ("a note",))

    monkeypatch.setattr(MakeTemplate, "require", lambda *_: None)
    monkeypatch.setattr(MakeTemplate, "run", paint)
    picture, out = tmp_path / "group.png", tmp_path / "out"
    code, told = run("template", picture, "--people", "2=Ana", "--out", out)
    assert (code, casts) == (0, [{2: "Ana"}])
    assert told["pictures"] == [{"similarity": 0.5, "seed": 7, "file": str(out / "01-7.png")}]
    assert told["notes"] == ["a note"]
    for flags in ([], ["--look"]):
        assert "say with --people" in run("template", picture, *flags)[1]["error"]
    assert "removed there" in run("template", picture, "--keep")[1]["error"]


def test_templates_there_are_listed_and_painted_by_name(
    run: Run, services: ApiServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.studio.library.create_or_get("Ana", "fcsks")
    done: list[Any] = []

    def paint(work: MakeTemplate, *_: object) -> Iterator[Event]:
        done.append(([path.stem for path in work.photos], work.casts, work.words))
        yield PortraitsFinished((drawn(7),), (), ())

    monkeypatch.setattr(MakeTemplate, "require", lambda *_: None)
    monkeypatch.setattr(MakeTemplate, "run", paint)
    (tmp_path / "group.png").write_bytes(encode_png(np.zeros((64, 64, 3), np.uint8)))
    name = run("template", "--list")[1]["templates"][0]["name"]
    given = (name, tmp_path / "group.png", "--people", "1=Ana")
    assert run("template", *given)[0] == 0
    assert run("template", "--words", "a park", "--who", "Ana")[0] == 0
    assert done == [
        (["group", name], ({1: "Ana"}, {1: "Ana"}), ""),
        ([], ({},), "a park"),
    ]


def test_a_portrait_speaks_there_and_the_video_comes_here(
    run: Run, services: ApiServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.studio.library.create_or_get("Ana", "fcsks")
    said: list[str] = []

    def speak(work: Talk, *_: object) -> Iterator[Event]:
        audio = work.order.audio
        said.append(audio.read_text(encoding="utf-8") if audio else work.talk.text)
        path = work.order.out.with_suffix(".webm")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a video")
        yield Filming(2, 2)
        yield VideoFinished(path, False, 0.08, 2, "painted", {"film": 1.0}, ("a note",))

    monkeypatch.setattr(Talk, "require", lambda *_: None)
    monkeypatch.setattr(Talk, "run", speak)
    code, told = run("talk", "Hello", "--name", "Ana", "--out", tmp_path / "said.mp4")
    assert (code, said) == (0, ["Hello"])
    video = tmp_path / "said.webm"
    assert (told["video"], told["frames"], told["notes"]) == (str(video), 2, ["a note"])
    assert video.read_bytes() == b"a video"
    audio = tmp_path / "voice.wav"
    audio.write_text("a recording", encoding="utf-8")
    flags = ("--name", "Ana", "--audio", audio, "--out", video)
    assert run("talk", *flags)[0] == 0 and said[1:] == ["a recording"]


def test_the_example_makes_portraits_of_ten_people(
    port: int, services: ApiServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(*_: object) -> Iterator[Event]:
        yield PortraitsFinished((drawn(7), drawn(8)), (), ())

    for number in range(11):
        (tmp_path / "people" / f"P{number:02d}").mkdir(parents=True)
        (tmp_path / "people" / f"P{number:02d}" / "a.jpg").write_bytes(b"a photo")
    monkeypatch.setattr(Train, "require", lambda *_: None)
    monkeypatch.setattr(Train, "run", lambda work, studio, _: enrolled(studio, work.person))
    monkeypatch.setattr(MakePortraits, "require", lambda *_: None)
    monkeypatch.setattr(MakePortraits, "run", draw)
    url, out = f"http://127.0.0.1:{port}", tmp_path / "portraits"
    monkeypatch.setattr("sys.argv", ["", url, str(tmp_path / "people"), str(out)])
    runpy.run_path(str(EXAMPLE))
    made = sorted(path.relative_to(out).as_posix() for path in out.glob("*/*.png"))
    assert made == [f"P{n:02d}/{rank}.png" for n in range(10) for rank in (1, 2)]


def enrolled(studio: Studio, name: str) -> Iterator[Event]:
    studio.library.create_or_get(name, "fcsks")
    yield Stage("train")


def test_the_first_ctrl_c_cancels_there(
    run: Run, services: ApiServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.studio.library.create_or_get("Ana", "fcsks")
    stopped, before = threading.Event(), signal.getsignal(signal.SIGINT)

    def train(*_: object) -> Iterator[Event]:
        yield Step(1, 10, 0.5, 1e-4, 1.0, 9.0)
        wait_until(lambda: signal.getsignal(signal.SIGINT) is not before)
        os.kill(os.getpid(), signal.SIGINT)
        while not services.studio.host.cancelled():
            assert not stopped.wait(0.01)
        raise Cancelled("Stopped after 1 step.")

    monkeypatch.setattr(Train, "require", lambda *_: None)
    monkeypatch.setattr(Train, "run", train)
    timer = threading.Timer(PATIENCE, stopped.set)
    timer.start()
    code, told = run("train", "--name", "Ana")
    timer.cancel()
    assert (code, told["error"]) == (130, "Stopped after 1 step.")
    assert [job["state"] for job in run("jobs", "list")[1]["jobs"]] == ["canceled"]


@pytest.fixture
def heard() -> Iterator[None]:
    """Let Ctrl-C be heard, also where the tests run in a shell's background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_ctrl_c_before_the_job_is_there_cancels_it_too(
    run: Run, services: ApiServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.studio.library.create_or_get("Ana", "fcsks")

    def require(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)

    def train(*_: object) -> Iterator[Event]:
        wait_until(services.studio.host.cancelled)
        raise Cancelled("Stopped.")
        yield Stage("train")

    monkeypatch.setattr(Train, "require", require)
    monkeypatch.setattr(Train, "run", train)
    assert run("train", "--name", "Ana")[0] == 130
    wait_until(lambda: [job.state.value for job in services.jobs.all()] == ["canceled"])


def test_jobs_styles_and_models(run: Run, services: ApiServices) -> None:
    assert run("jobs", "list") == (0, {"jobs": []})
    assert run("jobs", "cancel", "--all") == (0, {"jobs": []})
    code, told = run("jobs", "cancel", "0" * 32)
    assert (code, "no such job" in told["error"]) == (2, True)
    assert "portrait" in [style["name"] for style in run("styles", "list")[1]["styles"]]
    assert run("models", "list")[1]["models"][0]["state"] == "shipped"
    assert run("models", "download", "nothing", "--yes")[0] == 2


def test_a_style_is_trained_there_on_pictures_from_here(
    run: Run, services: ApiServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        (tmp_path / f"{number}.png").write_bytes(encode_png(np.zeros((64, 64, 3), np.uint8), {}))
    (tmp_path / "2.txt").write_text("a harbour", encoding="utf-8")
    seen: list[TrainStyle | KeepLook] = []

    def train(work: TrainStyle, *_: object) -> Iterator[Event]:
        seen.append(work)
        lora = LoraFile(Path("rain.safetensors"), "fclook", "ab")
        yield TrainingFinished(lora, (10,), 0.7, {"train": 1.0})

    def keep(work: KeepLook, *_: object) -> Iterator[Event]:
        seen.append(work)
        yield Stage("prepare", 10)

    monkeypatch.setattr(TrainStyle, "run", train)
    monkeypatch.setattr(KeepLook, "run", keep)
    code, told = run("train-style", "--name", "Rain", tmp_path, "--rank", 8)
    assert (code, told["trigger_word"], told["nearness"], told["refused"]) == (0, "fclook", 0.7, [])
    assert run("train-style", "--name", "Sleet rain", tmp_path, "--keep")[0] == 0
    assert [work.name for work in seen] == ["Rain", "Sleet rain"]
    assert seen[0].style.rank == 8
    for work in seen:
        assert work.captions == (*[None] * 2, "a harbour", *[None] * 7)
    code, told = run("train-style", "--name", "Rain", "--resume")
    assert (code, "no pictures of a style 'Rain'" in told["error"]) == (2, True), told


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["ui"], "facechain ui cannot be asked of a server"),
        (["demo"], "facechain demo cannot be asked"),
        (["serve"], "facechain serve cannot be asked"),
        (["styles", "card", "a.safetensors"], "styles card cannot be asked"),
        (["people", "list", "--data-dir", "here"], "--data-dir is about this computer"),
        (["resume", "--name", "Ana", "--device", "cpu"], "--device is about this computer"),
        (["people", "list", "--server", "nowhere"], "no address of a server"),
        (["portrait", "--name", "Ana"], "no person 'Ana' here"),
        (["portrait", "--name", "Ana", "-n", "0"], "count must be between"),
    ],
)
def test_what_cannot_be_done_there_is_told_here(
    run: Run, arguments: list[str], sentence: str
) -> None:
    code, told = run(*arguments)
    assert code == 2
    assert sentence in told["error"]


def test_a_flag_goes_before_what_the_environment_says(
    run: Run, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = ("--server", "", "--data-dir", tmp_path / "data")
    assert run("people", "list", *local) == (0, {"people": []})
    monkeypatch.setenv("FACECHAIN_SERVER", "http://127.0.0.1:1")
    assert run("--server", f"http://127.0.0.1:{port}", "people", "list")[0] == 0
    code, told = run("people", "list")
    assert code == 2
    assert "http://127.0.0.1:1 cannot be reached" in told["error"]
