"""Tokens in a file, for `facechain serve`: shown once when they are made, kept as salted hashes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import logging
import os
import re
import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from starlette.requests import HTTPConnection

from facechain_ext.api.errors import Unauthorized
from facechain_ext.base.errors import InvalidInput, damage, reason
from facechain_ext.config.setting import check_text
from facechain_ext.imaging.files import write_atomic

logger = logging.getLogger(__name__)

TOKEN = re.compile(r"fc-([0-9a-f]{8})-([\w-]{43})")
LONGEST_NAME = 100


@dataclass(frozen=True)
class Token:
    """What the file holds of a token: its id, whose it is, and what its secret hashes to."""

    id: str
    name: str
    salt: str
    hash: str
    created: str

    def fits(self, secret: str) -> bool:
        return hmac.compare_digest(_hash(secret, self.salt), self.hash)


@dataclass
class TokenFile:
    """Lets in who has a token of the file, as it now stands.

    A token is given as "Authorization: Bearer TOKEN", or as the password of the user it is of.
    """

    path: Path
    challenge: str = 'Basic realm="FaceChain", charset="UTF-8"'
    _known: dict[str, Token] = field(default_factory=dict)
    _read: tuple[int, int] | None = None
    _proven: set[bytes] = field(default_factory=set)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def user(self, connection: HTTPConnection) -> str:
        """Return whose token it is; raises Unauthorized."""
        user, text = _given(connection.headers.get("authorization", ""))
        try:
            token = self._found(text)
        except InvalidInput as error:
            logger.error("Nobody is let in: %s", error)
            token = None
        if token is None or user not in (None, token.name):
            raise Unauthorized("This needs a token: Authorization: Bearer TOKEN.")
        return token.name

    def trusts(self, origin: str) -> bool:
        return False

    def require_some(self) -> None:
        """Raise InvalidInput for a file that is not there, or lets nobody in."""
        self._refresh()
        if not self._known:
            raise InvalidInput(f"{self.path} holds no token. Make one with --add-token NAME.")

    def add(self, name: str) -> str:
        """Make a token and return it; nobody can read it again."""
        check_text("The token's name", name, longest=LONGEST_NAME)
        if not name.strip() or ":" in name:
            raise InvalidInput("A token needs a name without a colon, such as the user's.")
        known = {**_read(self.path)} if self.path.exists() else {}
        secret, salt = secrets.token_urlsafe(32), secrets.token_hex(16)
        created = datetime.now(timezone.utc).isoformat(timespec="seconds")
        token = Token(secrets.token_hex(4), name, salt, _hash(secret, salt), created)
        _write(self.path, {**known, token.id: token})
        return f"fc-{token.id}-{secret}"

    def remove(self, name: str) -> int:
        """Take the tokens of a name back; returns how many there were."""
        known = _read(self.path)
        kept = {key: token for key, token in known.items() if token.name != name}
        _write(self.path, kept)
        return len(known) - len(kept)

    def _found(self, text: str) -> Token | None:
        self._refresh()
        match = TOKEN.fullmatch(text)
        token = self._known.get(match[1]) if match else None
        if match is None or token is None:
            return None
        mark = hmac.digest(self._key, f"{token.hash} {text}".encode(), "sha256")
        if mark not in self._proven:  # hashing takes long on purpose: once for every token
            if not token.fits(match[2]):
                return None
            self._proven.add(mark)
        return token

    def _refresh(self) -> None:
        try:
            found = self.path.stat()
        except OSError:
            self._known, self._read = {}, None
            return
        seen = found.st_mtime_ns, found.st_size
        if seen != self._read:
            self._known, self._read = _read(self.path), seen
            self._proven.clear()


def _hash(secret: str, salt: str) -> str:
    return hashlib.scrypt(secret.encode(), salt=bytes.fromhex(salt), n=2**14, r=8, p=1).hex()


def _given(header: str) -> tuple[str | None, str]:
    """Return the user, None where none is named, and the token of an Authorization header."""
    kind, _, rest = header.partition(" ")
    if kind.lower() == "bearer":
        return None, rest.strip()
    try:
        text = base64.b64decode(rest, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        text = ""
    user, _, password = text.partition(":")
    return user, password


def _read(path: Path) -> dict[str, Token]:
    """Read the file; raises InvalidInput for one that cannot be read, so that nobody comes in."""
    try:
        tokens = json.loads(path.read_text(encoding="utf-8"))["tokens"]
        return {each["id"]: Token(**each) for each in tokens}
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {reason(error)}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{path} is no file of tokens ({damage(error)}).") from error


def _write(path: Path, tokens: dict[str, Token]) -> None:
    text = json.dumps({"tokens": [asdict(token) for token in tokens.values()]}, indent=2)
    try:
        write_atomic(path, (text + "\n").encode("utf-8"))
        os.chmod(path, 0o600)  # noqa: PTH101
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {reason(error)}.") from error
