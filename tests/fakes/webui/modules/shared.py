"""State, settings and flags."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class State:
    server_command: str | None = None

    def __init__(self) -> None:
        self.job = ""
        self.job_no = self.job_count = 0
        self.sampling_step = self.sampling_steps = 0
        self.interrupted = self.skipped = self.stopping_generation = False
        self.textinfo: str | None = None
        self.current_image: Any = None
        self.current_latent: Any = None

    def request_restart(self) -> None:
        self.interrupt()
        self.server_command = "restart"

    def interrupt(self) -> None:
        self.interrupted = True

    def stop_generating(self) -> None:
        self.stopping_generation = True

    def skip(self) -> None:
        self.skipped = True

    def nextjob(self) -> None:
        self.job_no += 1
        self.sampling_step = 0

    def begin(self, job: str = "(unknown)") -> None:
        self.__init__()
        self.job, self.job_count = job, -1

    def end(self) -> None:
        self.job, self.job_count = "", 0

    def do_set_current_image(self) -> None:
        self.assign_current_image(self.current_latent)

    def assign_current_image(self, image: Any) -> None:
        self.current_image = image


class TotalTQDM:
    """The bar of the console; bars: steps done and their total, of every one that was closed."""

    def __init__(self) -> None:
        self.bars: list[tuple[int, int]] = []
        self._bar: list[int] | None = None

    def update(self) -> None:
        self._bar = self._bar or [0, state.job_count * state.sampling_steps]
        self._bar[0] += 1

    def updateTotal(self, new_total: int) -> None:  # noqa: N802
        self._bar = self._bar or [0, 0]
        self._bar[1] = new_total

    def clear(self) -> None:
        if self._bar is not None:
            self.bars.append((self._bar[0], self._bar[1]))
        self._bar = None


class Options(SimpleNamespace):
    def add_option(self, key: str, info: Any) -> None:
        self.data_labels[key] = info
        self.data.setdefault(key, info.default)


state = State()
total_tqdm = TotalTQDM()
opts = Options(
    data={},
    data_labels={},
    hidden_tabs=[],
    sd_model_checkpoint="tiny.safetensors",
    face_restoration_model="CodeFormer",
    upscaler_for_img2img=None,
    live_previews_enable=True,
    samples_format="png",
    samples_filename_pattern="[seed]",
    save_to_dirs=False,
    directories_filename_pattern="[sampler]",
    enable_pnginfo=True,
    CLIP_stop_at_last_layers=1,
)
cmd_opts = SimpleNamespace(lora_dir="", facechain_data_dir=None)
sd_model: Any = None
sd_upscalers: list[Any] = []
face_restorers: list[Any] = []
