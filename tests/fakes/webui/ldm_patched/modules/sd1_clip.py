"""Text encoder and tokenizer of Stable Diffusion 1: they remember what they are built with."""

from __future__ import annotations

from typing import Any


class SDTokenizer:
    def __init__(
        self,
        tokenizer_path: str | None = None,
        embedding_directory: str | None = None,
        embedding_size: int = 768,
    ) -> None:
        self.path, self.width = tokenizer_path, embedding_size


class SDClipModel:
    def __init__(
        self,
        device: str = "cpu",
        textmodel_json_config: str | None = None,
        dtype: Any = None,
        special_tokens: Any = None,
    ) -> None:
        self.config, self.special_tokens = textmodel_json_config, special_tokens


class SD1Tokenizer:
    def __init__(
        self,
        embedding_directory: str | None = None,
        clip_name: str = "l",
        tokenizer: Any = SDTokenizer,
    ) -> None:
        self.clip_l = tokenizer(embedding_directory=embedding_directory)


class SD1ClipModel:
    def __init__(
        self,
        device: str = "cpu",
        dtype: Any = None,
        clip_name: str = "l",
        clip_model: Any = SDClipModel,
    ) -> None:
        self.clip_l = clip_model(device=device, dtype=dtype)
