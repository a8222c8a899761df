"""The records of a style file, each with the line it begins in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from facechain_ext.base.errors import InvalidInput, reason

_LONGEST_FILE = 1_000_000
_BETWEEN = " \t\r\n,"
_KEY = re.compile(r'"(\w+)"\s*:')


@dataclass(frozen=True)
class Record:
    """One decoded record; text: the file's, start, end: the record's place in it."""

    content: object
    text: str
    start: int
    end: int

    def problem(self, path: Path, error: InvalidInput) -> InvalidInput:
        """Name the file and the line: that of the field which the reason names, where it does."""
        words = set(re.findall(r"\w+", str(error)))
        keys = (key for key in _KEY.finditer(self.text, self.start, self.end))
        at = next((key.start() for key in keys if key[1] in words - {"name"}), self.start)
        line = self.text.count("\n", 0, at) + 1
        return InvalidInput(f"{path.name}: Line {line}: {error}")


def read_records(path: Path) -> list[Record]:
    """Read a JSON file that holds one record or a list of them; raises InvalidInput naming it."""
    try:
        if not path.is_file():
            raise InvalidInput(f"{path.name} is no file that can be read.")
        if path.stat().st_size > _LONGEST_FILE:
            raise InvalidInput(f"{path.name} is longer than {_LONGEST_FILE / 1e6:g} MB.")
        if not (found := _decoded(path.read_text(encoding="utf-8-sig"))):
            raise InvalidInput(f"{path.name} holds nothing.")
        return found
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path.name} is not saved as UTF-8.") from error
    except RecursionError as error:
        raise InvalidInput(f"{path.name} cannot be read as JSON: too many brackets.") from error
    except OSError as error:
        raise InvalidInput(f"{path.name} cannot be read: {reason(error)}.") from error
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"{path.name} cannot be read as JSON: something is wrong or missing at line "
            f"{error.lineno}, column {error.colno}."
        ) from error
    except ValueError as error:
        raise InvalidInput(f"{path.name} cannot be read as JSON: {error}.") from error


def _decoded(text: str) -> list[Record]:
    if not text.strip():
        return []
    content = json.loads(text)
    start = len(text) - len(text.lstrip())
    if not isinstance(content, list):
        return [Record(content, text, start, len(text))]
    found, decoder, at = [], json.JSONDecoder(), start + 1
    for _ in content:
        at += len(text[at:]) - len(text[at:].lstrip(_BETWEEN))
        record, end = decoder.raw_decode(text, at)
        found.append(Record(record, text, at, end))
        at = end
    return found
