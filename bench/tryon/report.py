"""The bench's table."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from statistics import mean, median

from bench.tryon.measure import Facts


def to_markdown(done: Sequence[Facts]) -> str:
    """Lay the figures of all pictures out beside what is wanted of them."""
    made = [facts for facts in done if "refused" not in facts]
    refused = [facts for facts in done if "refused" in facts]
    seen = _three(_known(made, "lab"))
    rows = [
        ("pairs; refused", "20 and more; 0", f"{len(done)}; {len(refused)}"),
        ("colours apart in Lab, of what is seen of it: mean, median, worst", "below 4", seen),
        ("the same, against the whole garment", "", _three(_known(made, "lab of all"))),
        ("pairs with colours less than 4 apart", "all", _counted(_known(made, "lab"))),
        ("of the garment beyond the body: mean, worst", "0", _shares(made, "outside")),
        ("of the old clothes still seen: mean, worst", "", _shares(made, "left")),
        ("pixels changed away from the body", "0", str(sum(f["beyond"] for f in made))),
        ("pixels changed of faces", "0", str(sum(f["face"] for f in made))),
        ("least similarity of a face to itself before", "1", _least(made)),
        ("seconds a picture", "", f"{mean([f['seconds'] for f in made]):.1f}" if made else ""),
    ]
    return _table(rows, refused)


def _table(rows: Sequence[tuple[str, str, str]], refused: Sequence[Facts] = ()) -> str:
    """Lay rows out, and below them who was refused, and why."""
    lines = [f"| {name} | {wanted} | {got} |" for name, wanted, got in rows]
    told = [f"- {facts['name']}: {facts['refused']}" for facts in refused]
    return "\n".join(
        ["| | wanted | measured |", "|---|---|---|", *lines, *([""] if told else []), *told]
    )


def _known(made: Sequence[Facts], name: str) -> list[float]:
    return [facts[name] for facts in made if not isnan(facts[name])]


def _three(values: Sequence[float]) -> str:
    return f"{mean(values):.1f}, {median(values):.1f}, {max(values):.1f}" if values else "none"


def _counted(values: Sequence[float]) -> str:
    return f"{sum(value < 4 for value in values)} of {len(values)}"


def _shares(made: Sequence[Facts], name: str) -> str:
    values = [facts[name] for facts in made]
    return f"{mean(values):.1%}, {max(values):.1%}" if values else "none"


def _least(made: Sequence[Facts]) -> str:
    return f"{min(facts['similarity'] for facts in made):.3f}" if made else "none"


def below_table(done: Sequence[Facts]) -> str:
    """Lay the figures of what is worn below the waist out."""
    made = [facts for facts in done if "refused" not in facts]
    refused = [facts for facts in done if "refused" in facts]
    rows = [
        ("pairs; refused", "10 and more", f"{len(done)}; {len(refused)}"),
        ("colours apart in Lab: mean, median, worst", "below 4", _three(_known(made, "lab"))),
        ("pairs with colours less than 4 apart", "all", _counted(_known(made, "lab"))),
        ("of the garment beyond the body: mean, worst", "", _shares(made, "outside")),
        ("the same, farther off than 0.15 face heights", "0", _shares(made, "far")),
        ("pixels changed beyond the garment", "0", str(sum(f["elsewhere"] for f in made))),
        ("pixels changed of faces", "0", str(sum(f["face"] for f in made))),
        ("seconds a picture", "", f"{mean(f['seconds'] for f in made):.1f}" if made else ""),
    ]
    return _table(rows, refused)


def worn_table(done: Sequence[Facts]) -> str:
    """Lay the figures of the way worn out."""
    made = [facts for facts in done if "refused" not in facts]
    noise, changed = [facts["psnr"] for facts in made], sum(facts["changed"] for facts in made)
    rows = [
        ("pairs; refused", "20 and more; 0", f"{len(done)}; {len(done) - len(made)}"),
        ("clothes away from the blend, dB: least", "40", f"{min(noise):.0f}" if noise else "none"),
        ("pixels changed of these clothes", "0", str(changed)),
        ("pictures without a good candidate", "", str(sum(not f["ranked"] for f in made))),
        *_alike(made, "sface", "98%", "0.60"),
        *_alike(made, "dlib", "95%", ""),
    ]
    return _table(rows)


def _alike(
    made: Sequence[Facts], label: str, wanted: str, mean_wanted: str
) -> list[tuple[str, str, str]]:
    judged = [facts[label] for facts in made if label in facts]
    if not judged:
        return []
    right = sum(each["nearest"] for each in judged)
    share = f"{right / len(judged):.1%} ({right} of {len(judged)})"
    alike = f"{mean(each['similarity'] for each in judged):.3f}"
    return [
        (f"nearest to the person, {label}", wanted, share),
        (f"mean similarity, {label}", mean_wanted, alike),
    ]
