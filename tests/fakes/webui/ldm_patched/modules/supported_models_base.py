"""What a text encoder and a tokenizer are built by."""

from __future__ import annotations

from typing import Any


class ClipTarget:
    def __init__(self, tokenizer: Any, clip: Any) -> None:
        self.tokenizer, self.clip = tokenizer, clip
        self.params: dict[str, Any] = {}
