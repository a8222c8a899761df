"""facechain train-style and looks, on the small model."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from facechain_ext.base.events import Event, Step
from facechain_ext.cli import style_training
from facechain_ext.cli.main import main

pytestmark = pytest.mark.slow(10)

NEWER = '{"schema": 99, "name": "Sea"}'
FLAGS = ["--steps", "2", "--batch-size", "1", "--rank", "2", "--samples-per-snapshot", "0"]


class Shell:
    """Runs commands over a data folder of their own, on the small model."""

    def __init__(
        self, capsys: pytest.CaptureFixture[str], data_dir: Path, checkpoint: Path
    ) -> None:
        self.capsys, self.data_dir, self.checkpoint = capsys, data_dir, checkpoint

    def run(self, *arguments: str | Path) -> tuple[int, str, str]:
        whole = [*map(str, arguments), "--data-dir", str(self.data_dir)]
        if arguments[0] == "train-style" and "--resume" not in arguments:
            whole += ["--checkpoint", str(self.checkpoint), *FLAGS]
        code = main(whole)
        output = self.capsys.readouterr()
        return code, output.out, output.err

    def json(self, *arguments: str | Path) -> Any:
        code, out, err = self.run(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    def error(self, *arguments: str | Path) -> str:
        code, out, err = self.run(*arguments)
        assert (code, out) == (2, "")
        return err.splitlines()[-1]


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], tmp_path: Path, small_folder: Path) -> Shell:
    return Shell(capsys, tmp_path / "données", small_folder)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(10):
        noise = np.random.default_rng(number).integers(0, 255, (70, 64, 3), np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), noise)
        words = "paper, rain" if number else "paper"
        (folder / f"{number}.txt").write_text(words, encoding="utf-8")
    return folder


def test_pictures_become_a_style(shell: Shell, pictures: Path) -> None:
    told = shell.json("train-style", "--name", "Ink", pictures)
    assert (told["style"], told["prompt"]) == ("ink", "{person}, fclook, rain")
    assert told["trigger_word"] == "fclook"
    assert Path(told["lora"]).is_file()
    assert told["refused"] == []
    shown = shell.json("styles", "show", "ink")
    assert (shown["usable"], shown["style_lora"]) == (True, Path(told["lora"]).stem)
    (look,) = shell.json("looks", "list")["looks"]
    assert look == {
        "name": "Ink",
        "style": "ink",
        "pictures": 10,
        "lora": Path(told["lora"]).name,
        "stopped_at": None,
    }


def test_captions_are_edited_between_keeping_and_training(shell: Shell, pictures: Path) -> None:
    (pictures / "3.png").write_bytes(b"no picture")
    (pictures / "again.png").write_bytes((pictures / "4.png").read_bytes())
    kept = shell.json("train-style", "--name", "Ink", pictures, "--keep")
    assert kept["train_with"] == "facechain train-style --name Ink"
    assert [message.split()[0] for message in kept["refused"]] == ["3.png"]
    assert kept["captions"]["000.png"] == "paper"
    assert "There is no style 'ink'" in shell.error("styles", "show", "ink")
    for text in sorted(Path(kept["folder"]).glob("*.txt"))[:6]:
        text.write_text("sea", encoding="utf-8")
    assert shell.json("train-style", "--name", "Ink")["prompt"] == "{person}, fclook, sea"


def test_a_training_stopped_by_ctrl_c_goes_on(
    shell: Shell, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press_ctrl_c(event: Event) -> str:
        if isinstance(event, Step):
            signal.raise_signal(signal.SIGINT)
        return ""

    with monkeypatch.context() as patched:
        patched.setattr(style_training, "described", press_ctrl_c)
        code, _, err = shell.run("train-style", "--name", "Ink", pictures)
    assert code == 130, err
    (look,) = shell.json("looks", "list")["looks"]
    assert (look["stopped_at"], look["lora"]) == ("step 1 of 2", None)
    done = shell.json("train-style", "--name", "Ink", "--resume")
    assert done["style"] == "ink"
    assert "no stopped training" in shell.error("train-style", "--name", "Ink", "--resume")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--name", "Ink", "{empty}"], "No photos there"),
        (["--name", "Ink", "{one}"], "1 picture is too few"),
        (["--name", "Ink", "missing"], "missing does not exist"),
        (["--name", "Ink", "{model}"], "ink.safetensors is a model, not a picture"),
        (["--name", "Business", "{all}"], "There is a style 'business' already"),
        (["--name", "!", "{all}"], "cannot name a style"),
        (["--name", "Ink"], "There are no pictures of a style 'Ink'"),
        (["--name", "Ink", "--keep"], "--keep needs some"),
        (["--name", "Ink", "{all}", "--captions", "tags"], "cannot be tagged"),
        (["--name", "Ink", "{all}", "--trigger-word", "a, b"], "trigger_word must be plain"),
        (["--name", "Ink", "{plain}", "--captions", "files"], "no caption beside any"),
    ],
)
def test_bad_input_is_one_clear_line(
    shell: Shell, pictures: Path, tmp_path: Path, arguments: list[str], told: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "0.png").write_bytes((pictures / "0.png").read_bytes())
    (tmp_path / "ink.safetensors").write_bytes(b"x")
    places = {
        "{empty}": tmp_path / "empty",
        "{one}": pictures / "0.png",
        "{model}": tmp_path / "ink.safetensors",
        "{all}": pictures,
        "{plain}": tmp_path / "plain",
    }
    assert told in shell.error("train-style", *(places.get(text, text) for text in arguments))
    assert shell.json("looks", "list") == {"looks": []}


def test_a_damaged_look_is_told_and_the_others_are_listed(shell: Shell, pictures: Path) -> None:
    shell.json("train-style", "--name", "Ink", pictures, "--keep")
    shell.json("train-style", "--name", "Sea", pictures, "--keep")
    manifest = shell.data_dir / "facechain" / "looks" / "sea" / "look.json"
    manifest.write_text("{}", encoding="utf-8")
    told = shell.json("looks", "list")
    assert [look["name"] for look in told["looks"]] == ["Ink"]
    assert [str(manifest) in problem for problem in told["damaged"]] == [True]
    assert "is damaged" in shell.error("train-style", "--name", "Sea")
    assert "is damaged" in shell.error("looks", "show", "Sea")
    newer = manifest.with_name("look.json").read_text(encoding="utf-8").replace("{}", NEWER)
    manifest.write_text(newer, encoding="utf-8")
    assert "newer version" in shell.error("train-style", "--name", "Sea")


def test_a_checkpoint_is_no_style(shell: Shell, small_file: Path) -> None:
    assert "is a whole checkpoint, not a LoRA" in shell.error("styles", "import", small_file)


def test_a_look_is_deleted_and_its_style_stays(shell: Shell, pictures: Path) -> None:
    shell.json("train-style", "--name", "Ink", pictures)
    assert "give --yes" in shell.error("looks", "delete", "Ink")
    folder = Path(shell.json("looks", "show", "Ink")["folder"])
    shell.json("looks", "delete", "Ink", "--yes")
    assert not folder.exists()
    assert shell.json("styles", "show", "ink")["usable"]
    assert "There is a style 'ink' already" in shell.error("train-style", "--name", "Ink", pictures)
