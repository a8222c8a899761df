"""Generation parameters as the text that webui users paste: prompt, negative prompt, one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

_NEGATIVE = "Negative prompt: "
_FIELD = re.compile(r'\s*([^:,"]+):\s*("(?:\\.|[^"\\])*"|[^,]*)(?:,|$)')
_UNSAFE = re.compile(r'[,:"\x00-\x1f\x7f-\x9f\u2028\u2029]|^\s|\s$')

_SEPARATORS = str.maketrans("", "", ":,")


def quote(value: object) -> str:
    """Write a value so that commas, colons and line breaks in it survive a round trip."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if _UNSAFE.search(text) else text


def lora_hashes(hashes: Mapping[str, str]) -> str:
    """Lay out "Lora hashes" of LoRAs by name; empty for none.

    Colons and commas are left out of the names, as the webui leaves them out: it reads the field
    by splitting at them, and raises where a name keeps one.
    """
    told = {name.translate(_SEPARATORS): digest[:12] for name, digest in hashes.items()}
    return ", ".join(f"{name}: {digest}" for name, digest in told.items())


def format_infotext(prompt: str, negative_prompt: str, fields: Mapping[str, object]) -> str:
    """Lay out prompt, negative prompt (when there is one) and the line of fields."""
    line = ", ".join(f"{key}: {quote(value)}" for key, value in fields.items())
    negative = [f"{_NEGATIVE}{negative_prompt}"] if negative_prompt else []
    return "\n".join([prompt, *negative, line])


def add_fields(infotext: str, fields: Mapping[str, object]) -> str:
    """Append fields to the last line of an infotext."""
    return ", ".join(
        [infotext.rstrip(), *(f"{key}: {quote(value)}" for key, value in fields.items())]
    )


def parse_infotext(infotext: str) -> tuple[str, str, dict[str, str]]:
    """Split an infotext into prompt, negative prompt and fields; the inverse of formatting."""
    *head, line = infotext.strip().split("\n")
    starts = [n for n, text in enumerate(head) if text.startswith(_NEGATIVE)]
    split = starts[0] if starts else len(head)
    negative = "\n".join(head[split:]).removeprefix(_NEGATIVE)
    fields = {key.strip(): _unquote(value) for key, value in _FIELD.findall(line)}
    return "\n".join(head[:split]), negative, fields


def _unquote(text: str) -> str:
    """Undo `quote`; what only looks quoted stays as it is."""
    try:
        return str(json.loads(text)) if text.startswith('"') else text.strip()
    except ValueError:
        return text.strip()
