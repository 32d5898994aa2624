"""`edgekit new`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import console
from edgekit.cli.options import (
    EngineChoice,
    EngineOption,
    FrameworkOption,
    LinkOption,
    StackOption,
    TflmLibraryOption,
)
from edgekit.errors import UserError


def new(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new directory.", show_default=False)
    ],
    model: Annotated[
        Path, typer.Option("--model", "-m", metavar="MODEL", help="An INT8 .tflite file.")
    ],
    board: Annotated[
        str | None, typer.Option("--board", "-b", metavar="ID", help="See `edgekit boards`.")
    ] = None,
    framework: FrameworkOption = None,
    engine: EngineOption = "aot",
    link: LinkOption = None,
    stack: StackOption = None,
    tflm_library: TflmLibraryOption = None,
    update: Annotated[
        bool, typer.Option("--update", help="Replace the model of an application: only lib/.")
    ] = False,
) -> None:
    """Write an application around a model, for you to keep and change.

    DIR/src is yours. DIR/lib is edgekit's; --update writes it anew, and nothing else.

    [bold]Examples[/bold]

        edgekit new doorbell --board esp32-s3 --model kws.tflite

        edgekit new doorbell --update --model kws.tflite
    """
    from edgekit.pipeline import application

    choice = EngineChoice(engine=engine, tflm_library=tflm_library)
    options = choice.project_options(link=link, stack=stack)
    if update:
        given = (board, framework, stack, tflm_library)
        if any(one is not None for one in given) or (engine, link) != ("aot", None):
            raise UserError(
                "--update keeps what the application was made for",
                hint="give only --model, or make a new application",
            )
        made = application.update(directory, model)
    elif board is None:
        raise UserError("say what the application is for", hint="give --board ID: `edgekit boards`")
    else:
        made = application.new(
            directory,
            model,
            board,
            framework=framework,
            engine=engine,
            options=options,
        )
    typer.echo(f"{'renewed' if update else 'wrote'}  {made.directory}")
    done = (
        "lib/ only: what else is there is as it was" if update else "README.md has the next steps"
    )
    console.stdout().print(
        f"model {made.model_name} on {made.board.id}, engine {made.engine}; {done}"
    )
