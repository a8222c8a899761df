"""Sample the mini at fixed seeds and measure what it makes: `sample`, then `judge`.

`sample` needs the trained weights and, for speed, a GPU; it writes latents only. `judge` decodes
them and asks nets the training never saw whether the pictures show what the prompt wished for.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image
from safetensors.torch import load_file, save_file

from tools.mini import judges as judging
from tools.mini.data import load
from tools.mini.sampling import GRID_SEEDS, Wish, decode, sample_set, wishes

SAME_PERSON = 0.40
NEAR_COPY = 0.55
"""Similarity to the nearest of some thousand portraits from which a look shows the same picture."""
REAL = "real, held back"


@dataclass(frozen=True)
class Verdict:
    """Hold what the judges saw in one sample."""

    faces: int
    gender: str | None
    glasses: bool | None
    style: str
    background: str
    nearest: float | None


def embed_portraits(nets: judging.Judges, pictures: Iterable[np.ndarray]) -> np.ndarray:
    """Embed the largest face of each picture that shows one: float32 (M, 128)."""
    rows = []
    for picture in pictures:
        found = judging.faces(nets, picture)
        if found:
            rows.append(judging.embedding(nets, picture, found[0]))
    return np.stack(rows)


def judge(nets: judging.Judges, picture: np.ndarray, known: np.ndarray, wish: Wish) -> Verdict:
    """Look at one sample; `known` are the (M, 128) embeddings of the training portraits."""
    found = judging.faces(nets, picture)
    face = found[0] if found else None
    return Verdict(
        faces=len(found),
        gender=None if face is None else judging.gender(nets, picture, face),
        glasses=None if face is None else judging.wears_glasses(nets, picture, face),
        style=judging.style(picture),
        background=judging.background(picture, wish.style),
        nearest=None
        if face is None
        else float((known @ judging.embedding(nets, picture, face)).max()),
    )


def figures(asked: Sequence[Wish], seen: Sequence[Verdict]) -> dict[str, float]:
    """Sum up as shares 0..1 of the samples for which each question makes sense."""
    pairs = list(zip(asked, seen, strict=True))
    nearest = np.array([verdict.nearest for verdict in seen if verdict.nearest is not None])
    return {
        "exactly one face": _share(v.faces == 1 for v in seen),
        "woman / man obeyed": _share(w.gender == v.gender for w, v in pairs),
        "woman obeyed": _share(v.gender == "female" for w, v in pairs if w.gender == "female"),
        "man obeyed": _share(v.gender == "male" for w, v in pairs if w.gender == "male"),
        "color / black and white obeyed": _share(w.style == v.style for w, v in pairs),
        "glasses where asked for": _share(v.glasses is True for w, v in pairs if w.glasses),
        "no glasses where excluded": _share(
            v.glasses is False for w, v in pairs if w.glasses is False
        ),
        "background obeyed": _share(w.background == v.background for w, v in pairs if w.background),
    } | nearest_figures(nearest)


def nearest_figures(nearest: np.ndarray) -> dict[str, float]:
    """Sum up similarities (N,) to the nearest training portrait.

    Read them against those of real people who are not in the training set: the nearest of
    thousands is often above a threshold that was made for pairs.
    """
    return {
        "nearest training portrait, mean similarity": float(nearest.mean()),
        "nearest training portrait, 95th percentile of similarity": float(
            np.quantile(nearest, 0.95)
        ),
        "share with one above the same-person threshold, 0.40": float(
            (nearest > SAME_PERSON).mean()
        ),
        "share of near copies, 0.55 and more": float((nearest >= NEAR_COPY).mean()),
    }


def markdown_table(by_scale: dict[str, dict[str, float]]) -> str:
    """Lay the figures out with one column for each guidance scale and one of real portraits."""
    names = list(next(iter(by_scale.values())))
    titles = [name if name == REAL else f"CFG {name}" for name in by_scale]
    lines = ["| | " + " | ".join(titles) + " |"]
    lines.append("|---" * (len(by_scale) + 1) + "|")
    for name in names:
        cells = [_cell(name, column.get(name)) for column in by_scale.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def grid_image(pictures: np.ndarray, columns: int = GRID_SEEDS) -> Image.Image:
    """Tile (N, H, W, 3) pictures row by row."""
    rows = [np.concatenate(list(pictures[at : at + columns]), axis=1)
            for at in range(0, len(pictures), columns)]  # fmt: skip
    return Image.fromarray(np.concatenate(rows))


def judge_set(args: argparse.Namespace) -> None:
    """Decode and judge every guidance scale; write grids, figures.json and figures.md."""
    vae = AutoencoderKL.from_pretrained(args.vae).eval()
    nets = judging.load_judges(args.nets)
    latents = load_file(args.samples)
    known, strangers = _real_embeddings(args, nets)
    args.out.mkdir(parents=True, exist_ok=True)
    by_scale = {}
    for scale in sorted(name.partition("/")[2] for name in latents if name.startswith("wishes/")):
        grid_image(decode(vae, latents[f"grid/{scale}"])).save(args.out / f"grid-{scale}.png")
        pictures = decode(vae, latents[f"wishes/{scale}"])
        asked = wishes(len(pictures))
        seen = [judge(nets, p, known, w) for p, w in zip(pictures, asked, strict=True)]
        by_scale[scale] = figures(asked, seen)
        _write_json(args.out / f"verdicts-{scale}.json", [asdict(verdict) for verdict in seen])
        grid_image(pictures, 16).save(args.out / f"wishes-{scale}.webp", quality=85)
    by_scale[REAL] = nearest_figures((strangers @ known.T).max(axis=1))
    _write_json(args.out / "figures.json", by_scale)
    (args.out / "figures.md").write_text(markdown_table(by_scale), encoding="utf-8")
    print(markdown_table(by_scale))


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("sample", help="make latents of the grid and of drawn prompts")
    make.add_argument("--weights", type=Path, required=True, help="folder of weights-*.safetensors")
    make.add_argument("--tokenizer", type=Path, required=True)
    make.add_argument("--out", type=Path, required=True, help="the .safetensors to write")
    make.add_argument("--count", type=int, default=256)
    make.add_argument("--batch", type=int, default=256)
    make.add_argument("--steps", type=int, default=30)
    make.add_argument("--scheduler", choices=("dpm", "dpm-karras", "ddim"), default="dpm")
    make.add_argument("--guidance", type=float, nargs="+", default=[3.0])
    make.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    look = commands.add_parser("judge", help="decode the latents and measure the pictures")
    look.add_argument("--samples", type=Path, required=True)
    look.add_argument("--vae", type=Path, required=True)
    look.add_argument("--data", type=Path, required=True, help="portraits: folder or tar")
    look.add_argument(
        "--nets", type=Path, nargs="+", required=True, help="folders of the onnx nets"
    )
    look.add_argument("--out", type=Path, required=True)
    look.add_argument("--known", type=Path, help=".npz that keeps the portraits' embeddings")
    return parser


def main(argv: list[str] | None = None) -> None:
    """Sample or judge from the command line."""
    args = build_parser().parse_args(argv)
    if args.command == "sample":
        args.out.parent.mkdir(parents=True, exist_ok=True)
        save_file(sample_set(args), args.out)
    else:
        cv2.setNumThreads(1)
        judge_set(args)


def _real_embeddings(
    args: argparse.Namespace, nets: judging.Judges
) -> tuple[np.ndarray, np.ndarray]:
    """Embed the training portraits and those held back, or read both from --known."""
    if args.known and args.known.exists():
        with np.load(args.known) as kept:
            return kept["known"], kept["strangers"]
    portraits = load(args.data)
    known = embed_portraits(nets, portraits.images[~portraits.held_out])
    strangers = embed_portraits(nets, portraits.images[portraits.held_out])
    if args.known:
        np.savez(args.known, known=known, strangers=strangers)
    return known, strangers


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def _share(answers: Iterable[bool]) -> float:
    given = list(answers)
    return sum(given) / len(given) if given else float("nan")


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if "similarity" in name else f"{100 * value:.1f} %"


if __name__ == "__main__":
    main()
