"""All commands, gathered."""

from __future__ import annotations

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
    app.command()(getattr(module, module.__name__.rpartition(".")[2]))


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
