"""The command line. `app` has the commands' names, each command lives in a file of its own, imported when it is used.

Not here: anything a program needs; what a command does is done by `loopwright.runner`, `store` and `artifact`.
"""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """The entry point `loopwright`."""
    from loopwright.cli.app import app

    app()
    raise SystemExit(0)
