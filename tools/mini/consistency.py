"""One step of latent consistency distillation into low-rank factors.

Luo et al. 2023 (arXiv 2310.04378, 2311.05556): the teacher goes from one timestep of a 50-step DDIM
grid to the next, guided; the student must predict the same clean latents from both.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from tools.mini.factors import Changeable, Factors
from tools.mini.flat_adam import FlatAdam
from tools.mini.noising import alphas_cumprod, face_map
from tools.mini.strangers import captured

GRID, APART = 50, 20
GUIDANCE = 3.0
SIGMA_DATA, TIME_SCALE, HUBER = 0.5, 10.0, 0.001
LOSS_SCALE = 2.0**12


@dataclass(frozen=True)
class Batch:
    """Hold one step's inputs at addresses that a CUDA graph reads."""

    clean: Tensor
    noise: Tensor
    index: Tensor
    context: Tensor

    @classmethod
    def empty(cls, size: int, device: torch.device) -> "Batch":
        """Make room for `size` pictures."""
        latents = torch.zeros(size, 4, 24, 24, device=device)
        index = torch.zeros(size, dtype=torch.long, device=device)
        return cls(latents, latents.clone(), index, torch.zeros(size, 77, 192, device=device))


class Distiller:
    """One step of consistency distillation into the flat gradient of the factors."""

    def __init__(
        self, model: Changeable, factors: Factors, adam: FlatAdam, batch: Batch, empty: Tensor
    ) -> None:
        """Keep the batch; `empty` is the context (1, 77, 192) of no prompt."""
        self.factors = factors
        self.model, self.adam, self.batch = model, adam, batch
        self.empty = empty.expand(len(batch.clean), -1, -1)
        self.alphas = alphas_cumprod().to(model.flat.device)
        self.positions = face_map(1.0).to(model.flat.device)
        self.loss = torch.zeros((), device=model.flat.device)
        self.run = captured(self._step) if model.flat.is_cuda else self._step
        self.loss.zero_()

    def _step(self) -> None:
        batch = self.batch
        t = batch.index * APART + APART - 1
        before = (t - APART).clamp(min=0)
        signal, sigma = self._levels(t)
        noisy = signal * batch.clean + sigma * batch.noise
        less_noisy = self._solved(noisy, t, before)
        weights = self.model.changed(self.factors.changes())
        student = self._clean(weights, noisy, t)
        with torch.no_grad():
            target = self._clean({n: w.detach() for n, w in weights.items()}, less_noisy, before)
        distance = ((student - target).square() + HUBER**2).sqrt() - HUBER
        loss = (distance * self.positions).mean()
        self.adam.backward(loss * LOSS_SCALE)
        self.loss.add_(loss.detach())

    @torch.no_grad()
    def _solved(self, noisy: Tensor, t: Tensor, before: Tensor) -> Tensor:
        """Go one step of guided DDIM (Song et al. 2021, equation 12) with the teacher."""
        context = torch.cat([self.batch.context, self.empty])
        both = self.model(noisy.repeat(2, 1, 1, 1), t.repeat(2), context).sample
        wanted, plain = both.chunk(2)
        noise = plain + GUIDANCE * (wanted - plain)
        signal, sigma = self._levels(t)
        clean = (noisy - sigma * noise) / signal
        signal, sigma = self._levels(before)
        less_noisy: Tensor = signal * clean + sigma * noise
        return less_noisy

    def _clean(self, weights: dict[str, Tensor], noisy: Tensor, t: Tensor) -> Tensor:
        """Predict clean latents under the boundary condition of LCM (section 4.1)."""
        noise = self.model.predict(weights, noisy, t, self.batch.context)
        signal, sigma = self._levels(t)
        scaled = (TIME_SCALE * t.float())[:, None, None, None]
        spread = scaled.square() + SIGMA_DATA**2
        skip, out = SIGMA_DATA**2 / spread, scaled / spread.sqrt()
        clean: Tensor = skip * noisy + out * (noisy - sigma * noise) / signal
        return clean

    def _levels(self, t: Tensor) -> tuple[Tensor, Tensor]:
        alpha = self.alphas[t][:, None, None, None]
        return alpha.sqrt(), (1 - alpha).sqrt()
