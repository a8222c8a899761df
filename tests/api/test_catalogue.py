"""What there is: styles, nets, checkpoints, LoRAs."""

from __future__ import annotations

from starlette.testclient import TestClient

from facechain_ext.api.services import ApiServices
from tests.api.conftest import problem


def test_styles_are_told_with_their_pictures(client: TestClient) -> None:
    styles = {style["name"]: style for style in client.get("styles").json()["styles"]}
    assert "{person}" in styles["business"]["prompt"]
    picture = client.get(styles["business"]["preview"].removeprefix("/facechain/v1/"))
    assert picture.headers["content-type"] == "image/jpeg"
    assert client.get("styles/nothing/preview").status_code == 404


def test_nets_are_told_and_fetched_with_consent_alone(client: TestClient) -> None:
    models = {model["id"]: model for model in client.get("models").json()["models"]}
    assert models["yunet"]["state"] == "shipped"
    assert models["span"]["download_bytes"] > 1_000_000
    refused = client.post("models/span/download", json={"consent": False})
    assert refused.status_code == 422
    assert "consent" in problem(refused)["message"]
    assert client.post("models/nothing/download", json={"consent": True}).status_code == 404
    assert client.post("models/yunet/download", json={"consent": True}).json()["id"] == "yunet"


def test_the_hosts_files_are_told_without_paths(client: TestClient, services: ApiServices) -> None:
    loras = services.studio.host.paths.lora_dir
    (loras / "faces").mkdir(parents=True)
    (loras / "faces" / "ana.safetensors").write_bytes(b"12")
    (loras / "ana.txt").write_bytes(b"")
    assert client.get("loras").json() == {"loras": [{"name": "ana", "folder": "faces", "bytes": 2}]}
    (checkpoint,) = client.get("checkpoints").json()["checkpoints"]
    assert checkpoint == {"name": "tiny", "sha256": checkpoint["sha256"], "current": True}
