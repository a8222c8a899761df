"""The voice of an online service: what is sent to it and when, and what its answers become."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from facechain_ext.base.errors import Cancelled, FaceChainError, InvalidInput
from facechain_ext.talking import online
from facechain_ext.talking.online import OnlineVoice, require_agreement

ARIA = "en-US-AriaNeural"


def on() -> None:
    """Let a speech go on."""


@pytest.fixture(scope="module")
def mp3(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """One second of a tone, as the service sends sound: 24 kHz, 48 kbit/s, mono."""
    av = pytest.importorskip("av", reason="the optional package av is not installed")
    path = tmp_path_factory.mktemp("service") / "a.mp3"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mp3", rate=24000)
        stream.layout, stream.bit_rate = "mono", 48000
        tone = (0.5 * np.sin(np.arange(24000) * 0.1)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
        frame.sample_rate = 24000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path.read_bytes()


class Service:
    """Stands in for the package: its class, its answers and its errors."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = answers, list[tuple[Any, ...]]()
        self.error = type("EdgeTTSException", (Exception,), {})
        self.nothing = type("NoAudioReceived", (self.error,), {})

    def installed(self, monkeypatch: pytest.MonkeyPatch) -> Service:
        package: Any = ModuleType("edge_tts")
        errors: Any = ModuleType("edge_tts.exceptions")
        web: Any = ModuleType("aiohttp")
        package.Communicate, web.ClientError = self.communicate, OSError
        errors.EdgeTTSException, errors.NoAudioReceived = self.error, self.nothing
        for module in (package, errors, web):
            monkeypatch.setitem(sys.modules, module.__name__, module)
        there = type("There", (), {"installed": True, "lacking": ""})()
        monkeypatch.setattr(online, "EDGE_TTS", there)
        return self

    def communicate(self, text: str, voice: str, *, rate: str) -> Service:
        self.asked.append((text, voice, rate))
        return self

    async def stream(self) -> AsyncIterator[dict[str, Any]]:
        for answer in self.answers:
            if isinstance(answer, Exception):
                raise answer
            yield answer


def sound(data: bytes) -> dict[str, Any]:
    return {"type": "audio", "data": data}


def test_the_text_goes_out_and_sound_comes_back(
    mp3: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken = {"type": "SentenceBoundary", "offset": 0, "duration": 10**7, "text": "Добрый день"}
    service = Service(sound(mp3[:1000]), spoken, sound(mp3[1000:])).installed(monkeypatch)
    speech = OnlineVoice("ru-RU-SvetlanaNeural", on).speak("Добрый день", speed=1.25)
    assert service.asked == [("Добрый день", "ru-RU-SvetlanaNeural", "+25%")]
    assert speech.rate == 24000 and speech.seconds == pytest.approx(1.0, abs=0.1)
    assert speech.phones == () and np.abs(speech.samples).max() > 0.4


def test_what_goes_wrong_there_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service().installed(monkeypatch)
    failures: list[tuple[Exception, str]] = [
        (service.nothing("no audio"), "said nothing: it may not be there"),
        (service.error("403"), r"does not answer as it should \(403\)"),
        (OSError("no route to host"), r"speech\.platform\.bing\.com.*\(no route to host\)"),
        (asyncio.TimeoutError(), r"\(TimeoutError\)"),
    ]
    for failure, told in failures:
        service.answers = (sound(b"x"), failure)
        with pytest.raises(FaceChainError, match=told):
            OnlineVoice(ARIA, on).speak("Hello")


def test_it_can_be_stopped_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop() -> None:
        raise Cancelled("Stopped.")

    Service(sound(b"x")).installed(monkeypatch)
    with pytest.raises(Cancelled):
        OnlineVoice(ARIA, stop).speak("Hello")


def test_nothing_is_asked_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service().installed(monkeypatch)
    for text, told in (("...", "nothing to say"), ("a " * 20_000, "at most 20,000")):
        with pytest.raises(InvalidInput, match=told):
            OnlineVoice(ARIA, on).speak(text)
    for name in ("Aria", "en-US-'/><x Neural", ""):
        with pytest.raises(InvalidInput, match="is no name of an online voice"):
            OnlineVoice(name, on)
    assert service.asked == []


def test_without_agreement_it_says_what_would_leave() -> None:
    require_agreement(True)
    with pytest.raises(InvalidInput, match=r"the whole text.*go to speech\.platform\.bing\.com"):
        require_agreement(False)


@pytest.fixture
def websocket(mp3: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The service's protocol on this computer, asked by the real package; yields what it got."""
    pytest.importorskip("edge_tts", reason="the optional package edge-tts is not installed")
    from aiohttp import WSMsgType, web
    from edge_tts import communicate

    got: list[str] = []

    async def answer(request: Any) -> Any:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            assert message.type == WSMsgType.TEXT
            got.append(message.data)
            if "Path:ssml" in message.data:
                await socket.send_str("X-RequestId:1\r\nPath:turn.start\r\n\r\n{}")
                head = b"X-RequestId:1\r\nContent-Type:audio/mpeg\r\nPath:audio\r\n"
                await socket.send_bytes(len(head).to_bytes(2, "big") + head + mp3)
                await socket.send_str("X-RequestId:1\r\nPath:turn.end\r\n\r\n{}")
        return socket

    stop = _served(answer, lambda port: f"ws://127.0.0.1:{port}/?a=1", monkeypatch, communicate)
    yield got
    stop()


def _served(
    answer: Any, address: Callable[[int], str], monkeypatch: pytest.MonkeyPatch, package: Any
) -> Callable[[], None]:
    from aiohttp import web

    loop, ready, ports = asyncio.new_event_loop(), threading.Event(), list[int]()
    over = asyncio.Event()

    async def serve() -> None:
        app = web.Application()
        app.router.add_get("/", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports.append(runner.addresses[0][1])
        ready.set()
        await over.wait()
        await runner.cleanup()

    def run() -> None:
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(20)
    monkeypatch.setattr(package, "WSS_URL", address(ports[0]))

    def stop() -> None:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)

    return stop


def test_the_package_speaks_with_the_published_protocol(websocket: list[str]) -> None:
    speech = OnlineVoice(ARIA, on).speak("Tom & I", speed=0.5)
    assert speech.seconds == pytest.approx(1.0, abs=0.1)
    config, ssml = websocket
    assert "audio-24khz-48kbitrate-mono-mp3" in config
    assert "Tom &amp; I" in ssml and "rate='-50%'" in ssml and "AriaNeural" in ssml


def test_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = type("Lacking", (), {"installed": False, "lacking": "It takes edge-tts."})()
    monkeypatch.setattr(online, "EDGE_TTS", lacking)
    with pytest.raises(InvalidInput, match="takes edge-tts"):
        OnlineVoice(ARIA, on)
