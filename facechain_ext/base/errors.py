"""Typed errors; each message is a sentence meant for the user's eyes."""

from __future__ import annotations


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


class Cancelled(FaceChainError):
    """The user stopped the job."""
