"""Ticks of the device's counter -> latency in the unit that the board's file states."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

from edgekit.boards import Board
from edgekit.codegen import LibraryStep
from edgekit.errors import VerificationError
from edgekit.ir import Array
from edgekit.link import Device
from edgekit.measurement.records import Latency, OperatorLatency


def timed(
    device: Device,
    inputs: Sequence[Array],
    expected: Sequence[Array],
    *,
    runs: int,
    warmup: int,
    on_run: Callable[[int, int], None],
) -> tuple[int, ...]:
    """Ticks of `runs` invokes on `inputs`; the last one's outputs must still be `expected`.

    Raises:
        VerificationError: they are not, so that what was timed was not this model's work.
    """
    device.write_inputs([array.tobytes() for array in inputs])
    ticks = device.invoke(runs, warmup, on_progress=on_run)
    for i, wanted in enumerate(expected):
        if device.read_output(i) != wanted.tobytes():
            raise VerificationError(f"output {i} changed over {runs} invokes on the same input")
    return ticks


def summarise(ticks: Sequence[int], *, board: Board, ticks_hz: int, warmup: int) -> Latency:
    """Least, median, 95th percentile (nearest rank) and greatest of `ticks` (at least one)."""
    values = sorted(board.count_of(t, ticks_hz) for t in ticks)
    return Latency(
        unit=board.count.unit,
        count=len(values),
        warmup=warmup,
        min=values[0],
        median=statistics.median(values),
        p95=values[math.ceil(0.95 * len(values)) - 1],
        max=values[-1],
    )


def operators(
    steps: Sequence[LibraryStep], profiles: Sequence[Sequence[int]], board: Board, ticks_hz: int
) -> tuple[OperatorLatency, ...]:
    """One entry for each step, in order.

    Args:
        profiles: ticks of each step, one sequence for each profiled invoke; may be empty.
    """
    columns = list(zip(*profiles, strict=True)) or [()] * len(steps)
    return tuple(
        OperatorLatency(
            index=step.operator_index,
            name=step.name,
            kernel=step.kernel,
            macs=step.macs,
            median=statistics.median(board.count_of(t, ticks_hz) for t in ticks) if ticks else None,
        )
        for step, ticks in zip(steps, columns, strict=True)
    )
