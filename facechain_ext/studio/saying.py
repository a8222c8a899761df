"""What a portrait says: a text by a voice, or somebody's recording."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from facechain_ext.config import TalkConfig
from facechain_ext.talking.listening import PhoneListener, follow_loudness, require_hearing
from facechain_ext.talking.online import require_agreement
from facechain_ext.talking.recording import check_recording, read_recording
from facechain_ext.talking.scripts import check_speakable
from facechain_ext.talking.speech import Speech
from facechain_ext.talking.voices import find_voice


@dataclass(frozen=True)
class Saying:
    """Makes speech with phones. pause: called between its parts; stops it by raising."""

    models_dir: Path
    pause: Callable[[], None]

    def require(self, audio: Path | None, config: TalkConfig) -> None:
        """Raise at once what keeps it from being said; audio: in place of the config's text."""
        if audio is not None:
            check_recording(audio)
            self._require_hearing(config)
            return
        voice = find_voice(config.voice)
        check_speakable(config.text, voice.language)
        if voice.online:
            require_agreement(config.send_text)
            self._require_hearing(config)
        voice.require(self.models_dir)

    def speech(self, audio: Path | None, config: TalkConfig) -> Speech:
        """Raises what `require` raises, and what is wrong with text or recording."""
        if audio is not None:
            return self._heard(read_recording(audio), config)
        offer = find_voice(config.voice)
        voice = offer.make(self.models_dir, self.pause, config.online_voice)
        speech = voice.speak(config.text, speed=config.speed, seed=config.seed)
        return self._heard(speech, config) if offer.online else speech

    def _heard(self, recording: Speech, config: TalkConfig) -> Speech:
        if config.listening == "loudness":
            return follow_loudness(recording)
        return PhoneListener(self.models_dir).listen(recording)

    def _require_hearing(self, config: TalkConfig) -> None:
        if config.listening == "phones":
            require_hearing(self.models_dir)
