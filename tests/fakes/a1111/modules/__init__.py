"""A1111's own modules; what it shares with Forge is in tests/fakes/webui, further down the path."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
