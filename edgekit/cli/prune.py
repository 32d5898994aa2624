"""`edgekit prune`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import console
from edgekit.cli.distill import parse_seeds, undisturbed


def prune(
    recipe: Annotated[
        Path,
        typer.Argument(
            metavar="RECIPE.py",
            help="As for distill: its data and training settings are used.",
            show_default=False,
        ),
    ],
    model: Annotated[
        Path,
        typer.Option(
            "--model", "-m", metavar="FILE.keras", help="The trained model.", show_default=False
        ),
    ],
    keep_macs: Annotated[
        float,
        typer.Option(
            "--keep-macs", metavar="SHARE", help="Share of the multiply-accumulates that may stay."
        ),
    ] = 0.5,
    rank: Annotated[
        str,
        typer.Option(
            "--rank", metavar="l1|sensitivity", help="By what the channels to remove are chosen."
        ),
    ] = "l1",
    round_to: Annotated[
        int, typer.Option("--round-to", metavar="N", help="Keep a multiple of N channels.")
    ] = 4,
    qat: Annotated[
        int,
        typer.Option(
            "--qat", min=0, metavar="EPOCHS", help="Then train on with the rounding of INT8."
        ),
    ] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="For models and states; else MODEL-pruned."
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option("--seeds", metavar="0,1,2", help="Instead of the recipe's own."),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write all figures as JSON; - is stdout."),
    ] = None,
) -> None:
    """Take channels out of a trained model, fine-tune it, and train the same shape from scratch.

    Goes on where it was when it was broken off. Needs the extra keras.

    [bold]Examples[/bold]

        edgekit prune recipe.py --model student.keras --keep-macs 0.5

        edgekit prune recipe.py -m student.keras --rank sensitivity --qat 3 --json result.json
    """
    from edgekit.report import pruning as tables
    from edgekit.training import PruningOptions, load_recipe, prune_and_compare

    console.refuse_unwritable(json)
    options = PruningOptions(keep_macs=keep_macs, round_to=round_to, ranking=rank)  # type: ignore[arg-type]
    chosen = None if seeds is None else parse_seeds(seeds)
    directory = output or Path(f"{model.stem}-pruned")
    with undisturbed(directory) as progress:
        loaded = load_recipe(recipe)
        settings = loaded.recipe
        if chosen is not None:
            settings = dataclasses.replace(settings, seeds=chosen)
        result = prune_and_compare(
            settings,
            directory,
            data=loaded.data,
            model=model,
            options=options,
            quantization_aware_epochs=qat,
            progress=progress,
        )
    if json is not None:
        console.write_file(json, result.to_json())
    if str(json) != "-":
        out = console.stdout()
        out.print(tables.layer_table(result))
        out.print(tables.accuracy_table(result))
        out.print(f"* kept, by the validation data, in {directory}")
