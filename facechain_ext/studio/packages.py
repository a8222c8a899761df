"""Optional packages, installed while the program runs and only where somebody agrees to it."""

from __future__ import annotations

import importlib
import logging
import threading

from packaging.requirements import Requirement

from facechain_ext.base.errors import Busy, FaceChainError, InvalidInput
from facechain_ext.installing.adding import add
from facechain_ext.installing.optional import OPTIONAL, OptionalPackage

logger = logging.getLogger(__name__)

_INSTALLING = threading.Lock()


def find_package(name: str) -> OptionalPackage:
    """Return an optional package by its name; raises InvalidInput that lists those there are."""
    for package in OPTIONAL:
        if package.name == name:
            return package
    known = ", ".join(package.name for package in OPTIONAL)
    raise InvalidInput(f"There is no optional package {name!r}; there are {known}.")


def install(package: OptionalPackage, *, consent: bool) -> str:
    """Add a package beside what is installed, which all stays; says how it can be used.

    Takes a minute or so. Raises InvalidInput without consent, Busy while another one is being
    installed, FaceChainError with what kept it from being installed.
    """
    if package.installed:
        return f"{package.name} is installed already."
    if not consent:
        raise InvalidInput(f"Nothing is installed without your consent: {package.summary}.")
    if not _INSTALLING.acquire(blocking=False):
        raise Busy("Another package is being installed. Try again when that is done.")
    try:
        reason = add([Requirement(package.requirement)], usable=True)
    finally:
        _INSTALLING.release()
    if reason:
        raise FaceChainError(f"{package.name} could not be installed: {reason}.")
    logger.info("installed %s", package.name)
    return f"{package.name} is installed. {_how_to_use(package)}"


def _how_to_use(package: OptionalPackage) -> str:
    """Say whether this process can import it; pip may have put it where this one does not look."""
    importlib.invalidate_caches()
    try:
        importlib.import_module(package.module)
    except ImportError as error:
        logger.info("%s cannot be imported before a restart: %s", package.name, error)
        return "Restart the program to use it."
    return "It can be used at once."
