"""The bench's results as a Markdown table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.likeness.draw import Settings
from bench.likeness.figures import Person, Row, mean_gain, reference, row, top_beats_random
from facechain_ext.imaging.files import write_atomic

KINDS = {
    "plain": "plain checkpoint",
    "last": "LoRA, last snapshot",
    "lora": "LoRA, kept snapshot",
    "fused": "LoRA + fusion",
    "autoencoder": "photos through the autoencoder",
    "real": "photos, cropped as for training",
    "trained": "photos",
}
"""Kinds of pictures, from least to most alike, and their names in the table."""

People = Mapping[str, Person]


@dataclass(frozen=True)
class Results:
    """Everything the bench found; by embedder."""

    people: int
    strangers: int
    portraits: int
    rows: dict[str, dict[str, Row]]
    kept_over_last: dict[str, tuple[float, float]]
    top_beats_random: dict[str, dict[str, float]]
    kept_steps: dict[int, int]
    median_seconds: dict[str, float]
    settings: dict[str, Any]


def load_people(folders: Iterable[Path]) -> dict[str, dict[str, Person]]:
    """Read embeddings.npz of every folder: embedder -> person -> pictures -> (N, D)."""
    people: dict[str, dict[str, Person]] = {}
    for folder in folders:
        with np.load(folder / "embeddings.npz") as arrays:
            for key in arrays.files:
                embedder, _, pictures = key.partition("/")
                mine = people.setdefault(embedder, {}).setdefault(folder.name, {})
                mine[pictures] = arrays[key]  # type: ignore[index]
    return people


def compute(folders: list[Path], settings: Settings, *, strangers: Sequence[Path] = ()) -> Results:
    """Compute every figure over the people in these folders, among strangers' photos."""
    known = _references(strangers)
    by_embedder = load_people(folders)
    trials = [json.loads((folder / "trial.json").read_bytes()) for folder in folders]
    first: People = next(iter(by_embedder.values()))
    return Results(
        people=len(folders),
        strangers=len(strangers),
        portraits=len(next(iter(first.values()))["lora"]),
        rows={
            e: {kind: row(people, kind, known.get(e)) for kind in KINDS}
            for e, people in by_embedder.items()
        },
        kept_over_last={e: mean_gain(p, "lora", "last") for e, p in by_embedder.items()},
        top_beats_random={
            e: {kind: top_beats_random(first, people, kind) for kind in ("lora", "fused")}
            for e, people in by_embedder.items()
        },
        kept_steps=_counted(step for trial in trials for step in trial["kept"]),
        median_seconds={
            stage: float(np.median([trial["seconds"][stage] for trial in trials]))
            for stage in trials[0]["seconds"]
        },
        settings={**asdict(settings.train), **asdict(settings.portrait)},
    )


def _references(strangers: Sequence[Path]) -> dict[str, NDArray[np.float32]]:
    """Read strangers' photos: embedder -> (K, D), a reference each."""
    found: dict[str, list[NDArray[np.float32]]] = {}
    for path in strangers:
        with np.load(path) as arrays:
            for embedder in arrays.files:
                found.setdefault(embedder, []).append(reference(arrays[embedder]))
    return {embedder: np.stack(rows) for embedder, rows in found.items()}


def save(results: Results, folder: Path) -> None:
    """Write likeness.json and likeness.md."""
    data = json.dumps(asdict(results), indent=1) + "\n"
    write_atomic(folder / "likeness.json", data.encode())
    write_atomic(folder / "likeness.md", to_markdown(results).encode())


def to_markdown(results: Results) -> str:
    """Format the results for the repository."""
    return "\n".join([*_introduction(results), *_table(results), "", *_findings(results), ""])


def _introduction(results: Results) -> list[str]:
    return [
        "# Likeness",
        "",
        f"{results.people} people, a LoRA from five photos each, {results.portraits} portraits of "
        "each, fixed seeds. Similarity: cosine between a picture's embedding and the normalised "
        "mean of the photos kept back from training, averaged over people; a picture without a "
        "face counts 0. Rank 1: share of pictures that are more like their own person than like "
        f"any of the {results.people + results.strangers - 1} others, {results.strangers} of whom "
        "are only compared with. Stranger: mean similarity to the others.",
        "",
    ]


def _table(results: Results) -> list[str]:
    columns = ["pictures", "with a face"]
    for embedder in results.rows:
        columns += [f"{embedder} similarity", f"{embedder} stranger", f"{embedder} rank 1"]
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for kind, title in KINDS.items():
        rows = [rows[kind] for rows in results.rows.values()]
        cells = [title, f"{rows[0].faces:.1%}"]
        for each in rows:
            cells += [f"{each.similarity:.3f}", f"{each.stranger:.3f}", f"{each.rank_1:.1%}"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _findings(results: Results) -> list[str]:
    lines = []
    for embedder, (gain, error) in results.kept_over_last.items():
        lines.append(f"- {embedder}: kept over last snapshot {gain:+.4f} (± {error:.4f}).")
    for embedder, shares in results.top_beats_random.items():
        told = ", ".join(f"{KINDS[kind]} {share:.0%}" for kind, share in shares.items())
        lines.append(f"- {embedder}: the top-ranked portrait beats a random one: {told}.")
    kept = ", ".join(f"{step} ({count})" for step, count in sorted(results.kept_steps.items()))
    times = ", ".join(f"{stage} {s:.1f} s" for stage, s in results.median_seconds.items())
    lines += [f"- Steps of the kept snapshots: {kept}.", f"- Median time per person: {times}."]
    settings = ", ".join(f"{name} {value}" for name, value in results.settings.items())
    return [*lines, f"- Settings: {settings}."]


def _counted(steps: Iterable[int]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for step in steps:
        counts[step] = counts.get(step, 0) + 1
    return counts
