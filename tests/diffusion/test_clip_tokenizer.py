from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from facechain_ext.diffusion.weights import CLIP_TOKENIZER
from tools.weights import clip_tokenizer


def test_the_shipped_files_are_what_the_tool_makes(tmp_path: Path) -> None:
    text = (CLIP_TOKENIZER / "merges.txt").read_text(encoding="utf-8")
    clip_tokenizer.save(tmp_path, text.splitlines()[1:])
    shipped = {path.name: path.read_bytes() for path in CLIP_TOKENIZER.iterdir()}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == shipped


def test_the_vocabulary_is_clips() -> None:
    text = (CLIP_TOKENIZER / "merges.txt").read_text(encoding="utf-8")
    tokens = clip_tokenizer.vocabulary(text.splitlines()[1:])
    assert len(tokens) == 49408
    assert (tokens["photo</w>"], tokens[",</w>"], tokens["<|endoftext|>"]) == (1125, 267, 49407)


def test_another_merge_list_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "open_clip_torch.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(clip_tokenizer.MEMBER, b"other")
    with pytest.raises(ValueError, match=r"has sha256 .* expected 924691ac"):
        clip_tokenizer.read_merges(wheel)
