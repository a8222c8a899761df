"""Facts of jobs as everything that tells of them writes them: errors and times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from facechain_ext.api.errors import type_name, without_paths
from facechain_ext.api.schema import told
from facechain_ext.base import errors
from facechain_ext.base.errors import FaceChainError


@dataclass(frozen=True)
class JobError:
    """Why a job did not succeed."""

    type: str = told("What kind of error it is, in snake_case.")
    message: str = told("A sentence for people.")


def job_error(sentence: str, kind: str) -> JobError | None:
    """Return the error of a job that is written down; None where there is none."""
    if not sentence:
        return None
    known = getattr(errors, kind, FaceChainError)
    return JobError(type_name(known), without_paths(sentence))


def moment(seconds: float) -> str:
    """Return Unix seconds as ISO 8601, in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")
