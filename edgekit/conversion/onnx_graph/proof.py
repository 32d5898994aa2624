"""Whether the .tflite answers as the ONNX model did: a conversion is proven, or refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.conversion import litert
from edgekit.conversion.onnx_graph.layout import Order
from edgekit.conversion.onnx_graph.lowering import Lowered
from edgekit.conversion.onnx_graph.source import Source
from edgekit.errors import ConversionError, ModelError
from edgekit.ir import Array
from edgekit.progress import Progress

#: Of the range of an output. Float32 in another order of additions is off by 1e-6 of it.
TOLERANCE = 1e-3

#: Where large numbers cancel out, rounding leaves this much of a range that is 0.
_ROUNDING = 1e-6


def prove(source: Source, lowered: Lowered, origin: str, progress: Progress) -> float:
    """Compare the answers to the source's samples; the largest difference, relative to the range.

    Raises:
        ConversionError: an output differs by more than TOLERANCE of its range.
        ModelError: the model itself gives what is no number.
    """
    inputs = [
        _moved(values, order)
        for values, order in zip(source.samples, lowered.input_orders, strict=True)
    ]
    stage = f"comparing the conversion with {origin}"
    found = litert.outputs(lowered.content, inputs, stage=stage, progress=progress)
    worst = 0.0
    for name, given, values, order in zip(
        source.outputs, source.answers, found, lowered.output_orders, strict=True
    ):
        wanted = _wanted(given, order)
        if not np.isfinite(wanted).all():
            raise ModelError(
                f"{origin} gives NaN or infinity in its output {name!r} for random inputs",
                hint="its weights may come from a training that diverged",
            )
        difference = float(np.abs(values.reshape(wanted.shape) - wanted).max(initial=0.0))
        extent = float(np.ptp(wanted)) or float(np.abs(wanted).max()) or 1.0
        if not difference <= max(TOLERANCE * extent, _ROUNDING):
            raise ConversionError(
                f"{origin} was converted wrongly: its output {name!r} differs by {difference:.3g} "
                f"where its values span {extent:.3g}",
                hint="this is a bug of edgekit: please report it with the model",
            )
        worst = max(worst, difference / extent)
    return worst


def _moved(values: Array, order: Order) -> Array:
    """Samples [N, …] with the dimensions of each sample in another order."""
    return np.ascontiguousarray(values.transpose([0, *_rest(order)]))


def _wanted(answers: Array, order: Order) -> Array:
    """Answers [N, *shape] with the dimensions of each in another order."""
    return answers.transpose([0, *(1 + d for d in order if d is not None)])


def _rest(order: Order) -> Sequence[int]:
    """The dimensions after the batch, which is first in any layout that inputs have."""
    return [d for d in order if d]
