"""A command's result, laid out for reading."""

from __future__ import annotations

from typing import Any

Result = dict[str, Any]


def as_text(result: Result, indent: str = "") -> str:
    """Lay a result out for reading: scalars as lines, lists as one line per entry."""
    lines = []
    for key, value in result.items():
        if isinstance(value, (dict, list)) and not value:
            lines.append(f"{indent}{key}: none")
        elif isinstance(value, dict):
            lines += [f"{indent}{key}:", as_text(value, indent + "  ")]
        elif isinstance(value, list):
            lines += [f"{indent}{key}:", *(f"{indent}  {_entry(entry)}" for entry in value)]
        else:
            lines.append(f"{indent}{key}: {_plain(value)}")
    return "\n".join(line for line in lines if line)


def _entry(entry: Any) -> str:
    if isinstance(entry, dict):
        return "  ".join(_plain(value) for value in entry.values() if value is not None)
    return _plain(entry)


def _plain(value: Any) -> str:
    """Write a value as people do, not as Python does."""
    if isinstance(value, dict):
        told = (f"{key} {_plain(part)}" for key, part in value.items() if part is not None)
        return ", ".join(told)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "none" if value is None else str(value)
