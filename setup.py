"""Everything is in pyproject.toml but this: two files that a webui wants at the top level.

A wheel holds packages alone, so these are put beside the page that reads them.
"""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PAGE = ("style.css", "javascript/facechain.js")


class BuildWithPage(build_py):
    """Copies the page's style and script into facechain_ext/ui."""

    def run(self) -> None:
        super().run()
        for source, target in self._page():
            self.mkpath(str(target.parent))
            self.copy_file(source, str(target))

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [
            *super().get_outputs(include_bytecode),
            *(str(target) for _, target in self._page()),
        ]

    def _page(self) -> list[tuple[str, Path]]:
        folder = Path(self.build_lib) / "facechain_ext" / "ui"
        return [(source, folder / Path(source).name) for source in PAGE]


setup(cmdclass={"build_py": BuildWithPage})
