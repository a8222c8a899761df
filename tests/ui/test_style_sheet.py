"""The style sheet, as gradio 4 reads it: it lets the browser write every rule anew."""

from __future__ import annotations

import re

import pytest

from facechain_ext.ui.server import read_asset

pytestmark = pytest.mark.once

RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
SHORTHANDS = ("background", "border", "font", "margin", "padding")
APART = {"border-radius"}


def lost(body: str) -> list[str]:
    """Name shorthands with variables that are set in part once more: browsers write them empty."""
    parts = [part.partition(":") for part in body.split(";") if ":" in part]
    told = {name.strip(): value for name, _, value in parts}
    return [
        name
        for name in SHORTHANDS
        if "var(" in told.get(name, "")
        and any(other.startswith(f"{name}-") for other in told.keys() - APART)
    ]


def test_no_rule_is_lost_in_gradio_4() -> None:
    assert lost("background: var(--a); background-size: cover") == ["background"]
    css = re.sub(r"/\*.*?\*/", "", read_asset("style.css"), flags=re.DOTALL)
    rules = RULE.findall(css)
    assert len(rules) > 50
    assert {selector.strip(): lost(body) for selector, body in rules if lost(body)} == {}
