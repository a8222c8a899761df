"""The folders of trainings: their order, and who may go on with one."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from facechain_ext.base.errors import Busy
from facechain_ext.library import person as person_module
from facechain_ext.library.people import PeopleLibrary, Run
from facechain_ext.library.runs import RunFolder


class Clock:
    """Tells the same wrong time for ever."""

    @staticmethod
    def now(zone: timezone) -> datetime:
        return datetime(2020, 1, 1, tzinfo=zone)


def test_a_clock_that_was_set_back_does_not_reorder_trainings(
    library: PeopleLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = library.create_or_get("Ana", "x")
    first = person.new_run()
    monkeypatch.setattr(person_module, "datetime", Clock)
    later = [person.new_run() for _ in range(11)]
    assert person.run_folders == [first, *later]
    assert later[-1].name == f"{first.name.partition('-2')[0] and first.name}-12"


def test_one_training_goes_on_in_one_place(library: PeopleLibrary) -> None:
    person = library.create_or_get("Ana", "x")
    run = RunFolder(person.new_run())
    with run.held():
        with pytest.raises(Busy, match="going on already"), RunFolder(run.folder).held():
            pass
        library.settle()
        renamed = library.rename("Ana", "Eva")
        assert renamed.manifest.name == library.get("eva").manifest.name == "Eva"
        assert run.folder.is_dir(), "a training writes there"
    library.settle()
    assert library.get("Eva").slug == "eva"
    assert not run.folder.exists()
    assert [path.name for path in library.root.iterdir()] == ["eva"]


def test_a_run_knows_what_it_was_trained_with(library: PeopleLibrary) -> None:
    person = library.create_or_get("Ana", "new word")
    folder = person.new_run()
    run = Run(folder.name, "x.safetensors", "", "mini", None, (1,))
    assert person.as_trained(run).trigger_word == "new word"
    (folder / "config.json").write_text('{"trigger_word": "old word"}', encoding="utf-8")
    assert person.as_trained(run).trigger_word == "old word"
