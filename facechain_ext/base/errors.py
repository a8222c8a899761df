"""Typed errors; each message is a sentence meant for the user's eyes."""

from __future__ import annotations

import errno
import json

_LONGEST_DAMAGE = 160
_LONGEST_QUOTE = 60


class FaceChainError(Exception):
    """Base of every error this product raises on purpose."""


class InvalidInput(FaceChainError):
    """An argument, a setting or a file is outside what is accepted."""


class UnreadablePhoto(InvalidInput):
    """A file is not a picture that can be decoded safely."""


class NoUsablePhotos(FaceChainError):
    """Every photo was rejected; the message lists why."""


class PersonNotFound(InvalidInput):
    """No person of that name is in the library."""


class NoFaceFound(FaceChainError):
    """A picture that must show a face shows none."""


class NoPortraitFound(FaceChainError):
    """Every candidate portrait was rejected; the message counts the reasons."""


class UnsupportedCheckpoint(InvalidInput):
    """The checkpoint's family or file type cannot be used for this task."""


class WeightsMissing(FaceChainError):
    """A weight file is not there, or is not the file it should be."""


class LibraryTooNew(FaceChainError):
    """A manifest on disk was written by a newer version; it is left untouched."""


class OutOfMemory(FaceChainError):
    """The smallest plan does not fit the device's free memory."""


class ModelUnavailable(FaceChainError):
    """The checkpoint that a job began with is gone from the host."""


class Busy(FaceChainError):
    """Another job holds the device."""


class TooMany(Busy):
    """More waits already than is accepted."""


class Conflict(InvalidInput):
    """A job of that id exists, and asks for something else."""


class Interrupted(FaceChainError):
    """The program ended in the middle of a job."""


class Cancelled(FaceChainError):
    """The user stopped the job."""


_SYSTEM = {
    errno.EACCES: "there is no permission for that, or another program has the file open",
    errno.EBUSY: "another program is using that",
    errno.EDQUOT: "your share of the disk is used up",
    errno.EEXIST: "a file of that name is in the way",
    errno.EFBIG: "the file would be too large for this disk",
    errno.EIO: "the disk reports a fault",
    errno.EISDIR: "that is a folder, not a file",
    errno.ELOOP: "its links lead in a circle",
    errno.EMFILE: "too many files are open",
    errno.ENAMETOOLONG: "the name is too long for this disk",
    errno.ENFILE: "too many files are open",
    errno.ENOENT: "there is no such file or folder",
    errno.ENOMEM: "there is not enough memory",
    errno.ENOSPC: "the disk is full",
    errno.ENOTDIR: "a file stands where a folder is needed",
    errno.ENOTEMPTY: "the folder is not empty",
    errno.EPERM: "there is no permission for that, or another program has the file open",
    errno.EROFS: "that disk can only be read, not written",
}
"""What the system's error numbers mean to somebody who has never seen one."""


def reason(error: OSError) -> str:
    """Say what the system refused, in words that go on after a colon."""
    known = _SYSTEM.get(error.errno) if error.errno is not None else None
    return known or f"the system reports {error.strerror or str(error) or type(error).__name__}"


def describe(error: OSError) -> str:
    """Say the same as a sentence, with the path it is about."""
    paths = [path for path in (error.filename, error.filename2) if isinstance(path, (str, bytes))]
    place = " -> ".join(path if isinstance(path, str) else repr(path) for path in paths)
    text = reason(error) + (f": {place}" if place else "")
    return f"{text[0].upper()}{text[1:]}."


def damage(error: Exception) -> str:
    """Say in words what is wrong with a file that was read."""
    if isinstance(error, json.JSONDecodeError):
        return f"something is wrong or missing at line {error.lineno}, column {error.colno}"
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, UnicodeDecodeError):
        return "it is not saved as UTF-8"
    text = str(error) or type(error).__name__
    return text if len(text) <= _LONGEST_DAMAGE else f"{text[:_LONGEST_DAMAGE]}..."


def quoted(value: object) -> str:
    """Quote a value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}... ({len(text):,})"
