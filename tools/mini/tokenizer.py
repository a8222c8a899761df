"""Train the mini's tokenizer: CLIP's byte pair encoding with a vocabulary of its own.

The files have the layout of CLIP's (Radford et al. 2021, section 2.4): 256 bytes, the same 256 as
word ends, the merges in order, then the two special tokens. All bytes are there, so that every
text has ids and the slow and the fast classes of transformers agree on them.
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from random import Random

from tokenizers import Regex, Tokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import Lowercase, Replace, Sequence
from tokenizers.pre_tokenizers import ByteLevel, Split
from tokenizers.pre_tokenizers import Sequence as PreSequence
from tokenizers.trainers import BpeTrainer

from tools.mini import captions
from tools.mini.data import load

START, END = "<|startoftext|>", "<|endoftext|>"
WORD_END = "</w>"
VOCAB_SIZE = 2000
MAX_LENGTH = 77
WORD_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
"""CLIP's own split: contractions, runs of letters, single digits, runs of anything else."""

Merge = tuple[str, str]


def byte_symbols() -> list[str]:
    """List one printable symbol for each of the 256 bytes, in the order of CLIP's vocabulary.

    The table of GPT-2 (Radford et al. 2019, encoder.py): printable Latin-1 bytes stand for
    themselves, the other 68 are moved to U+0100 and up.
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    moved = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + at) for at in range(len(moved))]


def train_merges(texts: Iterable[str], size: int = VOCAB_SIZE) -> list[Merge]:
    """Learn the merges that, with bytes and special tokens, make a vocabulary of `size`."""
    tokenizer = Tokenizer(BPE(end_of_word_suffix=WORD_END))
    tokenizer.normalizer = Sequence([Replace(Regex(r"\s+"), " "), Lowercase()])
    tokenizer.pre_tokenizer = PreSequence(
        [Split(Regex(WORD_PATTERN), "removed", invert=True), ByteLevel(add_prefix_space=False)]
    )
    trainer = BpeTrainer(
        vocab_size=size - 2,
        min_frequency=1,
        show_progress=False,
        initial_alphabet=byte_symbols(),
        end_of_word_suffix=WORD_END,
    )
    tokenizer.train_from_iterator(texts, trainer)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    pairs = [
        tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in merges
    ]
    return [(left, right) for left, right in pairs][: size - 514]


def vocabulary(merges: Iterable[Merge]) -> dict[str, int]:
    """Number all tokens as CLIP does: bytes, bytes at a word's end, merges, start, end."""
    symbols = byte_symbols()
    tokens = [*symbols, *(symbol + WORD_END for symbol in symbols)]
    tokens += [left + right for left, right in merges]
    return {token: index for index, token in enumerate([*tokens, START, END])}


def save(folder: Path, merges: list[Merge]) -> None:
    """Write the four files from which CLIPTokenizer and CLIPTokenizerFast load offline."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["#version: 0.2", *(f"{left} {right}" for left, right in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _write_json(folder / "vocab.json", vocabulary(merges))
    special = {"bos_token": START, "eos_token": END, "pad_token": END, "unk_token": END}
    _write_json(folder / "special_tokens_map.json", special)
    settings = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": MAX_LENGTH,
        "do_lower_case": True,
        "errors": "replace",
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        **special,
    }
    _write_json(folder / "tokenizer_config.json", settings)


def corpus(labels: list[dict[str, object]], count: int, seed: int = 0) -> list[str]:
    """Draw `count` caption texts without noise words, and the common words of prompts."""
    rng = Random(seed)
    texts = [", ".join(captions.describe(rng.choice(labels), rng)) for _ in range(count)]
    common = [*captions.FILLERS, captions.GRAMMAR_WORDS, " ".join(captions.prompt_words())]
    return texts + common * max(1, count // 500)


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="portraits: folder or tar")
    parser.add_argument("--out", type=Path, required=True, help="folder of the tokenizer files")
    parser.add_argument("--captions", type=int, default=20_000, help="captions to learn from")
    return parser


def main(argv: list[str] | None = None) -> None:
    """Train on drawn captions and write the tokenizer folder."""
    args = build_parser().parse_args(argv)
    merges = train_merges(corpus(load(args.data).labels, args.captions))
    save(args.out, merges)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
