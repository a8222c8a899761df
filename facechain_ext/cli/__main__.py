"""Where the program starts: its imports take seconds, and Ctrl-C may come in them."""

from __future__ import annotations

import sys


def run() -> int:
    """Run the command line and return its exit code."""
    try:
        from facechain_ext.cli.main import main

        return main()
    except KeyboardInterrupt:
        print("facechain: Stopped.", file=sys.stderr)
        return 130
    except ImportError as error:
        print(f"facechain: This installation is not complete: {error}.", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(run())
