"""The pretrained nets: which there are, and fetching one with consent."""

from __future__ import annotations

from dataclasses import dataclass

from facechain_ext.api.errors import NotFound
from facechain_ext.api.operation import Call, Operation
from facechain_ext.api.schema import told
from facechain_ext.nets.catalog import CATALOG, fetch
from facechain_ext.nets.entry import ModelEntry


@dataclass(frozen=True)
class Model:
    """A pretrained net."""

    id: str = told("The id in addresses.")
    role: str = told("What it does.")
    state: str = told('"shipped", "fetched", "not fetched", "missing" or "damaged".')
    licence: str = told("Its licence.")
    origin: str = told("Who made it.")
    package: str = told("The packages on PyPI or npm that it is taken out of.")
    download_bytes: int = told("How much a download takes.")
    disk_bytes: int = told("How much is kept.")


@dataclass(frozen=True)
class ModelList:
    """All nets that are used, or could be."""

    models: tuple[Model, ...] = told("In the order of their use.")


@dataclass(frozen=True)
class Consent:
    """What a download needs."""

    consent: bool = told("Whether you agree to the download and to the net's licence.")


def list_models(call: Call) -> ModelList:
    return ModelList(tuple(_model(call, entry) for entry in CATALOG))


def _model(call: Call, entry: ModelEntry) -> Model:
    row = entry.describe(call.services.studio.host.paths.models_dir)
    words = {key: str(row[key]) for key in ("id", "role", "state", "licence", "origin", "package")}
    return Model(**words, download_bytes=entry.download_size, disk_bytes=entry.size)


def download_model(call: Call) -> Model:
    """Fetch a net; raises NotFound, InvalidInput without consent, WeightsMissing."""
    entry = next((each for each in CATALOG if each.id == call.path["id"]), None)
    if entry is None:
        known = ", ".join(each.id for each in CATALOG)
        raise NotFound(f"There is no net {call.path['id'][:60]!a}; there are {known}.")
    fetch(entry, call.services.studio.host.paths.models_dir, consent=call.body.consent)
    return _model(call, entry)


OPERATIONS = (
    Operation(
        "GET", "/models", list_models, "List the nets that are used", "catalogue", {200: ModelList}
    ),
    Operation(
        "POST",
        "/models/{id}/download",
        download_model,
        "Fetch a net, with your consent",
        "catalogue",
        {200: Model},
        help="Comes from PyPI or npm by their own settings. Answers when it is there.",
        body=Consent,
        parts={"id": "The net's id."},
        example={"consent": True},
        errors=(502, 507),
    ),
)
