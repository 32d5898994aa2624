"""What changed between two runs of one model, and whether that is more than noise.

Instructions, cycles and bytes are exact: any change of them is real. Microseconds spread, and a
document holds no more of a series than its least, median, 95th percentile and greatest value. A
change of them counts as real only if the ranges from least to 95th percentile do not overlap, and
if the series are long enough that this would happen by chance in less than 1 % of cases. That is
slow to cry, on purpose: temperature, clock and load drift between two runs, which no spread within
one of them shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from edgekit.measurement.records import Latency, Measurement, OperatorLatency

Quantity = Literal["latency", "arena", "flash", "static_ram", "stack", "accuracy"]
Verdict = Literal["same", "real", "within noise", "not known", "not comparable"]

_CHANCE = 0.01  # of calling real what is none, were the invokes of both runs alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One number of two runs."""

    what: str  # a Quantity, or an operator's name
    unit: str  # of both numbers, unless `verdict` is "not comparable"
    before: float | None  # None: not measured
    after: float | None
    verdict: Verdict
    why: str = ""  # of the verdict, where the numbers do not say it

    @property
    def share(self) -> float | None:
        """How much larger it is than before, 0.02 for 2 %; None where that cannot be said."""
        if self.verdict == "not comparable" or not self.before or self.after is None:
            return None
        return (self.after - self.before) / self.before

    @property
    def growth(self) -> float | None:
        """How much worse it became, in its unit; accuracy is worse when it is less."""
        if self.verdict == "not comparable" or self.before is None or self.after is None:
            return None
        difference = self.after - self.before
        return -difference if self.what == "accuracy" else difference


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorChange:
    """One operator of two runs."""

    index: int  # in the .tflite
    change: Change


def changes(before: Measurement, after: Measurement) -> tuple[Change, ...]:
    """Latency first, then what memory both took, then accuracy; without what neither measured."""
    return tuple(
        change
        for change in _changes(before, after)
        if change.before is not None or change.after is not None
    )


def operator_changes(before: Measurement, after: Measurement) -> tuple[OperatorChange, ...]:
    """By the operator's index in the model; none of runs that were not profiled, or differ in unit.

    Of an operator's microseconds a document holds only the median: whether a change of it is more
    than noise is not known.
    """
    if incomparable_latency(before, after):
        return ()
    unit = after.invoke.unit
    first, second = _by_index(before), _by_index(after)
    if not first or not second:
        return ()
    return tuple(
        OperatorChange(index=index, change=_of_operator(first.get(index), second.get(index), unit))
        for index in sorted({*first, *second})
    )


def incomparable(before: Measurement, after: Measurement) -> str:
    """Why no number of the two may be compared; empty if they may."""
    if before.model.sha256 != after.model.sha256:
        first, second = before.model.sha256[:8], after.model.sha256[:8]
        return f"other models of one name: {first}…, {second}…"
    return ""


def incomparable_latency(before: Measurement, after: Measurement) -> str:
    """Why no latency of the two may be compared; empty if they may."""
    if other := incomparable(before, after):
        return other
    if before.invoke.unit != after.invoke.unit:
        return f"{before.invoke.unit} and {after.invoke.unit}"
    if before.virtual != after.virtual:
        return "one is the time of this computer, which played the board"
    return ""


def more_than_noise(before: Latency, after: Latency) -> tuple[bool, str]:
    """Whether the medians of two series differ by more than noise; if not, why.

    Both series are in one unit.
    """
    if before.unit != "us":
        return before.median != after.median, ""
    fast, slow = sorted((before, after), key=lambda latency: latency.median)
    if fast.p95 >= slow.min:
        return False, "the ranges overlap"
    if 2 * _chance_apart(fast.count, slow.count) > _CHANCE:
        return False, f"too few invokes: {before.count}, {after.count}"
    return True, ""


def _chance_apart(fast: int, slow: int) -> float:
    """How likely all of `slow` values exceed 95 % of `fast` ones, if all are drawn alike.

    Every order of the values is equally likely then: the lowest ones, as many as those 95 %, must
    all be of the first series.
    """
    above = fast - math.ceil(0.95 * fast)
    return math.comb(slow + above, slow) / math.comb(slow + fast, slow)


def _changes(before: Measurement, after: Measurement) -> Iterator[Change]:
    yield _of_latency(before, after)
    other = incomparable(before, after)
    a, b = before.memory, after.memory
    for what, first, second in (
        ("arena", a.arena_bytes, b.arena_bytes),
        ("flash", a.inference_flash_bytes, b.inference_flash_bytes),
        ("static_ram", a.static_ram_bytes, b.static_ram_bytes),
        ("stack", a.stack_bytes, b.stack_bytes),
    ):
        yield _exact(what, "bytes", first, second, other)
    yield _of_accuracy(before, after, other)


def _of_latency(before: Measurement, after: Measurement) -> Change:
    verdict: Verdict
    if why := incomparable_latency(before, after):
        verdict = "not comparable"
    elif before.invoke.median == after.invoke.median:
        verdict = "same"
    else:
        real, why = more_than_noise(before.invoke, after.invoke)
        verdict = "real" if real else "within noise"
    return Change(
        what="latency",
        unit=after.invoke.unit,
        before=before.invoke.median,
        after=after.invoke.median,
        verdict=verdict,
        why=why,
    )


def _of_accuracy(before: Measurement, after: Measurement, other: str) -> Change:
    """In points of 100. The same samples give a model the same accuracy: any change is real."""
    a, b = before.accuracy, after.accuracy
    if a is not None and b is not None and not other:
        if a.metric != b.metric:
            other = f"{a.metric} and {b.metric}"
        elif a.samples != b.samples:
            other = f"over {a.samples} and {b.samples} samples"
    first = None if a is None else 100 * a.value
    return _exact("accuracy", "points", first, None if b is None else 100 * b.value, other)


def _exact(
    what: str, unit: str, before: float | None, after: float | None, other: str = ""
) -> Change:
    verdict: Verdict = "same" if before == after else "real"
    if other:
        verdict = "not comparable"
    elif before is None or after is None:
        verdict, other = "not comparable", "measured only once"
    return Change(what=what, unit=unit, before=before, after=after, verdict=verdict, why=other)


def _by_index(m: Measurement) -> dict[int, OperatorLatency]:
    return {op.index: op for op in m.operators if op.median is not None}


def _of_operator(
    before: OperatorLatency | None, after: OperatorLatency | None, unit: str
) -> Change:
    known = after or before
    assert known is not None
    first = None if before is None else before.median
    second = None if after is None else after.median
    change = _exact(known.name, unit, first, second)
    if change.verdict == "real" and unit == "us":
        return Change(
            what=known.name,
            unit=unit,
            before=first,
            after=second,
            verdict="not known",
            why="how much a single operator's time spreads is not in a document",
        )
    if change.verdict == "not comparable":
        return _exact(known.name, unit, first, second, "a step of only one of them")
    return change
