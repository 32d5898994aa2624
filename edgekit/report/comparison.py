"""A chain of models and the limits it has to keep: tables and JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from edgekit.measurement import Measurement
from edgekit.measurement.budgets import Check
from edgekit.measurement.comparison import Chain, Step
from edgekit.measurement.statistics import PairedDifference, Proportion
from edgekit.report.tables import number, plain

#: Of the documents of `edgekit gate` and `edgekit convert`.
SCHEMA_VERSION = 1


def chain_table(chain: Chain, *, title: str) -> Table:
    """One model a line, beside the one above: agreement, difference, share of the loss."""
    table = plain(
        "", ">accuracy", ">agrees", ">points", "95 % interval", ">of loss", ">SQNR", title=title
    )
    for step in chain.steps:
        table.add_row(*_cells(step))
    if chain.difference is not None and len(chain.steps) > 2:
        table.add_section()
        points, interval = difference_text(chain.difference)
        table.add_row("all of it", "", "", points, interval, "", "")
    return table


def _cells(step: Step) -> tuple[str, ...]:
    points, interval = ("", "") if step.difference is None else difference_text(step.difference)
    first = step.difference is None and step.agreement is None and step.sqnr_db is None
    return (
        step.name,
        percent(step.accuracy),
        "" if first else percent(step.agreement),
        points,
        interval,
        "" if step.share_of_loss is None else f"{step.share_of_loss + 0.0:.0%}",
        "" if first else "exact" if step.sqnr_db is None else f"{step.sqnr_db:.1f} dB",
    )


def percent(share: Proportion | None) -> str:
    """A share of samples with one decimal more than they can tell."""
    return "–" if share is None else f"{100 * share.value:.2f} %"


def difference_text(difference: PairedDifference) -> tuple[str, str]:
    """A difference of accuracies in points, and its interval."""
    interval = difference.interval
    # a difference of nothing has no sign
    return (
        f"{100 * difference.value + 0.0:+.2f}",
        f"{100 * interval.low:+.2f} to {100 * interval.high:+.2f}",
    )


def checks_table(checks: Sequence[Check]) -> Table:
    """One limit a line."""
    table = plain("budget", ">found", ">limit", "", "")
    for check in checks:
        verdict = (
            Text("kept", style="green") if check.kept else Text("passed over", style="bold red")
        )
        table.add_row(check.what, number(check.found), number(check.limit), check.unit, verdict)
    return table


def violations(checks: Sequence[Check]) -> str:
    """Every limit that was not kept, in half a sentence each."""
    return "; ".join(
        f"{check.what} is {number(check.found)} {check.unit}, the budget {number(check.limit)}"
        for check in checks
        if not check.kept
    )


def gate_json(
    chain: Chain, checks: Sequence[Check], measurement: Measurement | None, oracle: str
) -> str:
    """The document of `edgekit gate --json`."""
    document = {
        "schema": SCHEMA_VERSION,
        "passed": all(check.kept for check in checks),
        "oracle": oracle,
        "chain": dataclasses.asdict(chain),
        "checks": [{**dataclasses.asdict(check), "kept": check.kept} for check in checks],
        "measurement": None if measurement is None else dataclasses.asdict(measurement),
    }
    return to_text(document)


def to_text(document: dict[str, Any]) -> str:
    """`document` as JSON that every reader takes: indented, without NaN or infinities."""
    return json.dumps(document, indent=2, allow_nan=False) + "\n"
