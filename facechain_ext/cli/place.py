"""Where a command is carried out: here, or by a server that was named."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any

from facechain_ext.base.errors import InvalidInput

Command = Callable[[argparse.Namespace], dict[str, Any]]

SERVER, TOKEN = "FACECHAIN_SERVER", "FACECHAIN_TOKEN"
OF_THIS_COMPUTER = {"data_dir": "--data-dir", "checkpoint": "--checkpoint", "device": "--device"}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that name a server; they may stand before a command or after it."""
    parser.add_argument(
        "--server",
        metavar="URL",
        default=argparse.SUPPRESS,
        help=f"let this server do it; empty: this computer (default: ${SERVER})",
    )
    parser.add_argument(
        "--token",
        default=argparse.SUPPRESS,
        help=f"what lets you in there, or USER:PASSWORD (default: ${TOKEN})",
    )


def command_at_place(args: argparse.Namespace) -> Command:
    """Return what carries a command out; raises InvalidInput where only this computer can."""
    args.server = os.environ.get(SERVER, "") if args.server is None else args.server
    args.token = os.environ.get(TOKEN, "") if args.token is None else args.token
    here: Command = args.command
    if not args.server:
        return here
    from facechain_ext.cli.remote import COMMANDS

    there = COMMANDS.get(here.__name__)
    if there is None:
        raise InvalidInput(
            f"facechain {here.__name__.replace('_', ' ')} cannot be asked of a server: run it on "
            f"that computer, or leave out --server and {SERVER}."
        )
    if given := [flag for name, flag in OF_THIS_COMPUTER.items() if getattr(args, name, None)]:
        raise InvalidInput(f"{given[0]} is about this computer; {args.server} works with its own.")
    return there
