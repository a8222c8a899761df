"""What becomes of jobs that wait and of those that are over."""

from __future__ import annotations

from dataclasses import dataclass

from facechain_ext.config.option import Validated, option


@dataclass(frozen=True)
class JobsConfig(Validated):
    """How many jobs may wait, and how long finished ones are kept."""

    keep_jobs: int = option(
        200,
        label="Finished jobs kept",
        minimum=1,
        maximum=100_000,
        help="The newest ones, with their pictures; older ones are deleted. What portraits and "
        "LoRAs were saved stays.",
    )
    keep_days: float = option(
        30.0,
        label="Finished jobs kept for",
        unit="days",
        minimum=0.01,
        maximum=3650.0,
        help="A job that has been over for longer is deleted, with its pictures.",
    )
    most_queued: int = option(
        500,
        label="Most waiting jobs",
        minimum=1,
        maximum=100_000,
        help="How many jobs of one owner may wait at once; more are refused.",
    )
