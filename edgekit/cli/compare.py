"""`edgekit compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import console
from edgekit.errors import BudgetExceededError, UserError


def compare(
    documents: Annotated[
        list[Path],
        typer.Argument(
            metavar="A.json B.json…",
            help="What `edgekit run --json` or `edgekit sweep --json` wrote.",
            show_default=False,
        ),
    ],
    baseline: Annotated[
        Path | None,
        typer.Option(
            "--baseline", metavar="FILE", help="What the others are held against; default: A.json."
        ),
    ] = None,
    budget: Annotated[
        list[str],
        typer.Option(
            "--budget",
            metavar="WHAT=LIMIT",
            help="How much worse it may become: latency=2%, arena=0, flash=1k, static_ram, stack, "
            "accuracy=0.5 (points). May be given several times.",
            show_default=False,
        ),
    ] = [],  # noqa: B006 - typer copies it
    operators: Annotated[
        bool, typer.Option("--operators", help="Also each operator, of profiled runs.")
    ] = False,
    format: Annotated[
        str, typer.Option("--format", metavar="text|markdown", help="What to print.")
    ] = "text",
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write JSON; - is stdout.")
    ] = None,
) -> None:
    """Compare measurements: versions, engines and boards, each change with whether it is real.

    Runs of one model, board and engine are paired; others stand side by side. Numbers of other
    units, or of another model of the same name, are not compared.

    Exit code 1 means that something became worse than a budget allows.

    [bold]Examples[/bold]

        edgekit compare old.json new.json --budget latency=2% --budget arena=0

        edgekit compare main.json branch.json --format markdown --operators

        edgekit compare sweep.json
    """
    from edgekit.measurement import allowances, pairing
    from edgekit.report import grid as shown
    from edgekit.report import side_by_side, sweep_document

    console.refuse_unwritable(json)
    if format not in ("text", "markdown"):
        raise UserError(f"there is no format {format!r}", hint="it is text or markdown")
    limits = [allowances.parse_allowance(text) for text in budget]
    comparison = pairing.compare(sweep_document.read(documents, baseline))
    checks = allowances.check(comparison, limits)
    if json is not None:
        console.write_file(json, side_by_side.to_json(comparison, checks))
    grids = side_by_side.grids(comparison, checks, operators=operators)
    if str(json) != "-" and format == "markdown":
        typer.echo(shown.markdown(grids), nl=False)
    elif str(json) != "-":
        out = console.stdout()
        for grid in grids:
            out.print(shown.table(grid) if grid.rows else f"{grid.title}\n")
            if grid.notes:
                out.print(*grid.notes, "", sep="\n")
    if not all(check.kept for check in checks):
        raise BudgetExceededError(
            side_by_side.violations(checks),
            hint="--operators shows where it comes from; loosen a budget only on purpose",
        )
