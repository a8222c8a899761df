"""What a crash left half done is done to the end, or taken back; called with the lock held.

Every change of a library has one moment in which it happens, a rename. What comes before lies in
hidden folders and is removed; what comes after can be repeated until it is done.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path

from facechain_ext.base.errors import FaceChainError
from facechain_ext.imaging.files import files_in, write_atomic
from facechain_ext.library.locking import Claim, claim, is_claimed
from facechain_ext.library.manifest import Run
from facechain_ext.library.person import DRAFT, LEAVING, LOCK, NEW, Person, remove_folder
from facechain_ext.library.places import OUTBOX, Damaged, Places, move

logger = logging.getLogger(__name__)

GONE, EXPORT = ".gone-", ".export-"
ELSEWHERE = ".elsewhere.json"
TEMPORARY = ".*.tmp"
RUN_ENTRY = "run.json"
"""In an outbox: what the manifest lists when the LoRA has arrived."""


def settle_hidden(places: Places) -> bool:
    """Remove what changes left beside the people; tell whether a process ended in one of them."""
    with os.scandir(places.root) as entries:
        hidden = sorted(entry.name for entry in entries if entry.name.startswith("."))
    ended = False
    for name in hidden:
        path = places.root / name
        is_lock = path.match(f".*{LOCK}") and name != LOCK
        _tried(path, partial(_settle_hidden, path))
        ended = ended or (is_lock and not path.exists())
    return ended


def settle(places: Places) -> bool:
    """Finish or take back what earlier changes left; tell whether all could be, or some is left
    for later."""
    settle_hidden(places)
    done = [_tried(who.folder, partial(_settle_one, places, who)) for who in places.everybody()]
    return all(done)


def _tried(path: Path, action: Callable[[], object]) -> bool:
    """Do something about a path; a file that is open or damaged must not stop everybody."""
    try:
        action()
    except (FaceChainError, OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("A change of %s could not be finished: %s", path, error)
        return False
    return True


def _settle_hidden(path: Path) -> None:
    if path.name.startswith(GONE):
        remove(path)
    elif path.name.startswith(DRAFT) and path.is_dir():
        if not is_claimed(claim_of(path)):
            shutil.rmtree(path)
    elif path.name.startswith(EXPORT):
        Path(os.fsdecode(path.read_bytes())).unlink(missing_ok=True)
        path.unlink()
    elif path.match(TEMPORARY):
        path.unlink()
    elif path.match(f".*{LOCK}"):
        is_claimed(path)


def _settle_one(places: Places, person: Person | Damaged) -> None:
    _sweep(person)
    if isinstance(person, Person):
        settle_person(places, person)


def settle_person(places: Places, person: Person) -> Person:
    """Finish a person's changes; return them as they are then."""
    if (person.folder / LEAVING).is_file():
        person = person.take_leave()
    if (person.folder / NEW).is_dir():
        person = person.take_new()
    if (person.folder / OUTBOX).is_dir():
        person = deliver(places, person)
    return finish_move(places, person) if person.manifest.moving else person


def _sweep(person: Person | Damaged) -> None:
    """Remove halves of files, but not those that a training is writing."""
    remove_folder(person.folder / (OUTBOX + ".part"))
    (person.folder / ELSEWHERE).unlink(missing_ok=True)
    idle = [f for f in _runs(person) if not is_claimed(run_claim(f))]
    for folder in (person.folder, person.folder / "instances", *idle):
        deep = folder.parent.name == "runs"
        for path in folder.rglob(TEMPORARY) if deep else folder.glob(TEMPORARY):
            path.unlink(missing_ok=True)


def _runs(person: Person | Damaged) -> list[Path]:
    runs = person.folder / "runs"
    return [path for path in runs.glob("[!.]*") if path.is_dir()] if runs.is_dir() else []


def run_claim(run: Path) -> Path:
    """Return the file that a training holds while it goes on."""
    person = run.parent.parent
    return person.parent / f".{person.name}.{run.name}{LOCK}"


def claim_of(draft: Path) -> Path:
    return draft.with_name(draft.name + LOCK)


def new_draft(root: Path) -> tuple[Path, Claim]:
    """Make a hidden folder that is removed unless it is moved into place."""
    root.mkdir(parents=True, exist_ok=True)
    folder = root / f"{DRAFT}{uuid.uuid4().hex}"
    held = claim(claim_of(folder))
    assert held is not None
    folder.mkdir()
    return folder, held


def discard_draft(folder: Path, held: Claim) -> None:
    """Remove what was not moved into place."""
    try:
        remove_folder(folder)
    finally:
        held.release()


def bring(draft: Path, place: Path) -> None:
    """Move a draft into a person's folder, which may be a link to another disk."""
    try:
        draft.replace(place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        part = place.with_name(place.name + ".part")
        remove_folder(part)
        shutil.copytree(draft, part)
        part.replace(place)


def deliver(places: Places, person: Person) -> Person:
    """List what is on its way, then move it out of the outbox to its place."""
    outbox = person.folder / OUTBOX
    entry = outbox / RUN_ENTRY
    run = Run.from_facts(json.loads(entry.read_text("utf-8"))) if entry.is_file() else None
    if run is not None:
        person = person.add_run(run)
    for part, target in (
        ("lora", places.lora_dir),
        ("portraits", places.output_dir / person.slug),
    ):
        for path in [*files_in(outbox / part)]:
            move(path, target / path.relative_to(outbox / part))
    if run is not None and not run.by_hand:
        forget_states(person.folder / "runs" / run.name)
    remove_folder(outbox)
    return person


def forget_states(run: Path) -> None:
    """Remove what only a training that goes on needs."""
    checkpoints = run / "checkpoints"
    for path in (*checkpoints.glob("state-*.safetensors"), checkpoints / "latents.safetensors"):
        path.unlink(missing_ok=True)


def finish_move(places: Places, person: Person) -> Person:
    """Take a renamed person to the folder of the new name, unless a training is writing there."""
    if any(is_claimed(run_claim(folder)) for folder in _runs(person)):
        return person
    former, target = person.manifest.moving
    if person.slug == former:
        person.folder.replace(places.root / target)
        person = Person(places.root / target, person.manifest)
    portraits = places.output_dir / former
    if portraits.is_dir():
        for path in [*files_in(portraits)]:
            move(path, _unused(places.output_dir / target / path.relative_to(portraits)))
        remove_folder(portraits)
    return person.save(moving=())


def _unused(path: Path) -> Path:
    number = 2
    wish = path
    while path.exists():
        path = wish.with_name(f"{wish.stem}-{number}{wish.suffix}")
        number += 1
    return path


def put_aside(places: Places, person: Person | Damaged) -> tuple[Path, list[Path]]:
    """Take a person out of the library in one step; return the folder, for `remove`, and all that
    it lists elsewhere."""
    elsewhere = [*places.lora_files(person), *places.portrait_folders(person)]
    listed = json.dumps([str(path) for path in elsewhere])
    write_atomic(person.folder / ELSEWHERE, listed.encode("utf-8"))
    gone = places.root / f"{GONE}{uuid.uuid4().hex}"
    person.folder.replace(gone)
    return gone, elsewhere


def remove(gone: Path) -> None:
    """Remove a folder that was put aside, what it lists elsewhere first."""
    listed = gone / ELSEWHERE
    for name in json.loads(listed.read_text(encoding="utf-8")) if listed.is_file() else ():
        _remove_file(Path(name)) if not Path(name).is_dir() else remove_folder(Path(name))
    remove_folder(gone)


def _remove_file(path: Path) -> None:
    """Remove a file; where it is a link, what it leads to as well."""
    if path.is_symlink():
        path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)
