"""Runs the float model over the calibration samples and keeps what its activations were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.conversion.quantization.execution import Execution
from edgekit.conversion.quantization.histogram import Histogram, Spread
from edgekit.conversion.quantization.rules import RULES
from edgekit.errors import CalibrationError
from edgekit.ir import Array, DType, Graph, Tensor
from edgekit.progress import Progress, silent

_STEP = 32  # samples between two words of progress


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of a float graph."""

    spreads: Mapping[Tensor, Spread]  # of every real activation, the inputs too
    means: Mapping[Tensor, Array]  # over samples, float64 [elements]: of what meets weights


class _Tally:
    """Counts the samples of one half; two make a whole."""

    def __init__(self, tensors: Sequence[Tensor], averaged: frozenset[Tensor]) -> None:
        self.histograms = {t: Histogram() for t in tensors}
        self.sums = {t: np.zeros(t.elements) for t in tensors if t in averaged}
        self.samples = 0

    def add(self, sample: Mapping[Tensor, Array]) -> None:
        self.samples += 1
        for tensor, values in sample.items():
            self.histograms[tensor].add(values)
            if tensor in self.sums:
                self.sums[tensor] += values.reshape(-1)

    def merge(self, other: _Tally) -> None:
        self.samples += other.samples
        for tensor, histogram in other.histograms.items():
            self.histograms[tensor].merge(histogram)
        for tensor, total in other.sums.items():
            self.sums[tensor] += total

    def observation(self) -> Observation:
        return Observation(
            {t: h.spread() for t, h in self.histograms.items()},
            {t: total / max(1, self.samples) for t, total in self.sums.items()},
        )


def activations(graph: Graph) -> tuple[Tensor, ...]:
    """Every tensor that is computed and real, inputs first."""
    return tuple(t for t in graph.tensors if t.constant is None and t.dtype is DType.FLOAT32)


def observe(
    graph: Graph,
    inputs: Sequence[Array],
    fitting: Array,
    *,
    stage: str = "observing ranges",
    progress: Progress = silent,
) -> tuple[Observation, Observation]:
    """What the activations were on some samples and on all.

    Args:
        graph: float.
        inputs: float32 [N, ...] for each input.
        fitting: bool [N], the samples of the first result.
        stage: what progress is told.

    Raises:
        CalibrationError: an activation is not finite.
    """
    tensors = activations(graph)
    weighted = (op for op in graph.operators if (r := RULES.get(op.kind)) and r.weights is not None)
    averaged = frozenset(op.input(0) for op in weighted)
    some, others = _Tally(tensors, averaged), _Tally(tensors, averaged)
    computed = [t for t in tensors if t not in graph.inputs]
    execution = Execution(graph, computed)
    for i, values in enumerate(execution.run(inputs)):
        if i % _STEP == 0:
            progress(stage, i, len(fitting))
        sample = dict(zip(computed, values, strict=True))
        sample |= {t: column[i] for t, column in zip(graph.inputs, inputs, strict=True)}
        _check_finite(sample, i)
        (some if fitting[i] else others).add(sample)
    first = some.observation()
    some.merge(others)
    return first, some.observation()


def _check_finite(sample: Mapping[Tensor, Array], number: int) -> None:
    for tensor, values in sample.items():
        if not np.isfinite(values).all():
            raise CalibrationError(
                f"the float model's tensor {tensor.name!r} is not finite on calibration sample "
                f"{number}",
                hint="look for NaN or huge values in that sample, or in the model's weights",
            )
