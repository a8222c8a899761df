"""Two samplers."""

from __future__ import annotations

from types import SimpleNamespace

_known = [SimpleNamespace(name="Euler a"), SimpleNamespace(name="DPM++ 2M")]
all_samplers = _known
all_samplers_map = {each.name: each for each in _known}


def visible_sampler_names() -> list[str]:
    return [each.name for each in _known]
