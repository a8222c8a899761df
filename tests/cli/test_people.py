"""The people commands: one library, people of any script, damaged ones and exports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from facechain_ext.cli.main import main
from facechain_ext.library.people import PeopleLibrary, Run
from facechain_ext.standalone.diffusers_host import paths_under
from tests.library.conftest import make_instance


@pytest.fixture
def library(tmp_path: Path) -> PeopleLibrary:
    """Two people, of whom the first was trained."""
    paths = paths_under(tmp_path / "data")
    paths.lora_dir.mkdir(parents=True)
    root = paths.data_dir / "facechain" / "people"
    library = PeopleLibrary(root, paths.lora_dir, paths.output_dir)
    for name in ("李", "Анна"):
        library.create_or_get(name, "fcsks").save_instances([make_instance()])
    run = Run("20260101-000000", "person-20260101-000000.safetensors", "", "mini", 0.5, (50, 100))
    (paths.lora_dir / run.lora).write_bytes(b"x")
    library.get("李").add_run(run)
    return library


def told(capsys: pytest.CaptureFixture[str], library: PeopleLibrary, *arguments: object) -> str:
    data_dir = library.root.parents[1]
    assert main(["people", *map(str, arguments), "--data-dir", str(data_dir)]) == 0
    return capsys.readouterr().out


def facts(capsys: pytest.CaptureFixture[str], library: PeopleLibrary, *arguments: object) -> Any:
    return json.loads(told(capsys, library, *arguments, "--json"))


def test_people_of_any_script_are_listed_renamed_and_deleted(
    capsys: pytest.CaptureFixture[str], library: PeopleLibrary
) -> None:
    people = facts(capsys, library, "list")["people"]
    assert [(p["name"], p["slug"]) for p in people] == [("李", "person"), ("Анна", "person-2")]
    assert facts(capsys, library, "rename", "Анна", "😀")["name"] == "😀"
    assert facts(capsys, library, "delete", "李", "--yes")["deleted"]
    assert [p["name"] for p in facts(capsys, library, "list")["people"]] == ["😀"]


def test_what_is_shown_reads_as_text_and_as_json(
    capsys: pytest.CaptureFixture[str], library: PeopleLibrary
) -> None:
    text = told(capsys, library, "show", "李")
    assert "<lora:person-20260101-000000:1>" in text
    assert "    000: fcsks, photo of a woman" in text.splitlines() or "  000: fcsks" in text
    for python in ("{'", "[{", "('", "None", "True", "False", "Gender"):
        assert python not in text
    shown = facts(capsys, library, "show", "李")
    assert shown["attributes"]["gender"] is None
    assert shown["runs"][0]["steps"] == [50, 100]
    assert shown["captions"] == {"000": "fcsks, photo of a woman"}


def test_a_damaged_person_is_told_apart_and_deleted(
    capsys: pytest.CaptureFixture[str], library: PeopleLibrary
) -> None:
    (library.get("Анна").folder / "person.json").write_text("{", encoding="utf-8")
    listed = facts(capsys, library, "list")
    assert [person["name"] for person in listed["people"]] == ["李"]
    (damaged,) = listed["damaged"]
    assert damaged["slug"] == "person-2"
    assert "person.json is damaged" in damaged["problem"]
    facts(capsys, library, "delete", "person-2", "--yes")
    assert "damaged" not in facts(capsys, library, "list")


def test_an_export_is_taken_in_under_another_name(
    capsys: pytest.CaptureFixture[str], library: PeopleLibrary, tmp_path: Path
) -> None:
    archive = facts(capsys, library, "export", "李", tmp_path / "x.zip")["archive"]
    assert main(["people", "import", archive, "--data-dir", str(library.root.parents[1])]) == 2
    assert "is taken" in capsys.readouterr().err
    assert facts(capsys, library, "import", archive, "--name", "王")["slug"] == "person-3"
