"""What `edgekit sweep`, and `edgekit run` on several boards, do: show many runs, and their end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edgekit.cli import console

if TYPE_CHECKING:
    from edgekit.measurement import Sweep
    from edgekit.pipeline.many import Job, State, Watch
    from edgekit.report.sweep import Row

_LINES_AROUND = 6  # of the table: title, heading, caption


def show(sweep: Callable[[Watch], Sweep], json: Path | None, *, profile: bool = False) -> None:
    """Carry out `sweep` with a live table, then print and write what it found.

    Raises:
        typer.Exit: with the exit code of the sweep, each failure having been said.
    """
    from edgekit.report import sweep as report
    from edgekit.report import sweep_document, tables

    console.refuse_unwritable(json)
    rows: dict[Job, Row] = {}
    with console.live(
        lambda lines: report.table(list(rows.values()), most=max(1, lines - _LINES_AROUND))
    ) as seen:

        def watch(job: Job, state: State) -> None:
            rows[job] = _row(job, state)
            if not seen and state.outcome is not None:
                console.note(report.line(rows[job]))

        found = sweep(watch)
    if json is not None:
        console.write_file(json, sweep_document.to_json(found))
    if str(json) != "-":
        out = console.stdout()
        out.print(report.table(list(rows.values())))
        for measurement in found.runs if profile else ():
            out.print(tables.operators(measurement))
    for failure in found.failures:
        name = f"{failure.model} on {failure.board}, {failure.engine}"
        console.complain(f"{name}: {failure.error}", failure.hint)
    if found.exit_code:
        raise typer.Exit(found.exit_code)


def _row(job: Job, state: State) -> Row:
    from edgekit.report.sweep import Row

    return Row(
        model=job.model_name,
        board=job.target.board.id,
        engine=job.engine,
        stage=state.stage,
        done=state.done,
        total=state.total,
        outcome=state.outcome,
    )
