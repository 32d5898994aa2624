"""How much worse a number may become from one document to another, and whether it did."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from edgekit.errors import UserError
from edgekit.measurement.budgets import parse_bytes, parse_latency
from edgekit.measurement.pairing import Comparison, Key, Pair
from edgekit.measurement.regression import Change, Quantity

_WAYS = "as in latency=2%, latency=100us, arena=0, flash=1k or accuracy=0.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The most that one quantity may grow; accuracy, that it may fall."""

    what: str  # a Quantity
    limit: float
    unit: str  # "%", "bytes", "points", or a unit of latency


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceCheck:
    """One allowance of one run."""

    key: Key
    document: str  # that was held against the baseline
    allowance: Allowance
    growth: float | None  # in the allowance's unit; None where it cannot be said
    kept: bool
    why: str = ""  # it could not be checked, or was kept though it grew


def parse_allowance(text: str) -> Allowance:
    """`latency=2%`, `latency=100us`, `arena=0`, `flash=1k`, `accuracy=0.5` (points).

    Raises:
        UserError: it is none of these.
    """
    what, _, limit = (part.strip() for part in text.partition("="))
    if what not in get_args(Quantity) or not limit:
        raise UserError(
            f"{text!r} is no budget of a change: of {', '.join(get_args(Quantity))}", hint=_WAYS
        )
    if limit.endswith("%") and what != "accuracy":
        return Allowance(what=what, limit=_number(limit[:-1], text), unit="%")
    if what == "accuracy":
        return Allowance(what=what, limit=_number(limit, text), unit="points")
    if what == "latency":
        if limit == "0":
            return Allowance(what=what, limit=0.0, unit="%")
        most = parse_latency(limit)
        return Allowance(what=what, limit=most.value, unit=most.unit)
    return Allowance(what=what, limit=parse_bytes(limit), unit="bytes")


def check(comparison: Comparison, allowances: Sequence[Allowance]) -> tuple[AllowanceCheck, ...]:
    """Every allowance of every pair, and of every run that is missing: such a one keeps none.

    Raises:
        UserError: there are allowances, but no run is in the baseline and in another document.
    """
    if allowances and not comparison.pairs:
        raise UserError(
            "budgets were given, but no model, board and engine are in the baseline and in "
            "another document",
            hint="give two documents of the same runs",
        )
    checks = [_checked(pair, allowance) for pair in comparison.pairs for allowance in allowances]
    for gone in comparison.missing:
        why = "there is no such run" if gone.failure is None else f"failed: {gone.failure.error}"
        checks += [
            AllowanceCheck(
                key=gone.key,
                document=gone.document,
                allowance=allowance,
                growth=None,
                kept=False,
                why=why,
            )
            for allowance in allowances
        ]
    return tuple(checks)


def _checked(pair: Pair, allowance: Allowance) -> AllowanceCheck:
    change = next((one for one in pair.changes if one.what == allowance.what), None)
    growth, why = (None, "not measured") if change is None else _growth(change, allowance.unit)
    kept = growth is not None and (
        growth <= allowance.limit or math.isclose(growth, allowance.limit)  # 0.9 - 0.89 > 0.01
    )
    if change is not None and change.verdict == "within noise" and growth is not None and not kept:
        kept, why = True, f"within noise: {change.why}"
    return AllowanceCheck(
        key=pair.after.key,
        document=pair.after.document,
        allowance=allowance,
        growth=growth,
        kept=kept,
        why=why,
    )


def _growth(change: Change, unit: str) -> tuple[float | None, str]:
    """In `unit`; or why it cannot be said."""
    if change.verdict == "not comparable":
        return None, f"not comparable: {change.why}"
    if change.verdict == "same":
        return 0.0, ""
    if unit == "%":
        return (None, "it was 0") if change.share is None else (100 * change.share, "")
    if unit != change.unit:
        return None, f"the budget is in {unit}, the numbers in {change.unit}"
    return change.growth, ""


def _number(text: str, whole: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise UserError(f"{whole!r} is no budget of a change", hint=_WAYS)
    return value
