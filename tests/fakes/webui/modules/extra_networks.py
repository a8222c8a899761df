"""What a prompt may say in angle brackets, by its first word; the LoRA script has registered."""

from __future__ import annotations

extra_network_registry: dict[str, object] = {"lora": object()}
