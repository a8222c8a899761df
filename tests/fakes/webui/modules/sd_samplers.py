"""Two samplers, and schedules that may follow a sampler's name."""

from __future__ import annotations

from types import SimpleNamespace

SCHEDULES = ("Automatic", "Karras")

all_samplers = [SimpleNamespace(name="Euler a"), SimpleNamespace(name="DPM++ 2M")]
all_samplers_map = {each.name: each for each in all_samplers}


def get_sampler_and_scheduler(
    sampler_name: str, scheduler_name: str | None, *, convert_automatic: bool = True
) -> tuple[str, str]:
    """As in the webui, an unknown sampler becomes the first one without a word."""
    schedule = scheduler_name or SCHEDULES[0]
    for each in SCHEDULES:
        if sampler_name.endswith(f" {each}"):
            sampler_name, schedule = sampler_name.removesuffix(f" {each}"), each
    return all_samplers_map.get(sampler_name, all_samplers[0]).name, schedule
