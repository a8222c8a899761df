"""What every call that begins a job has in common."""

from __future__ import annotations

from dataclasses import dataclass

from facechain_ext.api.errors import QueueFull
from facechain_ext.api.operation import Call
from facechain_ext.api.schema import told
from facechain_ext.api.webhooks import Webhook, require_webhook
from facechain_ext.base.errors import InvalidInput, PersonNotFound, TooMany
from facechain_ext.config.option import option
from facechain_ext.jobs.record import JobRecord
from facechain_ext.jobs.work import Work

USUAL_WAIT, LONGEST_WAIT = 30.0, 3600.0


@dataclass(frozen=True, kw_only=True)
class JobOptions:
    """How a job is queued, and who is told."""

    priority: int = option(
        0,
        label="Priority",
        minimum=-100,
        maximum=100,
        help="Among the jobs of one user: the higher the earlier.",
    )
    webhook: Webhook | None = told("Who is told when it is done.", default=None)


def submitted(call: Call, work: Work, client_id: str = "") -> JobRecord:
    """Queue work as the body's options say; raises QueueFull, and what `Jobs.submit` raises."""
    options: JobOptions = call.body
    services = call.services
    if options.webhook is not None:
        require_webhook(options.webhook, services.config.webhooks)
    try:
        job = services.jobs.submit(
            work,
            owner=call.owner,
            client_id=client_id,
            priority=options.priority,
            asked=call.asked,
        )
    except TooMany as error:
        raise QueueFull(str(error), _wait(call)) from error
    except PersonNotFound as error:  # they are there, as was seen before; a LoRA of theirs is not
        raise InvalidInput(str(error)) from error
    record = job.record
    services.webhooks.add(record, options.webhook)
    return record


def _wait(call: Call) -> float:
    """Return the seconds after which there may be room in the queue."""
    running = call.services.jobs.running
    eta = running.record.eta_seconds if running else None
    return USUAL_WAIT if eta is None else min(max(eta, 1.0), LONGEST_WAIT)
