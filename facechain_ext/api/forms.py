"""Forms with files (multipart/form-data), written to the request's folder as they come.

starlette has a reader of its own: it keeps files elsewhere, and leaves them open where a form is
cut short.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from starlette import formparsers

from facechain_ext.api.errors import BadRequest, TooLarge

MOST_FIELDS = 20
LONGEST_FIELD = 2**20
LONGEST_HEADER = 2**13
INSTALLED: Any = formparsers
"""Where python-multipart is found, under whichever name it was installed."""


@dataclass
class Part:
    """One part of a form: a file that is being written, or a field."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    name: str = ""
    file: BinaryIO | None = None
    value: bytearray = field(default_factory=bytearray)


@dataclass
class FormReader:
    """Takes a body block by block; raises BadRequest, TooLarge.

    open_file: begins a file by the field's name and its own, and returns where to write it.
    """

    content_type: str
    open_file: Callable[[str, str], BinaryIO]
    fields: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._part = Part()
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._ended = False
        self._files = ExitStack()
        _, options = INSTALLED.parse_options_header(self.content_type)
        calls = {
            "on_part_begin": self._begin_part,
            "on_header_field": lambda data, start, end: self._add_to_header(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._add_to_header(1, data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._name_part,
            "on_part_data": lambda data, start, end: self._add_to_part(data[start:end]),
            "on_part_end": self._end_part,
            "on_end": self._end,
        }
        try:
            self._parser = INSTALLED.multipart.MultipartParser(options[b"boundary"], calls)
        except (KeyError, ValueError) as error:
            raise BadRequest("The form's Content-Type has no boundary.") from error

    def feed(self, block: bytes) -> None:
        """Read on."""
        try:
            self._parser.write(block)
        except ValueError as error:
            if isinstance(error, (BadRequest, TooLarge)):
                raise
            raise BadRequest(f"The form is damaged ({error}).") from error

    def close(self) -> None:
        """Close what is open, whether all came or not."""
        self._files.close()

    def finish(self) -> dict[str, bytes]:
        """Return the fields; raises BadRequest for a form that was cut short."""
        if not self._ended:
            raise BadRequest("The form is cut short.")
        return self.fields

    def _begin_part(self) -> None:
        self._part = Part()

    def _add_to_header(self, side: int, data: bytes) -> None:
        self._header[side].extend(data)
        if len(self._header[side]) > LONGEST_HEADER:
            raise BadRequest("A header of a part of the form is too long.")

    def _end_header(self) -> None:
        name, value = self._header
        self._part.headers[bytes(name).lower()] = bytes(value)
        self._header = bytearray(), bytearray()

    def _name_part(self) -> None:
        told = self._part.headers.get(b"content-disposition", b"")
        _, options = INSTALLED.parse_options_header(told)
        if b"name" not in options:
            raise BadRequest("A part of the form has no name.")
        self._part.name = _text(options[b"name"])
        if b"filename" in options:
            file = self.open_file(self._part.name, _text(options[b"filename"]))
            self._part.file = self._files.enter_context(file)
        elif self._part.name in self.fields or len(self.fields) == MOST_FIELDS:
            raise BadRequest("The form has a field twice, or more fields than there are.")

    def _add_to_part(self, data: bytes) -> None:
        if self._part.file is not None:
            self._part.file.write(data)
            return
        self._part.value.extend(data)
        if len(self._part.value) > LONGEST_FIELD:
            raise TooLarge("A field of the form is too long.")

    def _end_part(self) -> None:
        if self._part.file is None:
            self.fields[self._part.name] = bytes(self._part.value)
        else:
            self._part.file.close()

    def _end(self) -> None:
        self._ended = True


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")
