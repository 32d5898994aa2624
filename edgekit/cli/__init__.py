"""The command line: parse, call, print. One file for each command; no logic here.

Commands import what they use when they run, so that `edgekit --help` is quick.
"""

from __future__ import annotations

from edgekit.cli.console import guarded


def main() -> None:
    """Run the command line; deliberate errors become one sentence and an exit code."""
    guarded(_app)


def _app() -> None:
    from edgekit.cli.app import app  # guarded too: a Ctrl-C may come while this is imported

    app()
