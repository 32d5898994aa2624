"""What hurts most in a quantised model, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from edgekit.conversion.quantization.calibrate import percentile
from edgekit.conversion.quantization.histogram import Spread
from edgekit.conversion.quantization.options import METHODS, Precision
from edgekit.conversion.quantization.records import Advice, OperatorRecord
from edgekit.ir import Operator

#: Operators that are advised on.
WORST = 5

_GAIN_DB = 1.0  # protection that gains less is not advised
_RATIO = 50.0  # of channels' ranges: beyond it, the quiet ones keep few steps
_CLIPPED = 1e-3  # share of values
_OUTLIERS = 1e-4  # share of values that may not use ...
_WASTED = 0.4  # ... this share of the range
_HARMLESS_DB = 50.0  # operators above it need no advice


def advice(
    records: Sequence[tuple[Operator, OperatorRecord]],
    spreads: Mapping[Operator, Spread],
    method: str,
    gain: Callable[[Operator], tuple[Sequence[str], float] | None],
) -> tuple[Advice, ...]:
    """One sentence for each of the operators that hurt most, worst first.

    Args:
        records: of all operators.
        spreads: of the values of their outputs.
        method: that chose the ranges.
        gain: what protecting an operator takes (names) and gains (decibels), measured.
    """
    judged = [
        (record.sensitivity_db, operator, record)
        for operator, record in records
        if record.sensitivity_db is not None and record.sensitivity_db < _HARMLESS_DB
    ]
    judged.sort(key=lambda item: (item[0], item[2].index))
    found = []
    for _, operator, record in judged[:WORST]:
        fact = _fact(record, spreads.get(operator), method)
        remedy = _remedy(gain(operator))
        found.append(Advice(index=record.index, text=f"{fact}: {remedy}"))
    return tuple(found)


def _fact(record: OperatorRecord, spread: Spread | None, method: str) -> str:
    alone = "" if record.sensitivity_db is None else f" ({record.sensitivity_db:.0f} dB alone)"
    if record.precision is Precision.INT16X8:
        return f"its weights need finer steps than 8 bits give{alone}"
    if record.clipped > _CLIPPED:
        return f"{100 * record.clipped:.2g} % of its values are clipped (min-max clips none)"
    wasted = _wasted(record, spread)
    if wasted > _WASTED:
        other = ", try --method percentile-99.99" if method == METHODS[0] else ""
        share = f"{100 * _OUTLIERS:g} % of its values use {100 * wasted:.0f} % of its range"
        return f"outliers set the range, {share}{other}"
    if record.channel_ratio is not None and record.channel_ratio > _RATIO:
        ratio = f"{record.channel_ratio:,.0f} times"
        return f"the ranges of its channels differ {ratio}, and quiet ones keep few steps"
    return f"its values need finer steps than 8 bits give{alone}"


def _remedy(gained: tuple[Sequence[str], float] | None) -> str:
    if gained is not None and gained[1] >= _GAIN_DB:
        names = " ".join(f"--protect '{name}'" for name in gained[0])
        return f"{names} gains {gained[1]:.1f} dB"
    return "protecting it gains nothing by itself, train the model with quantisation in the loop"


def _wasted(record: OperatorRecord, spread: Spread | None) -> float:
    """The share of an operator's range that only its outermost values use."""
    if record.range is None or spread is None or not spread.total:
        return 0.0
    low, high = record.range
    if not high > low:
        return 0.0
    kept_low, kept_high = _without_outliers(spread)
    used = max(0.0, min(high, kept_high)) - min(0.0, max(low, kept_low))
    return max(0.0, 1 - used / (high - low)) if math.isfinite(used) else 0.0


def _without_outliers(spread: Spread) -> tuple[float, float]:
    return percentile(spread, 1 - _OUTLIERS / 2)
