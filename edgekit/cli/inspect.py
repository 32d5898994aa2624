"""`edgekit inspect`."""

from __future__ import annotations

from typing import Annotated

import typer

from edgekit.cli import console
from edgekit.cli.options import ModelArgument


def inspect(
    model: ModelArgument,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Show a model's operators, MACs, memory over time, and what each board would have left.

    [bold]Examples[/bold]

        edgekit inspect model.tflite

        edgekit inspect model.tflite --json | jq .memory
    """
    from edgekit import pipeline
    from edgekit.report import inspection

    compiled = pipeline.inspect(model)
    if json:
        typer.echo(inspection.to_json(compiled), nl=False)
        return
    out = console.stdout()
    for part in inspection.tables(compiled):
        out.print(part)
