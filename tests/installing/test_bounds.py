"""What would be installed in each of the webuis there are, told from their packages' metadata."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from facechain_ext.installing.bounds import bounds, contradiction, pinned
from facechain_ext.installing.environment import everything_installed, unmet

LIMITS = Path(__file__).parents[2] / "requirements" / "limits.txt"
SHELF = {
    "diffusers": ("0.31.0", "0.32.2", "0.33.1", "0.35.2", "0.37.1", "0.42.1"),
    "peft": ("0.13.2", "0.14.0", "0.15.2", "0.17.1", "0.18.1", "0.19.1", "0.21.2"),
}
WANTED = {"diffusers": "diffusers>=0.31", "peft": "peft>=0.13.2"}

DIFFUSERS_ASKS = {
    "0.31.0": "peft>=0.6.0; extra == 'training'",
    "0.32.2": "peft>=0.6.0; extra == 'training'",
    "0.37.1": "peft>=0.17.0 ; extra == 'training'",
    "0.39.0.dev0": "peft>=0.17.0 ; extra == 'training'",
}

HOSTS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "A1111 1.10.1": (
        {"torch": "2.1.2", "transformers": "4.30.2", "accelerate": "0.21.0"},
        {"diffusers": "0.31.0", "peft": "0.13.2"},
    ),
    "A1111 with a new accelerate": (
        {"torch": "2.1.2", "transformers": "4.30.2", "accelerate": "1.14.0"},
        {"diffusers": "0.31.0", "peft": "0.13.2"},
    ),
    "A1111 with somebody's peft": (
        {"transformers": "4.30.2", "accelerate": "0.21.0", "peft": "0.13.2"},
        {"diffusers": "0.31.0"},
    ),
    "Forge": (
        {"transformers": "4.46.1", "diffusers": "0.31.0", "accelerate": "0.31.0"},
        {"peft": "0.13.2"},
    ),
    "Forge Neo": (
        {"transformers": "4.57.6", "diffusers": "0.37.1", "accelerate": "1.14.0"},
        {"peft": "0.21.2"},
    ),
    "Forge Neo without accelerate": (
        {"transformers": "4.57.6", "diffusers": "0.37.1"},
        {"peft": "0.21.2"},
    ),
    "Forge Neo, packed anew": (
        {"transformers": "4.56.2", "diffusers": "0.37.1", "accelerate": "1.13.0", "peft": "0.17.1"},
        {},
    ),
    "reForge": (
        {"transformers": "4.48.1", "diffusers": "0.32.2", "accelerate": "0.21.0"},
        {"peft": "0.13.2"},
    ),
    "reForge newmain_newforge": (
        {"transformers": "4.46.1", "diffusers": "0.31.0", "accelerate": "0.31.0", "peft": "0.13.2"},
        {},
    ),
    "ersatzForge": (
        {"transformers": "4.56.2", "diffusers": "0.37.1", "accelerate": "1.15.0"},
        {"peft": "0.21.2"},
    ),
    "SD.Next": ({"diffusers": "0.39.0.dev0", "peft": "0.19.1"}, {}),
    "everything current": (
        {"transformers": "5.23.0", "accelerate": "1.15.0"},
        {"diffusers": "0.42.1", "peft": "0.21.2"},
    ),
}

Put = Callable[..., None]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """An environment of metadata alone; returns what puts a package into it."""
    site = tmp_path / "site packagés"
    site.mkdir()
    monkeypatch.setattr(sys, "path", [str(site)])

    def write(name: str, version: str, *needs: str, extras: tuple[str, ...] = ()) -> None:
        lines = [f"Requires-Dist: {each}" for each in needs]
        lines += [f"Provides-Extra: {each}" for each in extras]
        text = "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines])
        folder = site / f"{name}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"{text}\n", encoding="utf-8")

    return write


def install(put: Put, packages: Mapping[str, str]) -> None:
    for name, version in packages.items():
        asks = (DIFFUSERS_ASKS[version],) if name == "diffusers" else ()
        put(name, version, *asks, extras=("training",) if asks else ())


def chosen(name: str) -> str | None:
    """Return the newest of a package that may be taken, as pip does; None for none."""
    versions = Requirement(WANTED[name]).specifier
    for each in bounds([name], LIMITS):
        versions &= each.versions
    return next((each for each in reversed(SHELF[name]) if each in versions), None)


@pytest.mark.parametrize("host", HOSTS)
def test_what_is_added_suits_the_host(put: Put, host: str) -> None:
    installed, added = HOSTS[host]
    install(put, installed)
    missing = [name for name in WANTED if name not in installed]
    assert contradiction(bounds(missing, LIMITS)) == ""
    assert {name: chosen(name) for name in missing} == added
    assert [*pinned(everything_installed())] == sorted(f"{n}=={v}" for n, v in installed.items())


def test_an_impossible_pair_is_a_sentence(put: Put) -> None:
    install(put, {"diffusers": "0.37.1", "accelerate": "0.21.0"})
    assert contradiction(bounds(["peft"], LIMITS)) == (
        "diffusers 0.37.1 asks for peft>=0.17.0 and accelerate 0.21.0 works with peft<0.14 alone"
    )
    assert chosen("peft") is None


def test_only_what_is_to_be_added_is_bound(put: Put) -> None:
    install(put, {"transformers": "4.30.2", "accelerate": "0.21.0"})
    assert {each.package for each in bounds(["peft"], LIMITS)} == {"peft"}
    assert bounds(["safetensors"], LIMITS) == []


def test_what_others_than_the_hosts_own_libraries_mention_binds_nothing(put: Put) -> None:
    put("peft", "0.13.2", "diffusers<0.21.0; extra == 'test'", extras=("test",))
    assert bounds(["diffusers"], LIMITS) == []


def test_what_holds_elsewhere_alone_binds_nothing(put: Put) -> None:
    put("diffusers", "0.37.1", "peft>=9; python_version < '3'", "peft>=0.17")
    assert [str(each) for each in bounds(["peft"], LIMITS)] == ["peft>=0.17"]


def test_lines_that_nobody_can_read_do_no_harm(put: Put) -> None:
    put("diffusers", "0.37.1", "peft >=0.17.0.*!", "peft>=0.17")
    put("accelerate", "by-hand")
    install(put, {"transformers": "4.57.6"})
    assert "peft>=0.17" in map(str, bounds(["peft"], LIMITS))


def test_unmet_requirements_are_named(put: Put) -> None:
    put("peft", "0.21.2", "torch>=1.13", "numpy>=1.17", "black; extra == 'quality'", "tqdm")
    put("torch", "2.13.0+cpu")
    put("numpy", "1.16")
    assert unmet(["peft"]) == ["peft requires numpy>=1.17", "peft requires tqdm"]
