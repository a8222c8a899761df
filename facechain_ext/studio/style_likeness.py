"""What a style costs of likeness, learned from the portraits that were made in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from facechain_ext.studio.results import Result
from facechain_ext.styles import Style

FEWEST = 4
"""Portraits of one person that are needed on either side: a score varies by .05 between seeds."""


@dataclass(frozen=True)
class Cost:
    """How much less alike a style's portraits are than others of the same people.

    likeness: mean difference, below 0 where they are more alike. portraits: of the style.
    """

    likeness: float
    portraits: int
    others: int

    @property
    def told(self) -> str:
        kept = f"({self.portraits} portraits in it, {self.others} in other styles)"
        amount = f"{abs(self.likeness):.2f}".removeprefix("0")
        if abs(self.likeness) < 0.015:
            return f"Leaves the likeness as it is {kept}."
        verb = "Costs" if self.likeness > 0 else "Gains"
        return f"{verb} {amount} of likeness {kept}."


def cost_of(style: Style, results: Iterable[Result]) -> Cost | None:
    """Compare a style's portraits with the others of each person and LoRA; None for too few.

    Only portraits with as much of a photo blended in are compared, unless the style itself sets
    how much that is.
    """
    groups: dict[object, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for result in results:
        fusion = result.fusion if style.fusion_strength is None else ""
        group = groups[result.person, result.lora, fusion]
        group[result.style != style.name].append(result.similarity)
    enough = [
        (own, others) for own, others in groups.values() if min(len(own), len(others)) >= FEWEST
    ]
    if not enough:
        return None
    portraits = sum(len(own) for own, _ in enough)
    lost = sum(len(own) * (fmean(others) - fmean(own)) for own, others in enough)
    return Cost(lost / portraits, portraits, sum(len(others) for _, others in enough))
