"""A browser on a running webui, another client of it, and photos to upload."""

from __future__ import annotations

import base64
import json
import os
import shutil
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facechain_ext.base.records import Pixels
from tests.e2e.parts import open_tab

CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
PATIENCE = int(os.environ.get("FACECHAIN_PATIENCE", "300"))
"""Seconds that one stage of the work may take."""


@dataclass(frozen=True)
class Client:
    """Somebody else who uses the same webui, through its API."""

    url: str

    def get(self, route: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{route}", timeout=PATIENCE) as answer:
            return json.load(answer)

    def post(self, route: str, **body: Any) -> Any:
        request = urllib.request.Request(
            f"{self.url}{route}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def lora(self, alias: str) -> Any:
        """Find a LoRA in the webui's list, which is refilled while its page looks anew."""
        found: list[Any] = []
        for _ in range(20):
            found = [each for each in self.get("/sdapi/v1/loras") if each["alias"] == alias]
            if found:
                break
            time.sleep(0.5)
        (lora,) = found
        return lora

    def draw(self, *, seed: int, steps: int = 6) -> Pixels:
        """Ask for one picture of 192 x 192 pixels."""
        answer = self.post(
            "/sdapi/v1/txt2img",
            prompt="a photo of a woman, smiling",
            seed=seed,
            steps=steps,
            width=192,
            height=192,
        )
        return np.asarray(Image.open(BytesIO(base64.b64decode(answer["images"][0]))))


@pytest.fixture(scope="session")
def webui() -> Client:
    """The webui that FACECHAIN_WEBUI names, started with --api and our extension."""
    url = os.environ.get("FACECHAIN_WEBUI")
    if not url:
        pytest.skip("FACECHAIN_WEBUI does not name a running webui, as http://127.0.0.1:7860")
    return Client(url.rstrip("/"))


@pytest.fixture(scope="module")
def page(webui: Client) -> Iterator[Any]:
    """The webui's page in Chromium, with our tab open."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS
        )
        page = browser.new_page(viewport={"width": 1400, "height": 1100})
        page.set_default_timeout(PATIENCE * 1000)
        playwright.expect.set_options(timeout=PATIENCE * 1000)
        open_tab(page, webui.url)
        yield page
        browser.close()


@pytest.fixture(scope="module")
def before(webui: Client) -> Pixels:
    """What the webui draws before we have touched its model."""
    return webui.draw(seed=1)


@pytest.fixture(scope="session")
def people() -> Path:
    folder = os.environ.get("FACECHAIN_PEOPLE")
    if not folder:
        pytest.skip("FACECHAIN_PEOPLE does not name the photo collection")
    return Path(folder) / "people"


@pytest.fixture(scope="session")
def uploads(people: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Five photos of one person, then a group and a blank, which cannot be used."""
    folder = tmp_path_factory.mktemp("uploads")
    persons = [sorted(person.glob("*.jpg")) for person in sorted(people.glob("hires/*"))]
    own = next(photos for photos in persons if len(photos) >= 5)[:5]
    pair = [Image.open(photos[0]).convert("RGB").resize((480, 480)) for photos in persons[:2]]
    Image.fromarray(np.hstack([np.asarray(face) for face in pair])).save(folder / "group.jpg")
    Image.new("RGB", (640, 640), (200, 200, 205)).save(folder / "blank.jpg")
    return [*own, folder / "group.jpg", folder / "blank.jpg"]
