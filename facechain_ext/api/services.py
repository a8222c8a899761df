"""What the API needs from the program that it lives in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from facechain_ext.api.auth import Auth
from facechain_ext.api.feed import Feed
from facechain_ext.api.limits import Allowance
from facechain_ext.api.webhook_sender import Webhooks
from facechain_ext.config import ApiConfig
from facechain_ext.jobs.queue import Jobs
from facechain_ext.studio.studio import Studio

if TYPE_CHECKING:
    from facechain_ext.ui.live import LivePage

FAILURES_PER_MINUTE = 60
"""Refused log-ins of one address, so that nobody tries passwords by the thousand."""


def _as_shipped(config: type[Any]) -> Any:
    return config()


def _never() -> bool:
    return False


@dataclass(frozen=True)
class ApiServices:
    """What the routes call.

    defaults: makes a PrepareConfig, TrainConfig or PortraitConfig as the user wants it to begin.
    local_only: refuse requests under a name of this computer that others could point here.
    ending: whether the server wants to stop; event streams would keep it waiting. page: draws the
    page that stands beside the API, where one does.
    """

    studio: Studio
    jobs: Jobs
    auth: Auth
    config: ApiConfig = ApiConfig()
    defaults: Callable[[type[Any]], Any] = _as_shipped
    local_only: bool = False
    ending: Callable[[], bool] = _never
    page: LivePage | None = None
    requests: Allowance = field(init=False)
    failures: Allowance = field(init=False)
    feed: Feed = field(init=False)
    webhooks: Webhooks = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "requests", Allowance(self.config.requests_per_minute))
        object.__setattr__(self, "failures", Allowance(FAILURES_PER_MINUTE))
        object.__setattr__(self, "feed", Feed(self.jobs, self.ending))
        object.__setattr__(self, "webhooks", Webhooks(self.jobs.books, self.config.webhooks))
