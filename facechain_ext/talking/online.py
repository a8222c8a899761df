"""A voice of Microsoft's online service, by the package edge-tts: the text leaves this computer."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from facechain_ext.base.errors import FaceChainError, InvalidInput, quoted
from facechain_ext.installing.optional import EDGE_TTS
from facechain_ext.talking.recording import read_recording
from facechain_ext.talking.scripts import ANY, check_speakable
from facechain_ext.talking.speech import Speech

SERVICE = "speech.platform.bing.com"
_NAME = re.compile(r"[a-z]{2,3}-[A-Z]{2,4}(-[A-Za-z0-9]+)*-[A-Za-z0-9]+Neural")


class OnlineVoice:
    """Has a text read by the service. Its phones are yet unknown, as a recording's are."""

    def __init__(self, name: str, pause: Callable[[], None]) -> None:
        """name: as the service has it. pause: called as sound comes; stops the speech by raising.

        Raises InvalidInput for what is no such name, and without the package.
        """
        if _NAME.fullmatch(name) is None:
            raise InvalidInput(
                f"{quoted(name)} is no name of an online voice, as en-GB-SoniaNeural is; "
                "edge-tts --list-voices tells them."
            )
        if not EDGE_TTS.installed:
            raise InvalidInput(EDGE_TTS.lacking)
        self._name, self._pause = name, pause

    def speak(self, text: str, *, speed: float = 1.0, seed: int = 0) -> Speech:
        """Return a text as speech; raises FaceChainError where the service does not answer."""
        del seed
        check_speakable(text, ANY)
        with tempfile.TemporaryDirectory(prefix="facechain-") as folder:
            path = Path(folder) / "speech.mp3"
            with path.open("wb") as file:
                self._fetch(text, f"{round(100 * (speed - 1)):+d}%", file)
            return read_recording(path)

    def _fetch(self, text: str, rate: str, file: BinaryIO) -> None:
        from aiohttp import ClientError
        from edge_tts.exceptions import EdgeTTSException, NoAudioReceived

        try:
            asyncio.run(self._receive(text, rate, file))
        except NoAudioReceived as error:
            raise InvalidInput(
                f"The online voice {self._name} said nothing: it may not be there any more, or not "
                "read this language."
            ) from error
        except (EdgeTTSException, ClientError, OSError, asyncio.TimeoutError) as error:
            why = str(error).rstrip(".") or type(error).__name__
            raise FaceChainError(
                f"{SERVICE}, which makes the voice online, does not answer as it should ({why}). "
                "The other voices take no connection."
            ) from error

    async def _receive(self, text: str, rate: str, file: BinaryIO) -> None:
        from edge_tts import Communicate

        async for chunk in Communicate(text, self._name, rate=rate).stream():
            self._pause()
            if chunk["type"] == "audio":
                file.write(chunk["data"])


def require_agreement(agreed: bool) -> None:
    """Raise InvalidInput, which says what would leave this computer, unless that was agreed to."""
    if not agreed:
        raise InvalidInput(
            "The voice online is made by Microsoft: the whole text, the voice's name and its speed "
            f"go to {SERVICE}, pictures and recordings do not. Nothing is sent unless you agree to "
            "that: Send the text (--send-text). The other voices are made on this computer."
        )
