"""What is known of packages that are good for one thing each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from packaging.requirements import Requirement

from facechain_ext.installing.optional import OPTIONAL, OptionalPackage
from facechain_ext.nets.catalog import CATALOG


@pytest.mark.parametrize("package", OPTIONAL, ids=lambda package: package.name)
def test_size_and_licence_are_told_before_anybody_agrees(package: OptionalPackage) -> None:
    assert Requirement(package.requirement).name == package.name
    for told in (package.name, package.purpose, package.licence, "to download", "PyPI"):
        assert told in package.summary


def test_the_wheels_of_pillow_heif_are_told_as_gpl() -> None:
    (heif,) = (package for package in OPTIONAL if package.name == "pillow-heif")
    assert "GPL-2.0" in heif.licence


def test_what_is_not_there_is_seen() -> None:
    assert not replace(OPTIONAL[0], module="there_is_no_such_module").installed


def test_nets_name_packages_that_can_be_had() -> None:
    known = {package.name for package in OPTIONAL}
    assert {entry.needs for entry in CATALOG if entry.needs} <= known
