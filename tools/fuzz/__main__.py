"""`python -m tools.fuzz --cases 2000`: damage files at random, and count what comes of it.

Every case must end well or in a FaceChainError, within the time limit; the sound example must work
before and after. Anything else is printed with its number; `--first N --cases 1` repeats it.
"""

from __future__ import annotations

import argparse
import faulthandler
import logging
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import torch

from facechain_ext.base.errors import FaceChainError
from facechain_ext.diffusion.diffusers_model import load_model
from tools.fuzz.subjects import (
    Subject,
    checkpoints,
    libraries,
    loras,
    sound_checkpoint,
    sound_library,
    sound_lora,
)

KINDS = ("lora", "checkpoint", "library")
LONGEST = 10.0
"""Seconds that a case may take."""


@dataclass
class Tally:
    """What came of one kind's cases."""

    refused: int = 0
    used: int = 0
    slowest: float = 0.0
    ways: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def row(self, title: str) -> str:
        cases = self.refused + self.used + len(self.failures)
        return (
            f"| {title} | {cases} | {self.refused} | {self.used} | {len(self.failures)} | "
            f"{self.slowest:.1f} s |"
        )


def attack(subject: Subject, folder: Path, numbers: Sequence[int]) -> Tally:
    """Run the cases of these numbers; each is a seed."""
    tally = Tally()
    for number in numbers:
        shutil.rmtree(folder, ignore_errors=True)
        what = subject.damage(folder, Random(number))
        began = time.perf_counter()
        faulthandler.dump_traceback_later(3 * LONGEST, exit=True)
        try:
            subject.use(folder / "ana.safetensors")
            tally.used += 1
        except FaceChainError as error:
            tally.refused += 1
            if "Traceback" in str(error) or not str(error).strip():
                tally.failures.append(f"{number} ({what}): no sentence: {error!r}")
        except Exception:  # noqa: BLE001  whatever it is, it is what we look for
            tally.failures.append(f"{number} ({what}):\n{traceback.format_exc(limit=-4)}")
        finally:
            faulthandler.cancel_dump_traceback_later()
        seconds = time.perf_counter() - began
        tally.slowest = max(tally.slowest, seconds)
        tally.ways[what] += 1
        if seconds > LONGEST:
            tally.failures.append(f"{number} ({what}): {seconds:.0f} s")
    return tally


def sound_subject(kind: str, folder: Path) -> tuple[Path, Subject]:
    """Write a sound example of a kind; returns it, and what is done with it."""
    if kind == "library":
        root = sound_library(folder / "people")
        return root, libraries(root)
    checkpoint = sound_checkpoint(folder)
    if kind == "checkpoint":
        return checkpoint, checkpoints(checkpoint)
    model = load_model(checkpoint, device="cpu")
    lora = sound_lora(folder / "lora", model)
    return lora, loras(lora, model)


def peak_memory() -> str:
    """Return the most memory that the process has held, where the system counts it."""
    if sys.platform == "win32":
        return "not counted on Windows"
    import resource

    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{held / (2**20 if sys.platform != 'darwin' else 2**30):.2f} GiB"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tools.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=2000, help="of every kind")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    options = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    torch.manual_seed(0)
    numbers = range(options.first, options.first + options.cases)
    failed = 0
    with tempfile.TemporaryDirectory() as made:
        print("| what | cases | refused with a sentence | used | failed | slowest |")
        print("|---|---|---|---|---|---|")
        for kind in options.kinds:
            example, subject = sound_subject(kind, Path(made, "sound"))
            subject.use(example)
            tally = attack(subject, Path(made, "damaged"), numbers)
            subject.use(example)
            print(tally.row(subject.title), flush=True)
            for failure in tally.failures[:20]:
                print(failure, file=sys.stderr)
            failed += len(tally.failures)
    print(f"\nPeak memory: {peak_memory()}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
