"""Command-line flags derived from the fields of a config."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from facechain_ext.base.errors import quoted

ConfigT = TypeVar("ConfigT")


def add_config_flags(
    parser: argparse.ArgumentParser, config: type[Any], aliases: Mapping[str, str] | None = None
) -> None:
    """Add one flag per field; aliases maps a field to a flag that replaces its derived name."""
    group = parser.add_argument_group(config.__name__.removesuffix("Config").lower() + " options")
    hints = get_type_hints(config)
    for spec in dataclasses.fields(config):
        flag = (aliases or {}).get(spec.name, "--" + spec.name.replace("_", "-"))
        group.add_argument(
            *flag.split("/"),
            dest=spec.name,
            default=argparse.SUPPRESS,
            help=_help(spec),
            **_kind(hints[spec.name]),
        )


def config_from(args: argparse.Namespace, config: type[ConfigT], **fixed: Any) -> ConfigT:
    """Build a config from the flags that were given; raises InvalidInput out of bounds."""
    names = {spec.name for spec in dataclasses.fields(config)}  # type: ignore[arg-type]
    given = {name: value for name, value in vars(args).items() if name in names}
    return config(**{**given, **fixed})


def _help(spec: dataclasses.Field[Any]) -> str:
    unit = f" {spec.metadata['unit']}" if spec.metadata["unit"] else ""
    return f"{spec.metadata['help']} (default: {spec.default}{unit})".replace("%", "%%")


def _kind(hint: Any) -> dict[str, Any]:
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction}
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        return {"choices": choices, "type": type(choices[0])}
    return {"type": _READERS.get(hint, hint), "metavar": hint.__name__.upper()}


def _reader(kind: Callable[[str], Any], expected: str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            message = f"must be {expected}, not {quoted(text)}"
            raise argparse.ArgumentTypeError(message) from None

    return read


_READERS = {int: _reader(int, "a whole number"), float: _reader(float, "a number")}
