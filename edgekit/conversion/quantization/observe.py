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


def activations(graph: Graph) -> tuple[Tensor, ...]:
    """Every tensor that is computed and real, inputs first."""
    return tuple(t for t in graph.tensors if t.constant is None and t.dtype is DType.FLOAT32)


def observe(graph: Graph, inputs: Sequence[Array], *, progress: Progress = silent) -> Observation:
    """Run all samples, float32 [N, ...] for each input.

    Raises:
        CalibrationError: an activation is not finite.
    """
    tensors = activations(graph)
    weighted = (op for op in graph.operators if (r := RULES.get(op.kind)) and r.weights is not None)
    averaged = {op.input(0) for op in weighted}
    histograms = {t: Histogram() for t in tensors}
    sums = {t: np.zeros(t.elements) for t in tensors if t in averaged}
    computed = [t for t in tensors if t not in graph.inputs]
    for i, values in enumerate(Execution(graph, computed).run(inputs)):
        if i % _STEP == 0:
            progress("observing ranges", i, len(inputs[0]))
        sample = dict(zip(computed, values, strict=True))
        sample |= {t: column[i] for t, column in zip(graph.inputs, inputs, strict=True)}
        _check_finite(sample, i)
        for tensor, taken in sample.items():
            histograms[tensor].add(taken)
            if tensor in sums:
                sums[tensor] += taken.reshape(-1)
    return Observation(
        {t: histogram.spread() for t, histogram in histograms.items()},
        {t: total / len(inputs[0]) for t, total in sums.items()},
    )


def _check_finite(sample: Mapping[Tensor, Array], number: int) -> None:
    for tensor, values in sample.items():
        if not np.isfinite(values).all():
            raise CalibrationError(
                f"the float model's tensor {tensor.name!r} is not finite on calibration sample "
                f"{number}",
                hint="look for NaN or huge values in that sample, or in the model's weights",
            )
