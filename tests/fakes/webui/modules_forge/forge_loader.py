"""How reForge and Forge Classic build what they have read: the autoencoder, in its own class."""

from __future__ import annotations

from typing import Any


class VAE:
    def __init__(
        self,
        sd: Any = None,
        device: Any = None,
        config: dict[str, Any] | None = None,
        dtype: Any = None,
    ) -> None:
        self.config = config
