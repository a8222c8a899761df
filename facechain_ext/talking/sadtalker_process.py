"""Runs SadTalker's pipeline in the Python that has it; nothing of FaceChain is imported here."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from importlib import import_module
from inspect import signature
from pathlib import Path


def main(order_file: str) -> None:
    """Make the video that a file orders, and write down where it is."""
    order = json.loads(Path(order_file).read_text(encoding="utf-8"))
    pipeline = import_module("modelscope.pipelines").pipeline
    _trust_its_code()
    # Its code is found by the names that it has in its folder, and its nets from there.
    os.chdir(order["folder"])
    sys.path.insert(0, order["folder"])
    talk = pipeline("talking-head", model=order["folder"], trust_remote_code=True)
    video = talk(order["picture"], driven_audio=order["audio"], **order["settings"])
    Path(order["made"]).write_text(str(Path(str(video)).absolute()), encoding="utf-8")


def _trust_its_code() -> None:
    """Say for every model that its code may run: SadTalker's own does not pass that on, and newer
    versions of modelscope then refuse it."""
    model = import_module("modelscope.models").Model
    if "trust_remote_code" in signature(model.from_pretrained).parameters:
        model.from_pretrained = partial(model.from_pretrained, trust_remote_code=True)


if __name__ == "__main__":
    main(sys.argv[1])
