"""Functions of the webui replaced by extensions, and put back; as the real one does it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

originals: defaultdict[str, dict[tuple[Any, str], Any]] = defaultdict(dict)


def patch(key: str, obj: Any, field: str, replacement: Any) -> Any:
    if (obj, field) in originals[key]:
        raise RuntimeError(f"patch for {field} is already applied")
    originals[key][obj, field] = getattr(obj, field)
    setattr(obj, field, replacement)
    return originals[key][obj, field]


def undo(key: str, obj: Any, field: str) -> None:
    if (obj, field) not in originals[key]:
        raise RuntimeError(f"there is no patch for {field} to undo")
    setattr(obj, field, originals[key].pop((obj, field)))


def original(key: str, obj: Any, field: str) -> Any:
    return originals[key].get((obj, field))
