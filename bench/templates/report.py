"""The bench's table."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, median

from bench.templates.measure import Facts


def to_markdown(done: Sequence[Facts], *, trained: int, steps: int | None, known: int) -> str:
    """Lay the figures out beside what is wanted of them."""
    pictures = [facts for facts in done if "faces" in facts]
    faces = [face for facts in pictures for face in facts["faces"]]
    seen = [face for face in faces if face["nearest"] is not None]
    ratios = [face["seam_after"] / max(face["seam_before"], 1e-3) for face in faces]
    rows = [
        ("pictures, faces exchanged, faces left alone", "40 and more", _counts(pictures, faces)),
        (f"nearest to its person of {known} people, SFace", "98 %", _nearest(seen, faces, "sface")),
        ("mean similarity, SFace", "0.60", f"{_mean(seen, 'sface'):.3f}"),
        ("nearest of all people, dlib", "95 %", _nearest(seen, faces, "dlib")),
        ("mean similarity, dlib", "", f"{_mean(seen, 'dlib'):.3f}"),
        ("swapped", "0", str(sum(face["swapped"] for face in seen))),
        (
            "pixels changed beyond the faces exchanged",
            "0",
            str(sum(p["outside"] for p in pictures)),
        ),
        ("pixels changed of faces left alone", "0", str(sum(p["kept"] for p in pictures))),
        ("edge along the outline, over before: median, mean", "0.9 to 1.1", _middle(ratios)),
        ("pictures without a good candidate for every face", "", _unranked(pictures)),
        ("pictures refused", "", str(len(done) - len(pictures))),
        ("seconds a face", "", _seconds(pictures, faces)),
    ]
    trainings = "as the product does" if steps is None else f"for {steps} steps"
    head = f"{trained} people trained {trainings} on five photos each.\n\n"
    lines = [f"| {name} | {wanted} | {got} |" for name, wanted, got in rows]
    return head + "\n".join(["| | wanted | measured |", "|---|---|---|", *lines])


def _counts(pictures: Sequence[Facts], faces: Sequence[Facts]) -> str:
    left = sum(facts["all"] for facts in pictures) - len(faces)
    return f"{len(pictures)}, {len(faces)}, {left}"


def _nearest(seen: Sequence[Facts], faces: Sequence[Facts], label: str) -> str:
    if not any(label in face for face in seen):
        return "not measured"
    right = sum(face[label]["nearest"] == face["person"] for face in seen)
    return f"{right / len(faces):.1%} ({right} of {len(faces)})"


def _mean(seen: Sequence[Facts], label: str) -> float:
    values = [face[label]["similarity"] for face in seen if label in face]
    return mean(values) if values else float("nan")


def _middle(ratios: Sequence[float]) -> str:
    return f"{median(ratios):.2f}, {mean(ratios):.2f}" if ratios else "none"


def _unranked(pictures: Sequence[Facts]) -> str:
    return str(sum(not facts["ranked"] for facts in pictures))


def _seconds(pictures: Sequence[Facts], faces: Sequence[Facts]) -> str:
    return f"{sum(facts['seconds'] for facts in pictures) / max(len(faces), 1):.0f}"
