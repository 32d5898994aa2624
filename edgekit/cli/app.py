"""All commands, gathered."""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc
from typing import Annotated

import typer

from edgekit.cli import (
    bench,
    boards,
    build,
    compare,
    convert,
    distill,
    doctor,
    flash,
    gate,
    inspect,
    merge,
    monitor,
    new,
    ports,
    profile,
    prune,
    run,
    sweep,
    verify,
)

app = typer.Typer(
    name="edgekit",
    help="From a trained model to measured firmware. Start with: edgekit doctor",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _help_of(command: Callable[..., None]) -> str:
    """Its docstring, each paragraph of prose one line: a terminal's width breaks it, not ours."""
    paragraphs = cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(p if p.startswith(" ") else p.replace("\n", " ") for p in paragraphs)


for module in (
    convert,
    gate,
    run,
    sweep,
    compare,
    build,
    flash,
    merge,
    new,
    verify,
    bench,
    profile,
    inspect,
    distill,
    prune,
    boards,
    ports,
    monitor,
    doctor,
):
    command = getattr(module, module.__name__.rpartition(".")[2])
    app.command(help=_help_of(command))(command)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        typer.echo(f"edgekit {metadata.version('edgekit')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    del version
