"""How near a quantised graph comes to the float one, on samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from edgekit.conversion.quantization.execution import Execution
from edgekit.conversion.quantization.records import Score
from edgekit.conversion.quantization.rewrite import Quantized
from edgekit.errors import CalibrationError
from edgekit.ir import Array, DType, Graph, Tensor

_NORMALISING = ("softmax", "log_softmax")
_POINT = 0.005  # of accuracy or agreement: smaller differences do not count
_CLEAR_DB = 1.0


class Judge:
    """Holds what the float graph answers, and compares quantised ones with it."""

    def __init__(self, graph: Graph, inputs: Sequence[Array], labels: Array | None) -> None:
        """`inputs` are float32 [N, ...] for each input, `labels` int [N] or None."""
        self._graph, self._inputs, self._labels = graph, inputs, labels
        self._signals = [_before_softmax(graph, t) for t in graph.outputs]
        self._signals = [t for t in self._signals if t.dtype is DType.FLOAT32]
        values = Execution(graph, [*self._signals, *graph.outputs]).collect(inputs)
        if not all(np.isfinite(column).all() for column in values):
            raise CalibrationError(
                "the float model's outputs are not finite on some calibration samples",
                hint="look for NaN or huge values in the samples, or in the model's weights",
            )
        self._expected = values[: len(self._signals)]
        self._energies = [_energy(values) for values in self._expected]
        self._classes = None
        if self._classifies:
            self._classes = self._classes_of(values[len(self._signals)])

    def __len__(self) -> int:
        return len(self._inputs[0])

    def score(self, quantized: Quantized) -> Score:
        """Run the quantised graph on all samples."""
        answers = list(quantized.graph.outputs)
        signals = [quantized.tensors[t] for t in self._signals]
        got = Execution(quantized.graph, [*signals, *answers]).collect(self._inputs)
        classes = None
        if self._classes is not None:
            classes = self._classes_of(got[len(signals)])
        return Score(
            samples=len(self),
            sqnr_db=min(self._ratios(got[: len(signals)]), default=math.inf),
            agreement=_share(classes, self._classes),
            accuracy=_share(classes, self._labels),
            float_accuracy=_share(self._classes, self._labels),
        )

    def noise(self, quantized: Quantized) -> float:
        """The squared error of the outputs as a share of their energy, the worst output's."""
        signals = [quantized.tensors[t] for t in self._signals]
        got = Execution(quantized.graph, signals).collect(self._inputs)
        return max((10 ** (-ratio / 10) for ratio in self._ratios(got)), default=0.0)

    def _ratios(self, got: Sequence[Array]) -> list[float]:
        """Decibels of each signal."""
        return [
            decibels(energy, _energy(np.subtract(a, b, dtype=np.float64)))
            for a, b, energy in zip(self._expected, got, self._energies, strict=True)
        ]

    @property
    def _classifies(self) -> bool:
        """One answer that says a class: by labels, or as the graph ends."""
        if len(self._graph.outputs) != 1:
            return False
        output = self._graph.outputs[0]
        last = self._graph.producer(output)
        kinds = _NORMALISING if output.elements > 1 else ("logistic",)
        return self._labels is not None or (last is not None and last.kind in kinds)

    def _classes_of(self, outputs: Array) -> Array:
        flat = outputs.reshape(len(outputs), -1)
        if flat.shape[1] > 1:
            return np.asarray(flat.argmax(axis=1))
        last = self._graph.producer(self._graph.outputs[0])
        logistic = last is not None and last.kind == "logistic"
        return np.asarray((flat[:, 0] > (0.5 if logistic else 0.0)).astype(np.int64))


def fidelity(
    graph: Graph, quantized: Quantized, tensors: Sequence[Tensor], inputs: Sequence[Array]
) -> Mapping[Tensor, float]:
    """SQNR in decibels of tensors in the quantised graph against the float one."""
    real = Execution(graph, tensors).run(inputs)
    integer = Execution(quantized.graph, [quantized.tensors[t] for t in tensors]).run(inputs)
    signal, noise = np.zeros(len(tensors)), np.zeros(len(tensors))
    for expected, got in zip(real, integer, strict=True):
        for i, (a, b) in enumerate(zip(expected, got, strict=True)):
            signal[i] += _energy(a)
            noise[i] += _energy(np.subtract(a, b, dtype=np.float64))
    return {t: decibels(signal[i], noise[i]) for i, t in enumerate(tensors)}


def is_better(new: Score, old: Score, by_db: float) -> bool:
    """True if `new` is right more often, beyond chance; else if its outputs are so much nearer."""
    if _more_right(new, old) or _more_right(old, new):
        return _more_right(new, old)
    return new.sqnr_db > old.sqnr_db + by_db


def is_clearly_better(new: Score, old: Score) -> bool:
    """True if `new` is right more often, beyond chance; without classes, nearer by a decibel."""
    if new.agreement is None:
        return new.sqnr_db > old.sqnr_db + _CLEAR_DB
    return _more_right(new, old)


def _more_right(new: Score, old: Score) -> bool:
    """By two standard deviations of a difference between two counts of the same samples.

    Models that differ in class from the float one seldom differ from each other more often than
    both do together: that bounds the variance.
    """
    if new.agreement is None or old.agreement is None:
        return False
    pairs = ((new.accuracy, old.accuracy), (new.agreement, old.agreement))
    a, b = next((a, b) for a, b in pairs if a is not None and b is not None)
    differing = (1 - new.agreement) + (1 - old.agreement)
    return a - b > max(_POINT, 2 * math.sqrt(differing / new.samples))


def decibels(signal: float, noise: float) -> float:
    """A ratio of energies; infinite where there is no noise."""
    if noise <= 0.0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal > 0.0 else -math.inf


def _energy(values: Array) -> float:
    return float(np.square(values, dtype=np.float64).sum())


def _share(classes: Array | None, expected: Array | None) -> float | None:
    if classes is None or expected is None:
        return None
    return float((classes == expected).mean())


def _before_softmax(graph: Graph, output: Tensor) -> Tensor:
    producer = graph.producer(output)
    if producer is None or producer.kind not in _NORMALISING:
        return output
    source = producer.input(0)
    return output if source.constant is not None else source
