"""What runs the scripts that take part in drawing, and the list that they are loaded into."""

from __future__ import annotations

from typing import Any, NamedTuple

AlwaysVisible = object()


class Script:
    pass


class ScriptClassData(NamedTuple):
    script_class: Any
    path: str
    basedir: str
    module: Any


scripts_data: list[ScriptClassData] = []


class ScriptRunner:
    def __init__(self) -> None:
        self.scripts: list[Any] = []
        self.alwayson_scripts: list[Any] = []


scripts_data: list[Any] = []
scripts_txt2img = ScriptRunner()
scripts_img2img = ScriptRunner()
