"""State, settings and flags."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class State:
    def __init__(self) -> None:
        self.job = ""
        self.job_no = self.job_count = 0
        self.sampling_step = self.sampling_steps = 0
        self.interrupted = self.skipped = self.stopping_generation = False
        self.textinfo: str | None = None
        self.current_image: Any = None

    def interrupt(self) -> None:
        self.interrupted = True

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

    def assign_current_image(self, image: Any) -> None:
        self.current_image = image


class Options(SimpleNamespace):
    def add_option(self, key: str, info: Any) -> None:
        self.data_labels[key] = info
        self.data.setdefault(key, info.default)


state = State()
opts = Options(
    data={},
    data_labels={},
    hidden_tabs=[],
    sd_model_checkpoint="tiny.safetensors",
    face_restoration_model="CodeFormer",
    upscaler_for_img2img=None,
    live_previews_enable=True,
)
cmd_opts = SimpleNamespace(lora_dir="", facechain_data_dir=None)
sd_model: Any = None
sd_upscalers: list[Any] = []
face_restorers: list[Any] = []
