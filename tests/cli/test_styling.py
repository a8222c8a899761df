"""`facechain styles` show, import, export and card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from facechain_ext.cli.main import main
from tests.studio.test_lora_cards import lora, plain
from tests.styles.test_foreign import THEIRS


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `facechain styles ... --json`; return its code, its answer and what it says of errors."""

    def styles(*arguments: str | Path) -> tuple[int, Any, str]:
        data = ["--data-dir", str(tmp_path / "data"), "--json"]
        code = main(["styles", *map(str, arguments), *data])
        told = capsys.readouterr()
        return code, json.loads(told.out), told.err

    return styles


def test_a_style_goes_in_and_out_again(run: Any, tmp_path: Path) -> None:
    source = tmp_path / "theirs.json"
    source.write_text(json.dumps(THEIRS), encoding="utf-8")
    code, told, _ = run("import", source)
    assert code == 0
    (added,) = told["added"]
    assert (added["name"], added["prompt"]) == ("hanfu", "{person}, hanfu, tang")
    assert "black hair" in added["notes"]
    code, told, _ = run("show", "hanfu")
    assert (code, told["style_lora_weight"], told["usable"]) == (0, 0.35, False)
    assert "not in the LoRA folder" in told["why_not"]
    code, told, _ = run("export", "hanfu", tmp_path)
    assert json.loads(Path(told["file"]).read_text("utf-8"))["style_lora"] == "Hanfu_v30"


def test_what_cannot_be_taken_in_is_told_with_its_line(run: Any, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{\n"name": "boat",\n"title": "Boat",\n"prompt": 5\n}', encoding="utf-8")
    code, told, _ = run("import", bad)
    assert code == 2
    assert told["error"].startswith("bad.json: Line 4: Style 'boat': prompt must be text")
    code, told, _ = run("import", tmp_path / "gone.json")
    assert (code, told["error"]) == (2, "gone.json is no file that can be read.")


def test_a_loras_card_is_shown_and_a_checkpoints_is_not(run: Any, tmp_path: Path) -> None:
    code, told, _ = run("card", lora(tmp_path, modelspec__trigger_phrase="inkwash"))
    assert (code, told["trigger_words"]) == (0, ["inkwash"])
    assert told["told_by"] == {"trigger_words": "modelspec"}
    code, told, _ = run("card", plain(tmp_path, "model.diffusion_model.out.2.weight"))
    assert code == 2
    assert "whole checkpoint, not a LoRA" in told["error"]
    code, told, _ = run("import", tmp_path / "gone.safetensors")
    assert code == 2
    assert "gone.safetensors" in told["error"]
