"""What `make test-pins` leaves out depends on nothing whose version differs there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

TESTS = Path(__file__).parent
VARYING = {
    "torch", "torchvision", "diffusers", "transformers", "tokenizers", "peft", "accelerate",
    "safetensors", "numpy", "cv2", "PIL", "skimage", "scipy", "gradio", "fastapi", "pydantic",
}  # fmt: skip
MARKED = re.compile(r"^pytestmark = .*pytest\.mark\.once", re.MULTILINE)
CODE = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(*sys.modules)
"""


def test_files_marked_once_import_nothing_whose_version_differs() -> None:
    marked = [
        ".".join(path.relative_to(TESTS.parent).with_suffix("").parts)
        for path in sorted(TESTS.rglob("test_*.py"))
        if MARKED.search(path.read_text("utf-8"))
    ]
    assert "tests.test_install" in marked
    told = subprocess.run(
        [sys.executable, "-c", CODE, *marked],
        cwd=TESTS.parent,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert VARYING & set(told.stdout.split()) == set()
