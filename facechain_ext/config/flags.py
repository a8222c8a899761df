"""Command-line flags derived from the fields of a config."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from facechain_ext.base.errors import InvalidInput, quoted
from facechain_ext.config.setting import AUTO, Setting, settings_of

ConfigT = TypeVar("ConfigT")


def add_config_flags(
    parser: argparse.ArgumentParser, config: type[Any], aliases: Mapping[str, str] | None = None
) -> None:
    """Add one flag per field; aliases maps a field to a flag that replaces its derived name."""
    group = parser.add_argument_group(config.__name__.removesuffix("Config").lower() + " options")
    for name, setting in settings_of(config).items():
        flag = (aliases or {}).get(name, "--" + name.replace("_", "-"))
        group.add_argument(
            *flag.split("/"),
            dest=name,
            default=argparse.SUPPRESS,
            help=_help(setting),
            **_kind(setting),
        )


def config_from(args: argparse.Namespace, config: type[ConfigT], **fixed: Any) -> ConfigT:
    """Build a config from the flags that were given; raises InvalidInput out of bounds."""
    given = {name: value for name, value in vars(args).items() if name in settings_of(config)}
    return config(**{**given, **fixed})


def _help(setting: Setting) -> str:
    unit = f" {setting.unit}" if setting.unit and setting.default is not None else ""
    return f"{setting.help} (default: {setting.show(setting.default)}{unit})".replace("%", "%%")


def _kind(setting: Setting) -> dict[str, Any]:
    if setting.kind is bool:
        return {"action": argparse.BooleanOptionalAction}
    if setting.choices and not setting.automatic:
        return {"choices": setting.choices, "type": type(setting.choices[0])}
    return {"type": _reader(setting), "metavar": _metavar(setting)}


def _reader(setting: Setting) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return setting.parse(text)
        except InvalidInput:
            message = f"must be {setting.expected}, not {quoted(text)}"
            raise argparse.ArgumentTypeError(message) from None

    return read


def _metavar(setting: Setting) -> str:
    kinds = map(str, setting.choices) if setting.choices else [setting.kind.__name__.upper()]
    return "|".join([AUTO, *kinds] if setting.automatic else kinds)
