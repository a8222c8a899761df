"""Calls about the server: what it is, and what there is to draw with."""

from __future__ import annotations

from facechain_ext.client.call import Call, at
from facechain_ext.client.reading import answer_of
from facechain_ext.client.records import (
    CheckpointList,
    Health,
    LoraList,
    Model,
    ModelList,
    StyleList,
    TemplateList,
    Version,
)


def health() -> Call[Health]:
    """Ask whether the server is well."""
    return Call("GET", "health", answer_of(Health))


def version() -> Call[Version]:
    """Ask which server this is."""
    return Call("GET", "version", answer_of(Version))


def styles() -> Call[StyleList]:
    """List styles."""
    return Call("GET", "styles", answer_of(StyleList))


def templates(words: str = "") -> Call[TemplateList]:
    """List templates; words: only those that have them in title and tags."""
    return Call("GET", "templates", answer_of(TemplateList), {"words": words} if words else {})


def template_picture(name: str) -> Call[bytes]:
    """Get a template's picture, as its file is."""
    return Call("GET", at("templates", name, "picture"), bytes)


def checkpoints() -> Call[CheckpointList]:
    """List the host's checkpoints."""
    return Call("GET", "checkpoints", answer_of(CheckpointList))


def loras() -> Call[LoraList]:
    """List the host's LoRA files."""
    return Call("GET", "loras", answer_of(LoraList))


def models() -> Call[ModelList]:
    """List the nets that are used, or could be."""
    return Call("GET", "models", answer_of(ModelList))


def download_model(model_id: str, *, consent: bool) -> Call[Model]:
    """Have the server fetch a net; consent: to the download and to the net's licence."""
    body = {"consent": consent}
    return Call("POST", at("models", model_id, "download"), answer_of(Model), body=body)
