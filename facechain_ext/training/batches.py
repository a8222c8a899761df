"""Draw training batches from cached latents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from facechain_ext.host import Conditioning


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
class _Ahead:
    """A batch drawn early, and the stream's state before it."""

    batch: Batch
    before: dict[str, Tensor]


class Batches:
    """An endless, seeded stream of batches; everything is drawn on the CPU, the same everywhere."""

    def __init__(
        self,
        data: TrainingData,
        *,
        batch_size: int,
        caption_dropout: float,
        timesteps: int,
        seed: int,
        noise_offset: float = 0.0,
    ) -> None:
        self._data = data
        self._size = batch_size
        self._caption_dropout = caption_dropout
        self._timesteps = timesteps
        self._noise_offset = noise_offset
        self._generator = torch.Generator().manual_seed(seed)
        self._order: list[int] = []
        self._ahead: _Ahead | None = None

    def draw(self) -> Batch:
        """Return the next batch."""
        if self._ahead is None:
            return self._draw()
        batch, self._ahead = self._ahead.batch, None
        return batch

    def draw_ahead(self) -> None:
        """Make the next batch now; for all that can be told from outside it is still to come."""
        if self._ahead is None:
            before = self.state()
            self._ahead = _Ahead(self._draw(), before)

    def _noise(self) -> Tensor:
        """Draw unit noise, each channel of each picture shifted as a whole if asked for.

        The shift lets a model leave the mean brightness (Guttenberg 2023, "Diffusion with offset
        noise").
        """
        channels, *size = self._data.latents.shape[1:]
        noise = torch.randn(self._size, channels, *size, generator=self._generator)
        if self._noise_offset:
            shifts = torch.randn(self._size, channels, 1, 1, generator=self._generator)
            noise = noise + self._noise_offset * shifts
        return noise

    def state(self) -> dict[str, Tensor]:
        """Return where the stream stands: its generator, and the rows before the next shuffle."""
        if self._ahead is not None:
            return self._ahead.before
        order = torch.tensor(self._order, dtype=torch.long)
        return {"generator": self._generator.get_state(), "order": order}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on where another stream over the same data stood."""
        self._generator.set_state(state["generator"])
        self._order = state["order"].tolist()
        self._ahead = None

    def _draw(self) -> Batch:
        data, device = self._data, self._data.latents.device
        rows = torch.tensor([self._next_row() for _ in range(self._size)])
        noise = self._noise()
        dropped = torch.rand(self._size, generator=self._generator) < self._caption_dropout
        timesteps = self._spread_timesteps()
        rows, dropped = _moved(rows, device), _moved(dropped, device)
        captions = data.caption_index[rows].masked_fill(dropped, data.empty_caption)
        return Batch(
            latents=data.latents[rows],
            noise=_moved(noise, device).to(data.latents.dtype),
            loss_weights=data.loss_weights[rows],
            timesteps=_moved(timesteps, device),
            cond=_sized(data.cond.select(captions), data.add_time_ids, rows),
        )

    def _next_row(self) -> int:
        """Return a row; each comes once before any comes again."""
        if not self._order:
            rows = torch.randperm(len(self._data.latents), generator=self._generator)
            self._order = rows.tolist()
        return self._order.pop(0)

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
