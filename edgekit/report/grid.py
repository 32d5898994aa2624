"""Tables that are shown on a terminal or as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from edgekit.report.tables import fold_words, plain

#: Cells that say that something became better, and worse.
_BETTER = ("faster", "smaller", "more accurate")
_WORSE = ("slower", "larger", "less accurate", "passed over")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table before it is known how it is shown. Headings that begin with ">" are of numbers."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()  # below it


def table(grid: Grid) -> Table:
    """A grid for a terminal; its notes are printed after it."""
    shown = plain(*grid.headings, title=grid.title)
    for row in grid.rows:
        shown.add_row(*(Text(cell, style=_style(cell)) for cell in row))
    return fold_words(shown)


def markdown(found: Sequence[Grid]) -> str:
    """All grids as one text that goes into a pull request."""
    return "\n".join(line for grid in found for line in _markdown(grid))


def _style(cell: str) -> str:
    if cell in _WORSE:
        return "red"
    return "green" if cell in _BETTER else ""


def _markdown(grid: Grid) -> Iterator[str]:
    yield f"**{_escaped(grid.title)}**"
    yield ""
    if grid.rows:
        yield from _markdown_table(grid)
    for note in grid.notes:
        yield f"- {_escaped(note)}"
    if grid.notes:
        yield ""


def _markdown_table(grid: Grid) -> Iterator[str]:
    yield f"| {' | '.join(heading.lstrip('>') for heading in grid.headings)} |"
    sides = ("---:" if heading.startswith(">") else "---" for heading in grid.headings)
    yield f"| {' | '.join(sides)} |"
    for row in grid.rows:
        yield f"| {' | '.join(map(_escaped, row))} |"
    yield ""


def _escaped(text: str) -> str:
    """So that it is shown as it is; underscores of names have no meaning inside of words."""
    for special in "\\|<*`":
        text = text.replace(special, f"\\{special}")
    return " ".join(text.split())
