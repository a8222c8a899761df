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
from bench.likeness.figures import Array, Person, Row, mean_gain, reference, row, top_beats_random
from bench.likeness.kept import kept
from facechain_ext.imaging.files import write_atomic
from facechain_ext.training.select import Selection

KINDS = {
    "plain": "plain checkpoint",
    "last": "LoRA, last snapshot",
    "average": "LoRA, mean of the best three snapshots",
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


def load_people(
    folders: Iterable[Path], selection: Selection
) -> dict[str, dict[str, dict[str, Array]]]:
    """Read what was measured in every folder: embedder -> person -> pictures -> (N, D)."""
    people: dict[str, dict[str, dict[str, Array]]] = {}
    for folder in folders:
        for file in ("drawn.npz", "kept.npz"):
            with np.load(folder / file) as arrays:
                for key in arrays.files:
                    embedder, _, pictures = key.partition("/")
                    mine = people.setdefault(embedder, {}).setdefault(folder.name, {})
                    mine[pictures] = arrays[key]
        chosen = kept(folder, selection)
        for persons in people.values():
            mine = persons[folder.name]
            mine["lora"], mine["last"] = mine[chosen.lora], mine[chosen.last]
    return people


def compute(folders: list[Path], settings: Settings, *, strangers: Sequence[Path] = ()) -> Results:
    """Compute every figure over the people in these folders, among strangers' photos."""
    known = _references(strangers)
    selection = settings.train.selection
    by_embedder = load_people(folders, selection)
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
        kept_steps=_counted(step for folder in folders for step in kept(folder, selection).steps),
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
