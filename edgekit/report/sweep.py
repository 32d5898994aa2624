"""Many runs as one table: while they go on, and when they have ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from edgekit.measurement import Failure, Measurement, Verification
from edgekit.report.tables import fold_words, latency_unit, number, plain

#: The stage of a run that has not begun.
WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One run, and how far it is."""

    model: str
    board: str
    engine: str
    stage: str = WAITING
    done: int = 0
    total: int = 0  # 0: unknown
    outcome: Measurement | Failure | None = None


def table(rows: Sequence[Row], *, most: int | None = None) -> Table:
    """One run a line: its result, or what is being done.

    Args:
        most: if there are more rows than that, show those that have begun and have not ended.
    """
    engines = {row.engine for row in rows}
    units = {latency_unit(m) for row in rows if isinstance(m := row.outcome, Measurement)}
    several = len(engines) > 1
    headings = ("model", "board", *(("engine",) if several else ()))
    heading = units.pop() if len(units) == 1 else "latency"
    title = None if several else f"engine {next(iter(engines), '–')}"
    shown = plain(*headings, f">{heading}", ">arena", ">flash", "bytes", title=title)
    some = rows
    if most is not None and len(rows) > most:
        some = [row for row in rows if row.outcome is None and row.stage != WAITING][:most]
    for row in some:
        names = (row.model, row.board, *((row.engine,) if several else ()))
        shown.add_row(*names, *_cells(row, heading))
    if some is not rows:
        ended = sum(row.outcome is not None for row in rows)
        shown.caption = f"{ended} of {len(rows)} have ended"
    return fold_words(shown)


def line(row: Row) -> str:
    """The end of one run, for a log."""
    name = f"{row.model} on {row.board}, {row.engine}"
    if isinstance(row.outcome, Failure):
        return f"{name}: failed: {row.outcome.error}"
    assert row.outcome is not None
    return f"{name}: {_latency(row.outcome)}, {_verified(row.outcome.verify)}"


def _cells(row: Row, heading: str) -> tuple[str | Text, ...]:
    m = row.outcome
    if isinstance(m, Failure):
        return Text("failed", style="bold red"), "", "", ""
    if m is None:
        return Text(_stage(row), style="dim"), "", "", ""
    memory = m.memory
    verified = Text(_verified(m.verify), style="green" if m.verify.exact else "")
    return (
        _latency(m).removesuffix(f" {heading}"),
        number(memory.arena_bytes),
        number(memory.inference_flash_bytes),
        verified,
    )


def _stage(row: Row) -> str:
    """Without the board's name, which stands beside it."""
    stage = row.stage
    for word in ("on", "for"):
        stage = stage.removesuffix(f" {word} {row.board}")
    return f"{stage} {row.done}/{row.total}" if row.total else stage


def _latency(m: Measurement) -> str:
    held_back = " (throttled)" if m.system is not None and m.system.throttled else ""
    return f"{number(m.invoke.median)}{held_back} {latency_unit(m)}"


def _verified(v: Verification) -> str:
    if v.mismatched_bytes == 0:
        return "exact"
    return f"{v.mismatched_bytes:,} of {v.compared_bytes:,} bytes differ"
