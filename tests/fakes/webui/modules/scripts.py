"""What runs the scripts that take part in drawing."""

from __future__ import annotations

from typing import Any


class ScriptRunner:
    def __init__(self) -> None:
        self.scripts: list[Any] = []
        self.alwayson_scripts: list[Any] = []


scripts_txt2img = ScriptRunner()
scripts_img2img = ScriptRunner()
