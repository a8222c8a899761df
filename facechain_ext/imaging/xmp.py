"""XMP packets in picture files that are written already; pixels and other metadata stay.

PNG: an iTXt chunk, and JPEG: an APP1 segment, both as in part 3 of the XMP specification, "Storage
in files"; WebP: an "XMP " chunk, announced in the VP8X chunk, as in its container specification.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from facechain_ext.base.errors import InvalidInput
from facechain_ext.imaging.files import write_atomic

FORMATS = ("png", "jpg", "jpeg", "webp")
"""File formats that can be given a packet, by the endings of their names."""

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
PNG_KEYWORD, JPEG_NAMESPACE = b"XML:com.adobe.xmp", b"http://ns.adobe.com/xap/1.0/"
XMP_FLAG, ALPHA_FLAG = 0x04, 0x10


def embed(path: Path, packet: str) -> None:
    """Put a packet into a PNG, JPEG or WebP that has none; raises InvalidInput for other files."""
    data, text = path.read_bytes(), packet.encode("utf-8")
    if data.startswith(PNG):
        marked = _into_png(data, text)
    elif data.startswith(JPEG):
        marked = _into_jpeg(data, text)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        marked = _into_webp(data, text)
    else:
        raise InvalidInput(f"{path.name} is neither a PNG nor a JPEG nor a WebP file.")
    if marked != data:
        write_atomic(path, marked)


def _into_png(data: bytes, text: bytes) -> bytes:
    if PNG_KEYWORD + b"\0" in data:
        return data
    body = b"iTXt" + PNG_KEYWORD + bytes(5) + text
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    after = len(PNG) + 25  # the header chunk comes first and is always of this length
    return data[:after] + chunk + data[after:]


def _into_jpeg(data: bytes, text: bytes) -> bytes:
    """Insert after the segments that readers look for first: JFIF's and EXIF's."""
    if JPEG_NAMESPACE + b"\0" in data:
        return data
    after = len(JPEG)
    while data[after : after + 2] in (b"\xff\xe0", b"\xff\xe1"):
        after += 2 + struct.unpack_from(">H", data, after + 2)[0]
    body = JPEG_NAMESPACE + b"\0" + text
    segment = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    return data[:after] + segment + data[after:]


def _into_webp(data: bytes, text: bytes) -> bytes:
    chunks = list(_chunks(data))
    if any(name == b"XMP " for name, _ in chunks):
        return data
    header = chunks.pop(0)[1] if chunks[0][0] == b"VP8X" else _extended_header(*chunks[0])
    header = bytes([header[0] | XMP_FLAG]) + header[1:]
    body = b"".join(_chunk(*each) for each in [(b"VP8X", header), *chunks, (b"XMP ", text)])
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(data):
        (size,) = struct.unpack_from("<I", data, at + 4)
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def _extended_header(name: bytes, body: bytes) -> bytes:
    """Return what a VP8X chunk says of a picture that came without one."""
    if name == b"VP8L":
        (bits,) = struct.unpack_from("<I", body, 1)
        width, height, alpha = bits & 0x3FFF, bits >> 14 & 0x3FFF, bits >> 28 & 1
    else:  # a lossy frame's header holds the sides themselves, and scales above them
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", body, 6))
        width, height, alpha = width - 1, height - 1, 0
    sides: bytes = width.to_bytes(3, "little") + height.to_bytes(3, "little")
    return bytes([ALPHA_FLAG * alpha, 0, 0, 0]) + sides
