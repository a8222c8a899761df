"""Draw training batches from cached latents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from facechain_ext.base.host import Conditioning
from facechain_ext.training.infobatch import ANNEALED, InfoBatch


class TrainingData(Protocol):
    """Encoded pictures and their captions, all on the model's device.

    latents: (M, 4, h, w). loss_weights: (M, 1, h, w). caption_index: (M,) rows of cond.
    add_time_ids: (M, 6) for SDXL, None for other families.
    """

    @property
    def latents(self) -> Tensor: ...
    @property
    def loss_weights(self) -> Tensor: ...
    @property
    def caption_index(self) -> Tensor: ...
    @property
    def cond(self) -> Conditioning: ...
    @property
    def add_time_ids(self) -> Tensor | None: ...
    @property
    def empty_caption(self) -> int:
        """Row of cond that holds the empty caption."""


@dataclass(frozen=True, eq=False)
class Batch:
    """One step's input: latents and noise (B, 4, h, w), loss_weights (B, 1, h, w), timesteps (B,)
    int64, cond of B rows."""

    latents: Tensor
    noise: Tensor
    loss_weights: Tensor
    timesteps: Tensor
    cond: Conditioning

    def __len__(self) -> int:
        return len(self.latents)

    def split(self, size: int) -> list[Batch]:
        """Cut into parts of at most `size` pictures, in order."""
        rows = torch.arange(len(self), device=self.latents.device)
        return [
            Batch(
                self.latents[part],
                self.noise[part],
                self.loss_weights[part],
                self.timesteps[part],
                self.cond.select(part),
            )
            for part in torch.split(rows, size)
        ]

    def clone(self) -> Batch:
        """Copy every tensor."""
        rows = torch.arange(len(self), device=self.latents.device)
        return Batch(
            self.latents.clone(),
            self.noise.clone(),
            self.loss_weights.clone(),
            self.timesteps.clone(),
            self.cond.select(rows),
        )

    def copy_(self, other: Batch) -> None:
        """Overwrite the tensors in place with those of a batch of the same shape."""
        for mine, theirs in zip(self._tensors(), other._tensors(), strict=True):
            mine.copy_(theirs)

    def _tensors(self) -> list[Tensor]:
        cond = self.cond
        optional = (cond.pooled_prompt_embeds, cond.add_time_ids)
        own = [self.latents, self.noise, self.loss_weights, self.timesteps, cond.prompt_embeds]
        return own + [tensor for tensor in optional if tensor is not None]


@dataclass(frozen=True, eq=False)
class _Drawn:
    """A batch, where its pictures come from, what each counts, and the pictures passed with it."""

    batch: Batch
    rows: list[int]
    weights: list[float]
    passed: int


@dataclass(frozen=True, eq=False)
class _Ahead:
    """What was drawn early, and the stream's state before it."""

    drawn: _Drawn
    before: dict[str, Tensor]


class Batches:
    """An endless, seeded stream of batches; everything is drawn on the CPU, the same everywhere.

    prune: share of the learned pictures that InfoBatch leaves out, 0 for none; it needs the losses
    of every batch, told to `learn`. run: pictures of the whole run, whose end leaves none out.
    sizes: (M, 2), rows and columns of every picture's latents where they differ, the rest of them
    being padding; a batch has pictures of one size.
    """

    def __init__(
        self,
        data: TrainingData,
        *,
        batch_size: int,
        caption_dropout: float,
        timesteps: int,
        seed: int,
        noise_offset: float = 0.0,
        prune: float = 0.0,
        run: int = 0,
        sizes: Tensor | None = None,
    ) -> None:
        self._data = data
        self._size = batch_size
        self._caption_dropout = caption_dropout
        self._timesteps = timesteps
        self._noise_offset = noise_offset
        self._generator = torch.Generator().manual_seed(seed)
        self._infobatch = InfoBatch(len(data.latents), prune) if prune else None
        self._pruned_until = (1 - ANNEALED) * run
        self._sizes = None if sizes is None else [(h, w) for h, w in sizes.tolist()]
        self._order: list[tuple[int, float]] = []
        self._epochs, self._kept = 0, 1
        self._taken: _Drawn | None = None
        self._ahead: _Ahead | None = None
        self._news: tuple[list[int], list[float]] = [], []

    def draw(self) -> Batch:
        """Return the next batch."""
        drawn = self._draw() if self._ahead is None else self._ahead.drawn
        self._taken, self._ahead = drawn, None
        self._settle()
        return drawn.batch

    def draw_ahead(self) -> None:
        """Make the next batch now; for all that can be told from outside it is still to come."""
        if self._ahead is None:
            before = self._place()
            self._ahead = _Ahead(self._draw(), before)

    @property
    def passed(self) -> int:
        """Pictures seen or left out so far."""
        return self._position() if self._taken is None else self._taken.passed

    def learn(self, losses: Tensor) -> None:
        """Take the losses, (B,) on the CPU, of the batch that was drawn last."""
        if self._infobatch is not None and self._taken is not None:
            weights = torch.tensor(self._taken.weights)
            self._news = self._taken.rows, (losses.float() / weights).tolist()

    def _settle(self) -> None:
        """Hand on what was learned of the batch before this one.

        Not sooner, for this one may have been drawn while that was at work, and may not: it has
        to be the same.
        """
        if self._infobatch is not None:
            self._infobatch.learn(*self._news)
            self._news = [], []

    def _noise(self, size: Sequence[int]) -> Tensor:
        """Draw unit noise, each channel of each picture shifted as a whole if asked for.

        The shift lets a model leave the mean brightness (Guttenberg 2023, "Diffusion with offset
        noise").
        """
        channels = self._data.latents.shape[1]
        noise = torch.randn(self._size, channels, *size, generator=self._generator)
        if self._noise_offset:
            shifts = torch.randn(self._size, channels, 1, 1, generator=self._generator)
            noise = noise + self._noise_offset * shifts
        return noise

    def state(self) -> dict[str, Tensor]:
        """Return where the stream stands: its generator, the rows before the next shuffle, and
        what has been learned of the pictures."""
        place = self._place() if self._ahead is None else self._ahead.before
        if self._infobatch is None:
            return place
        rows, losses = self._news
        return {
            **place,
            "losses": self._infobatch.state(),
            "news_rows": torch.tensor(rows, dtype=torch.long),
            "news_losses": torch.tensor(losses, dtype=torch.float64),
        }

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on where another stream over the same data stood."""
        self._generator.set_state(state["generator"])
        weights = state["weights"].tolist()
        self._order = list(zip(state["order"].tolist(), weights, strict=True))
        self._epochs, self._kept = state["epoch"].tolist()
        self._taken = self._ahead = None
        if self._infobatch is not None:
            self._infobatch.load_state(state["losses"])
            self._news = state["news_rows"].tolist(), state["news_losses"].tolist()

    def _place(self) -> dict[str, Tensor]:
        rows, weights = [row for row, _ in self._order], [weight for _, weight in self._order]
        return {
            "generator": self._generator.get_state(),
            "order": torch.tensor(rows, dtype=torch.long),
            "weights": torch.tensor(weights, dtype=torch.float64),
            "epoch": torch.tensor([self._epochs, self._kept]),
        }

    def _position(self) -> int:
        """Count the pictures passed; those left out of an epoch are spread over it."""
        count, seen = len(self._data.latents), self._kept - len(self._order)
        return (self._epochs - 1) * count + count * seen // self._kept if self._epochs else 0

    def _draw(self) -> _Drawn:
        pairs = self._next_rows()
        rows, weights = [row for row, _ in pairs], [weight for _, weight in pairs]
        batch = self._batch(torch.tensor(rows), torch.tensor(weights))
        return _Drawn(batch, rows, weights, self._position())

    def _batch(self, rows: Tensor, weights: Tensor) -> Batch:
        data, device = self._data, self._data.latents.device
        high, wide = self._size_of(int(rows[0]))
        noise = self._noise((high, wide))
        dropped = torch.rand(self._size, generator=self._generator) < self._caption_dropout
        timesteps = self._spread_timesteps()
        rows, dropped = _moved(rows, device), _moved(dropped, device)
        captions = data.caption_index[rows].masked_fill(dropped, data.empty_caption)
        loss_weights = data.loss_weights[rows, :, :high, :wide]
        if self._infobatch is not None:
            loss_weights = loss_weights * _moved(weights, device).view(-1, 1, 1, 1)
        return Batch(
            latents=data.latents[rows, :, :high, :wide],
            noise=_moved(noise, device).to(data.latents.dtype),
            loss_weights=loss_weights,
            timesteps=_moved(timesteps, device),
            cond=_sized(data.cond.select(captions), data.add_time_ids, rows),
        )

    def _next_rows(self) -> list[tuple[int, float]]:
        """Return rows and what they count: of the next one's size, those that come next.

        Each comes once, or is left out, before any of its size comes again.
        """
        first = self._next_row()
        return [first, *(self._next_row(self._size_of(first[0])) for _ in range(self._size - 1))]

    def _next_row(self, size: tuple[int, int] | None = None) -> tuple[int, float]:
        while True:
            for place, (row, _) in enumerate(self._order):
                if size is None or self._size_of(row) == size:
                    return self._order.pop(place)
            rows = torch.randperm(len(self._data.latents), generator=self._generator).tolist()
            chosen = self._chosen(rows)
            self._order += chosen
            self._epochs, self._kept = self._epochs + 1, max(len(chosen), 1)

    def _size_of(self, row: int) -> tuple[int, int]:
        """Return the rows and columns of a picture's latents."""
        if self._sizes is not None:
            return self._sizes[row]
        high, wide = self._data.latents.shape[2:]
        return high, wide

    def _chosen(self, rows: list[int]) -> list[tuple[int, float]]:
        begun = self._epochs * len(rows)
        if self._infobatch is None or begun >= self._pruned_until:
            return [(row, 1.0) for row in rows]
        return list(self._infobatch.choose(rows, self._generator).items())

    def _spread_timesteps(self) -> Tensor:
        """Draw evenly spaced timesteps at a random offset: uniform, with less variance.

        Kingma et al. 2021 (arXiv 2107.00630), appendix I.1.
        """
        offset = torch.rand((), generator=self._generator)
        spread = (offset + torch.arange(self._size) / self._size) % 1
        return (spread * self._timesteps).long().clamp(max=self._timesteps - 1)


def _sized(cond: Conditioning, add_time_ids: Tensor | None, rows: Tensor) -> Conditioning:
    """Tell SDXL what sizes and crops the pictures are of."""
    return cond if add_time_ids is None else replace(cond, add_time_ids=add_time_ids[rows])


def _moved(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy to the device without waiting for what it is doing."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
