"""Prompts as the webui reads them: emphasis, BREAK, and chunks of 75 tokens.

The grammar and the arithmetic are those of stable-diffusion-webui 1.10 (prompt_parser.py,
sd_hijack_clip.py, sd_emphasis.py), so that a prompt means the same on both hosts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import CLIPTokenizer

from facechain_ext.base.errors import InvalidInput

CHUNK = 75
COMMA_REACH = 20
"""A chunk ends at a comma rather than in mid-phrase when one is this near its end."""

EMPHASIS = 1.1
STRONGEST = 1000.0
"""The largest weight: beyond it states would leave half precision, and then the numbers."""

_TOKEN = re.compile(r"\\.|[(\[\])]|:\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*\)|[^\\()\[\]:]+|.", re.DOTALL)
_BREAK = re.compile(r"\s*\bBREAK\b\s*")


class Fragment(NamedTuple):
    """A piece of prompt text and its weight."""

    text: str
    weight: float


class Token(NamedTuple):
    """A token id and its weight."""

    id: int
    weight: float


def parse_emphasis(prompt: str) -> list[Fragment]:
    r"""Read (more), [less], (weighted:1.3) and escaped brackets \( \) \[ \].

    A bracket left open counts as closed at the end; one that closes nothing, or crosses a
    bracket of the other kind, is text.
    """
    levels: list[list[Fragment]] = [[]]
    opened: list[str] = []
    for match in _TOKEN.finditer(prompt):
        token = match.group()
        if token in ("(", "["):
            levels.append([])
            opened.append(token)
        elif opened and (weight := _closing_weight(token, opened[-1])) is not None:
            opened.pop()
            inner = levels.pop()
            levels[-1] += _scaled(inner, weight)
        else:
            levels[-1].append(Fragment(token[1:] if token[0] == "\\" else token, 1.0))
    while opened:
        weight = EMPHASIS if opened.pop() == "(" else 1 / EMPHASIS
        inner = levels.pop()
        levels[-1] += _scaled(inner, weight)
    return _joined(levels[0])


def _closing_weight(token: str, opened: str) -> float | None:
    """Return what a token multiplies the open bracket's content by; None if it closes nothing."""
    if opened == "[":
        return 1 / EMPHASIS if token == "]" else None
    if token == ")":
        return EMPHASIS
    return _bounded(float(token[1:-1])) if token[0] == ":" and token[-1] == ")" else None


def _scaled(fragments: Iterable[Fragment], weight: float) -> list[Fragment]:
    return [Fragment(text, _bounded(own * weight)) for text, own in fragments]


def _bounded(weight: float) -> float:
    """Keep a weight among the numbers that states can be multiplied by."""
    return max(-STRONGEST, min(weight, STRONGEST))


def _joined(fragments: Iterable[Fragment]) -> list[Fragment]:
    """Merge neighbours of one weight, so that words are tokenized whole."""
    return [
        Fragment("".join(fragment.text for fragment in run), weight)
        for weight, run in groupby(fragments, key=lambda fragment: fragment.weight)
    ]


def split_chunks(prompt: str, tokenizer: CLIPTokenizer) -> list[list[Token]]:
    """Tokenize a prompt into at least one chunk of at most 75 tokens."""
    comma = tokenizer.convert_tokens_to_ids(",</w>")
    chunks: list[list[Token]] = []
    for section in _BREAK.split(prompt):
        rest = [
            Token(index, weight)
            for text, weight in parse_emphasis(section)
            for index in tokenizer(text, add_special_tokens=False, verbose=False).input_ids
        ]
        while len(rest) > CHUNK:
            end = _chunk_end(rest, comma)
            chunks.append(rest[:end])
            rest = rest[end:]
        chunks.append(rest)
    return chunks if chunks[-1] or len(chunks) == 1 else chunks[:-1]


def _chunk_end(tokens: Sequence[Token], comma: int) -> int:
    """Return where the first chunk ends: after a comma near its end, else when it is full."""
    if tokens[CHUNK].id == comma:
        return CHUNK
    near = range(CHUNK - 1, CHUNK - COMMA_REACH - 1, -1)
    return next((at + 1 for at in near if tokens[at].id == comma), CHUNK)


@dataclass(frozen=True, eq=False)
class Tokens:
    """Prompts of n chunks each: ids and weights (B, n, 77), padded with the end's id."""

    ids: Tensor
    weights: Tensor
    end: int

    def padded_with(self, pad: int | None) -> Tensor:
        """Return the ids with all that follows a chunk's end replaced; None leaves them."""
        if pad is None:
            return self.ids
        after_end = (self.ids == self.end).cumsum(-1) > 1
        return self.ids.masked_fill(after_end, pad)


def tokenize(prompts: Sequence[str], tokenizer: CLIPTokenizer) -> Tokens:
    """Split prompts into as many chunks as the longest one needs."""
    split = [split_chunks(prompt, tokenizer) for prompt in prompts]
    count = max(map(len, split))
    rows = [chunk for chunks in split for chunk in chunks + [[]] * (count - len(chunks))]
    shape = (len(prompts), count, CHUNK + 2)
    ids, weights = _padded(rows, tokenizer)
    return Tokens(ids.reshape(shape), weights.reshape(shape), tokenizer.eos_token_id)


def encode_text(
    prompts: Sequence[str],
    tokenizer: CLIPTokenizer,
    text_encoder: nn.Module,
    *,
    pad: int | None = None,
    skip: int = 1,
) -> Tensor:
    """Return prompt embeddings (B, 77 * n, D); n: see `tokenize`.

    pad: the id that follows a prompt's end; None for the end's own, as CLIP was trained with.
    skip: which layer's they are, counted from the last, 1. Raises InvalidInput where it has fewer.
    """
    tokens = tokenize(prompts, tokenizer)
    device = next(text_encoder.parameters()).device
    hidden = _read(text_encoder, tokens.padded_with(pad).flatten(0, 1).to(device), skip)
    hidden = emphasise(hidden, tokens.weights.flatten(0, 1).to(device))
    return hidden.reshape(len(prompts), -1, hidden.shape[-1])


def _read(text_encoder: nn.Module, ids: Tensor, skip: int) -> Tensor:
    """Return a layer's states, normed as the last layer's are, whichever it is."""
    answer = text_encoder(ids, output_hidden_states=skip > 1)
    if skip == 1:
        last: Tensor = answer.last_hidden_state
        return last
    # Newer transformers leave the level text_model out.
    model: Any = getattr(text_encoder, "text_model", text_encoder)
    normed: Tensor = model.final_layer_norm(layer(answer.hidden_states, skip))
    return normed


def layer(states: Sequence[Tensor], skip: int) -> Tensor:
    """Take the states of one layer, counted from the last, 1; raises InvalidInput for too many."""
    if skip > len(states):
        raise InvalidInput(
            f"Clip skip is {skip} in the settings, and this checkpoint's text encoder has "
            f"{len(states) - 1} layers; set it to 1 or 2."
        )
    return states[-skip]


def _padded(rows: Sequence[Sequence[Token]], tokenizer: CLIPTokenizer) -> tuple[Tensor, Tensor]:
    """Frame rows of tokens with start and end, padded with end: ids and weights, (rows, 77)."""
    ids = torch.full((len(rows), CHUNK + 2), tokenizer.eos_token_id)
    ids[:, 0] = tokenizer.bos_token_id
    weights = torch.ones(ids.shape)
    for row, tokens in enumerate(rows):
        for column, token in enumerate(tokens, start=1):
            ids[row, column] = token.id
            weights[row, column] = token.weight
    return ids, weights


def emphasise(hidden: Tensor, weights: Tensor) -> Tensor:
    """Multiply hidden states (B, T, D) by weights (B, T), then restore each row's mean.

    The correction is kept within what the weights can have done to a mean: states that average
    to nearly 0 would else be scaled at random. CLIP's own average to -0.1 and keep within it.
    """
    if bool((weights == 1).all()):
        return hidden
    weighted = hidden.float() * weights[..., None]
    ratio = hidden.float().mean(dim=(1, 2)) / weighted.mean(dim=(1, 2))
    loudest, quietest = weights.amax(1).clamp(min=1), weights.amin(1).clamp(0, 1)
    ratio = torch.clamp(ratio.nan_to_num(nan=1.0), 1 / loudest, 1 / quietest)
    return (weighted * ratio[:, None, None]).to(hidden.dtype)
