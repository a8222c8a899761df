"""One bounded config a capability; widgets, flags and metadata derive from its fields."""

from facechain_ext.config.api import ApiConfig
from facechain_ext.config.jobs import JobsConfig
from facechain_ext.config.portrait import PortraitConfig
from facechain_ext.config.prepare import PrepareConfig
from facechain_ext.config.talking import TalkConfig
from facechain_ext.config.template import TemplateConfig
from facechain_ext.config.train import TrainConfig
from facechain_ext.config.train_style import TrainStyleConfig
from facechain_ext.config.tryon import TryOnConfig

__all__ = [
    "ApiConfig",
    "JobsConfig",
    "PortraitConfig",
    "PrepareConfig",
    "TalkConfig",
    "TemplateConfig",
    "TrainConfig",
    "TrainStyleConfig",
    "TryOnConfig",
]
