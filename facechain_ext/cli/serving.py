"""`facechain serve`: the REST API by itself, and the tokens that let people in."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from typing import Any

from facechain_ext.base.errors import FaceChainError, InvalidInput
from facechain_ext.cli.here import new_studio, queue_of
from facechain_ext.cli.paths import path, port, require_writable
from facechain_ext.cli.streams import say
from facechain_ext.config import ApiConfig
from facechain_ext.config.flags import add_config_flags, config_from

Result = dict[str, Any]

NEEDED = ("fastapi", "uvicorn")
ADDRESS, PORT = "127.0.0.1", 7870


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's own flags."""
    parser.add_argument("--host", default=ADDRESS, help=f"the address (default: {ADDRESS})")
    parser.add_argument("--port", type=port, default=PORT, help=f"the port (default: {PORT})")
    parser.add_argument("--auth", type=path, help="the file of tokens; without, this computer only")
    parser.add_argument("--add-token", metavar="NAME", help="make a token for somebody, and end")
    parser.add_argument("--remove-token", metavar="NAME", help="take somebody's back, and end")
    add_config_flags(parser, ApiConfig)


def serve(args: argparse.Namespace) -> Result:
    """Answer until interrupted, or change the file of tokens."""
    _require_packages()
    if args.add_token is not None or args.remove_token is not None:
        return _change_tokens(args)
    from facechain_ext.api.server import serve as answer
    from facechain_ext.api.server import serving

    studio = new_studio(args)
    require_writable(studio.host.paths.data_dir)
    jobs = queue_of(studio, "serve")
    services = serving(studio, jobs, config_from(args, ApiConfig), host=args.host, auth=args.auth)
    jobs.start()
    say(f"The API is at http://{args.host}:{args.port}/facechain/v1")
    answer(services, host=args.host, port=args.port)
    return {"server": "closed"}


def _require_packages() -> None:
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise FaceChainError(
            f'The API needs {" and ".join(missing)}: pip install "facechain-ext[api]".'
        )


def _change_tokens(args: argparse.Namespace) -> Result:
    from facechain_ext.api.tokens import TokenFile

    if args.auth is None:
        raise InvalidInput("Say with --auth FILE which file of tokens to change.")
    tokens = TokenFile(args.auth)
    if args.add_token is not None:
        return {"name": args.add_token, "token": tokens.add(args.add_token)}
    return {"name": args.remove_token, "removed": tokens.remove(args.remove_token)}
