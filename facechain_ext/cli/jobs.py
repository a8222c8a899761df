"""The commands about jobs: what waits and runs is listed, and cancelled."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from facechain_ext.base.errors import InvalidInput
from facechain_ext.cli.here import new_studio, queue_of
from facechain_ext.jobs.queue import Job, Jobs

Result = dict[str, Any]


def add_commands(add: Callable[..., Any], groups: Any) -> None:
    parser = groups.add_parser("jobs", help="List or cancel jobs.")
    under = parser.add_subparsers(metavar="ACTION", required=True)
    add("list", jobs_list, "List what waits, runs and has lately ended.", under)
    cancel = add("cancel", jobs_cancel, "Cancel jobs that wait or run.", under)
    cancel.add_argument("id", nargs="*", help="as list shows it")
    cancel.add_argument("--all", action="store_true", help="everything that waits or runs")


def jobs_list(args: argparse.Namespace) -> Result:
    """List what waits, runs and has lately ended, and who carries it out."""
    jobs = queue_of(new_studio(args), "jobs")
    holder = jobs.holder()
    return {
        **({"carried_out_by": holder} if holder else {}),
        "jobs": [_job(job) for job in jobs.all()],
    }


def _job(job: Job) -> Result:
    record = job.record
    return {
        "id": record.id,
        "state": record.state.value,
        "title": record.title,
        "progress": round(record.progress, 3),
        "error": record.error or None,
    }


def jobs_cancel(args: argparse.Namespace) -> Result:
    """Cancel jobs by id, or all that wait or run."""
    jobs = queue_of(new_studio(args), "jobs")
    wanted = jobs.active() if args.all else [_found(jobs, job_id) for job_id in args.id]
    for job in reversed(wanted):
        job.cancel()
    return {"jobs": [_job(job) for job in wanted]}


def _found(jobs: Jobs, job_id: str) -> Job:
    job = jobs.get(job_id)
    if job is None:
        raise InvalidInput(f"There is no job {job_id!r}; see facechain jobs list.")
    return job
