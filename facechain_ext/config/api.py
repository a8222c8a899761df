"""What the REST API takes from others, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from facechain_ext.config.option import Validated, option


@dataclass(frozen=True)
class ApiConfig(Validated):
    """Limits of the REST API."""

    max_upload_mb: int = option(
        256,
        label="Largest upload",
        unit="MB",
        minimum=1,
        maximum=4096,
        help="Bytes of one request with photos, all of them together.",
    )
    max_archive_mb: int = option(
        4096,
        label="Largest import",
        unit="MB",
        minimum=1,
        maximum=20480,
        help="Bytes of one export of a person that is taken in.",
    )
    max_photos: int = option(
        200,
        label="Photos at once",
        minimum=1,
        maximum=200,
        help="Photos of one request.",
    )
    max_megapixels: float = option(
        80.0,
        label="Largest photo",
        unit="megapixels",
        minimum=1.0,
        maximum=400.0,
        help="Larger photos are refused before they are decoded.",
    )
    requests_per_minute: int = option(
        6000,
        label="Requests a minute",
        minimum=0,
        maximum=1_000_000,
        help="How many requests one user, or one address where nobody logs in, may make in a "
        "minute. 0: as many as they like.",
    )
    owners: bool = option(
        False,
        label="People belong to who added them",
        help="Everybody who may use the API sees only people, files and jobs of their own.",
    )
    webhooks: Literal["off", "public", "any"] = option(
        "off",
        label="Webhooks",
        help="Where the server may tell that a job is done. public: to https addresses of the "
        "internet, and to this computer. any: also into private networks, and by plain http; "
        "only where you trust everybody who may use the API.",
    )
    run_code: bool = option(
        False,
        label="Callers may run others' code",
        help="Whether whoever may use the API can let SadTalker speak, whose program code runs "
        "with all rights of the server.",
    )
