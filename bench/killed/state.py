"""What a data folder holds, in words that two folders with other names and times share."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from facechain_ext.library.people import PeopleLibrary
from facechain_ext.standalone.diffusers_host import paths_under

RUN = re.compile(r"\d{8}-\d{6}(-\d+)?")
SAME_CONTENT = {".jpg", ".png", ".txt"}
OWN_CONTENT = re.compile(r"/(photos|instances)/|^portraits/")
"""Files whose content says whose they are; others tell times, too."""


def library_of(data_dir: Path) -> PeopleLibrary:
    paths = paths_under(data_dir)
    people = paths.data_dir / "facechain" / "people"
    return PeopleLibrary(people, paths.lora_dir, paths.output_dir)


def state_of(data_dir: Path, *, unfinished_runs: bool = False) -> frozenset[str]:
    """Open the library, as the next program would, and list all there is.

    unfinished_runs: with the folders of trainings that are not listed; without, they are left out.
    """
    library = library_of(data_dir)
    library.settle()
    facts: set[str] = set()
    hidden: set[Path] = set()
    names: dict[str, str] = {}
    for person in library.people():
        listed = {run.name for run in person.manifest.runs}
        for number, folder in enumerate(person.run_folders):
            if folder.name in listed or unfinished_runs:
                names[folder.name] = f"run{number}"
            else:
                hidden.add(folder)
        facts.add(f"{person.slug}: {_told(person.folder / 'person.json')}")
        facts.add(f"{person.slug} can be read: {len(person.load_instances())}")
    facts |= {f"damaged {who.slug}" for who in library.damaged()}
    for path in sorted(p for p in data_dir.rglob("*") if p.is_file()):
        if path.name != "person.json" and not hidden & set(path.parents):
            facts.add(_described(path, data_dir, names))
    return frozenset(facts)


def _told(manifest: Path) -> str:
    facts = json.loads(manifest.read_text(encoding="utf-8"))
    runs = sorted((run["steps"], run["by_hand"], run["trigger_word"]) for run in facts["runs"])
    return f"{facts['name']}, {facts['trigger_word']}, {runs}, moving {facts['moving']}"


def _described(path: Path, data_dir: Path, names: dict[str, str]) -> str:
    inside = path.relative_to(data_dir).as_posix()
    for name in sorted(names, key=len, reverse=True):
        inside = inside.replace(name, names[name])
    if path.suffix in SAME_CONTENT and OWN_CONTENT.search(inside):
        return f"{inside} {hashlib.sha256(path.read_bytes()).hexdigest()[:8]}"
    return inside
