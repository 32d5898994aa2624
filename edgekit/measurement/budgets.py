"""Limits that a model has to keep, and which of them it passed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgekit.errors import UserError
from edgekit.measurement.comparison import Chain
from edgekit.measurement.records import Measurement, Unit

_UNITS: dict[str, tuple[Unit, float]] = {
    "us": ("us", 1.0),
    "ms": ("us", 1e3),
    "s": ("us", 1e6),
    "cycles": ("cycles", 1.0),
    "instructions": ("instructions", 1.0),
}
_MULTIPLES = {"": 1, "k": 1 << 10, "m": 1 << 20}


@dataclass(frozen=True, slots=True)
class LatencyLimit:
    """The most that one invoke may take, in the unit that the board counts in."""

    value: float
    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """What a deployment may cost; None: no limit."""

    accuracy_drop: float | None = None  # last model against the first, 0..1
    latency: LatencyLimit | None = None
    arena_bytes: int | None = None
    flash_bytes: int | None = None  # of the model's code and constants with the kernels it uses


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One limit, and what was found."""

    what: str  # "accuracy drop", "latency", "arena", "flash memory"
    found: float
    limit: float
    unit: str  # "points", "bytes", or that of the latency

    @property
    def kept(self) -> bool:
        """True if the limit is not passed."""
        return self.found <= self.limit


def check_budgets(
    budgets: Budgets, chain: Chain, measurement: Measurement | None
) -> tuple[Check, ...]:
    """Every limit that was set, beside what was found.

    Raises:
        UserError: a limit was set for what is not known: accuracy without labels, latency in
            another unit than the board's, memory without a board.
    """
    checks = []
    if budgets.accuracy_drop is not None:
        if chain.difference is None:
            raise UserError(
                "an accuracy budget needs labels and two models",
                hint="give samples with labels (y in the .npz)",
            )
        drop = -100 * chain.difference.value
        limit = 100 * budgets.accuracy_drop
        checks.append(Check(what="accuracy drop", found=drop, limit=limit, unit="points"))
    wants_board = (budgets.latency, budgets.arena_bytes, budgets.flash_bytes)
    if measurement is None:
        if any(limit is not None for limit in wants_board):
            raise UserError("a budget of latency or memory needs a board", hint="give --board")
        return tuple(checks)
    return (*checks, *_on_the_board(budgets, measurement))


def _on_the_board(budgets: Budgets, m: Measurement) -> list[Check]:
    checks = []
    if budgets.latency is not None:
        value, unit = budgets.latency.value, budgets.latency.unit
        if unit != m.invoke.unit:
            raise UserError(
                f"the latency budget is in {unit}, but {m.board} counts {m.invoke.unit}",
                hint=f"give it in {m.invoke.unit}: neither can be turned into the other",
            )
        checks.append(Check(what="latency", found=m.invoke.median, limit=value, unit=unit))
    for what, found, limit in (
        ("arena", m.memory.arena_bytes, budgets.arena_bytes),
        ("flash memory", m.memory.inference_flash_bytes, budgets.flash_bytes),
    ):
        if limit is not None:
            if found is None:
                raise UserError(f"the {what} of a board that was running already is not known")
            checks.append(Check(what=what, found=found, limit=limit, unit="bytes"))
    return checks


def parse_latency(text: str) -> LatencyLimit:
    """`12ms`, `900 us`, `2e6 instructions` or `64000 cycles`.

    Raises:
        UserError: it is none of these.
    """
    match = re.fullmatch(r"\s*([0-9][0-9_.,]*(?:e[0-9]+)?)\s*([a-zA-Z]+)\s*", text)
    unit = _UNITS.get(match[2].lower()) if match else None
    if match is not None and unit is not None:
        try:
            return LatencyLimit(float(re.sub("[_,]", "", match[1])) * unit[1], unit[0])
        except ValueError:
            pass
    raise UserError(
        f"{text!r} is no latency", hint="give a number and a unit: 12ms, 900us, 2e6instructions"
    )


def parse_bytes(text: str) -> int:
    """`16384`, `16k` or `1M` (multiples of 1024), as bytes.

    Raises:
        UserError: it is none of these.
    """
    match = re.fullmatch(r"\s*([0-9][0-9_,]*)\s*([kKmM]?)(?:i?[bB])?\s*", text)
    if match is None:
        raise UserError(f"{text!r} is no size", hint="give bytes, as in 16384, 16k or 1M")
    return int(re.sub("[_,]", "", match[1])) * _MULTIPLES[match[2].lower()]
