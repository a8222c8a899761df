"""Two samplers."""

from __future__ import annotations

from types import SimpleNamespace

all_samplers = [SimpleNamespace(name="Euler a"), SimpleNamespace(name="DPM++ 2M")]
all_samplers_map = {each.name: each for each in all_samplers}


def visible_sampler_names() -> list[str]:
    return [each.name for each in all_samplers]
