"""Float .tflite + calibration samples -> integer .tflite with all that is known of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.conversion.quantization import advice as advising
from edgekit.conversion.quantization import tflite_graph
from edgekit.conversion.quantization.costs import constant_bytes, macs, samples_for
from edgekit.conversion.quantization.encodings import Encoding
from edgekit.conversion.quantization.histogram import Spread
from edgekit.conversion.quantization.judge import Judge, fidelity
from edgekit.conversion.quantization.observe import Observation, observe
from edgekit.conversion.quantization.options import Precision, QuantizationOptions
from edgekit.conversion.quantization.prepare import prepare
from edgekit.conversion.quantization.protection import (
    Protection,
    layer_of,
    named,
    precisions_of,
)
from edgekit.conversion.quantization.records import Advice, OperatorRecord, QuantizedModel
from edgekit.conversion.quantization.rewrite import Decision, Quantized, quantized
from edgekit.conversion.quantization.rules import RULES
from edgekit.conversion.quantization.selection import MOST_TRIALS, select
from edgekit.conversion.quantization.sensitivity import sensitivities, sites
from edgekit.conversion.quantization.support import check_produced, refuse_unsupported
from edgekit.conversion.quantization.weights import channel_ratio
from edgekit.errors import CalibrationError, UserError
from edgekit.ir import Array, DType, Graph, Operator, Quantization, Tensor
from edgekit.progress import Progress, silent

if TYPE_CHECKING:
    from edgekit.conversion.dataset import Dataset
    from edgekit.conversion.sources import FloatModel

_HELD_OUT = 4  # every so many samples judge ranges that the others chose
_FEWEST_HELD_OUT = 16  # below it, all samples do both
_WORK = 5e10  # multiplications that one stage may take, about two seconds
_MOST_JUDGED, _MOST_ALONE, _MOST_OBSERVED = 1000, 64, 1000


def quantize(
    model: FloatModel,
    calibration: Dataset,
    options: QuantizationOptions | None = None,
    *,
    progress: Progress = silent,
) -> QuantizedModel:
    """Quantise a float model.

    Ranges are chosen by three quarters of the samples with each method, the method by the others.
    They are not chosen anew by all: that would be another model than the one that was measured, by
    decibels where errors happen to cancel. Whatever is compared is run, in LiteRT, whose integer
    kernels may differ from TensorFlow Lite Micro's by one step. Equal arguments give equal bytes.

    Args:
        model: float, batch 1, static shapes.
        calibration: samples for its inputs, with labels if there are any.
        options: what is asked for.
        progress: told of what is being done.

    Raises:
        ModelError: operators have no integer form; all are named, with the ways out.
        CalibrationError: the samples do not match the model or make it overflow.
        UserError: an option does not fit the model.
        ToolMissingError: LiteRT is not installed.
    """
    options = options or QuantizationOptions()
    graph = prepare(tflite_graph.read(model.content, model.name))
    return _Quantizer(graph, model, calibration, options, progress).run()


@dataclass(frozen=True, slots=True)
class _Made:
    """A decision, what came of it, and what it was made from."""

    decision: Decision
    result: Quantized
    observation: Observation
    protected: frozenset[Operator]


class _Quantizer:
    """Holds what all stages of one conversion need."""

    def __init__(
        self,
        graph: Graph,
        model: FloatModel,
        calibration: Dataset,
        options: QuantizationOptions,
        progress: Progress,
    ) -> None:
        self._graph, self._options, self._progress = graph, options, progress
        self._layers, self._name = model.layers, model.name
        _check_matches(graph, calibration)
        sample = _spread(len(calibration), _MOST_OBSERVED)
        self._inputs = [np.asarray(v[sample], np.float32) for v in calibration.inputs]
        self._labels = None if calibration.labels is None else calibration.labels[sample]

    def run(self) -> QuantizedModel:
        graph, options = self._graph, self._options
        protected = self._named()
        decision = self._asked(protected)
        fitting, judging = self._halves()
        observation = observe(
            graph, [values[fitting] for values in self._inputs], progress=self._progress
        )
        judge = self._judge(judging, decision, MOST_TRIALS, _MOST_JUDGED)
        decision, trials, chosen = select(
            graph, observation, decision, judge, options.method, progress=self._progress
        )
        whole, few = self._judges(decision)
        if options.protect == "auto":
            search = self._protection(observation, decision, whole)
            protected = search.search(few)
            decision = search.decided(protected)
        made = _Made(decision, quantized(graph, observation, decision), observation, protected)
        content = tflite_graph.write(made.result.graph).content
        check_produced(content, self._name, options.interface, decision.precisions)
        records = self._records(made, few)
        return QuantizedModel(
            content=content,
            name=self._name,
            operators=tuple(record for _, record in records),
            trials=trials,
            chosen=chosen,
            protected=tuple(sorted(op.index for op in protected)),
            score=whole.score(made.result),
            budget=options.budget,
            advice=self._advice(made, records, few),
            float_weights_bytes=constant_bytes(graph),
            weights_bytes=constant_bytes(made.result.graph),
        )

    def _asked(self, protected: frozenset[Operator]) -> Decision:
        """What the options decide, if TFLite Micro can compute it."""
        options = self._options
        floats = protected if options.protect_as is Precision.FLOAT else frozenset()
        refuse_unsupported(self._graph, frozenset(op.index for op in floats), self._layers)
        return Decision(
            precisions=precisions_of(self._graph, options.precision, protected, options.protect_as),
            interface=options.interface,
            forced=self._forced(),
        )

    def _halves(self) -> tuple[Array, Array]:
        """Indices of the samples that choose ranges, and of those that judge them."""
        everything = np.arange(len(self._inputs[0]))
        if len(everything) < _HELD_OUT * _FEWEST_HELD_OUT:
            return everything, everything
        held_out = everything % _HELD_OUT == _HELD_OUT - 1
        return everything[~held_out], everything[held_out]

    def _named(self) -> frozenset[Operator]:
        options = self._options
        if options.protect == "auto":
            return frozenset()
        return named(self._graph, options.protect, self._layers, options.protect_as)

    def _forced(self) -> Mapping[Tensor, Encoding]:
        if self._options.quantized_as is None:
            return {}
        if len(self._graph.inputs) != 1:
            raise UserError(
                f"{self._name} has {len(self._graph.inputs)} inputs, but one quantisation was "
                "given for them",
                hint="leave out the quantisation that the input shall have",
            )
        scale, zero_point = self._options.quantized_as
        quantization = Quantization((float(np.float32(scale)),), (zero_point,))
        return {self._graph.inputs[0]: Encoding(DType.INT8, quantization)}

    def _judge(self, candidates: Array, decision: Decision, runs: int, most: int) -> Judge:
        count = samples_for(self._graph, decision.precisions, runs, _WORK, most)
        chosen = candidates[_spread(len(candidates), count)]
        labels = None if self._labels is None else self._labels[chosen]
        return Judge(self._graph, [values[chosen] for values in self._inputs], labels)

    def _judges(self, decision: Decision) -> tuple[Judge, Judge]:
        """One for the whole model, of many samples, and one for single operators, of few."""
        everything = np.arange(len(self._inputs[0]))
        wide = decision
        if self._options.protect == "auto" and self._options.protect_as is Precision.INT16X8:
            wide = dataclasses.replace(
                decision, precisions=dict.fromkeys(decision.precisions, Precision.INT16X8)
            )
        whole = self._judge(everything, wide, 1, _MOST_JUDGED)
        return whole, self._judge(everything, decision, len(decision.precisions), _MOST_ALONE)

    def _protection(self, observation: Observation, decision: Decision, judge: Judge) -> Protection:
        return Protection(
            self._graph,
            observation,
            decision,
            judge,
            base=self._options.precision,
            protect_as=self._options.protect_as,
            budget=self._options.budget,
            progress=self._progress,
        )

    def _records(self, made: _Made, judge: Judge) -> list[tuple[Operator, OperatorRecord]]:
        alone = sensitivities(
            self._graph, made.observation, made.decision, judge, progress=self._progress
        )
        real = list(made.decision.precisions)
        tensors = [op.output for op in real if op.output.dtype is DType.FLOAT32]
        count = samples_for(self._graph, made.decision.precisions, 2, _WORK, _MOST_ALONE)
        sample = _spread(len(self._inputs[0]), count)
        reached = fidelity(
            self._graph, made.result, tensors, [values[sample] for values in self._inputs]
        )
        return [(op, self._record(op, made, alone, reached)) for op in real]

    def _record(
        self,
        operator: Operator,
        made: _Made,
        alone: Mapping[Operator, float],
        reached: Mapping[Tensor, float],
    ) -> OperatorRecord:
        output, precision = operator.output, made.decision.precisions[operator]
        spread = made.observation.spreads.get(output)
        limits = None
        if spread is not None and precision is not Precision.FLOAT:
            limits = made.result.encodings.of(output, precision).range
        rule = RULES[operator.kind]
        weights = None if rule.weights is None else operator.input(rule.weights).constant
        return OperatorRecord(
            index=operator.index,
            name=operator.kind.upper(),
            layer=layer_of(operator, self._layers),
            output=output.name,
            precision=precision,
            macs=macs(operator),
            sensitivity_db=alone.get(operator),
            cumulative_db=reached.get(output),
            range=limits,
            observed=None if spread is None else (spread.low, spread.high),
            clipped=_clipped(spread, limits),
            channel_ratio=None if weights is None else channel_ratio(weights, rule.axis),
        )

    def _advice(
        self, made: _Made, records: list[tuple[Operator, OperatorRecord]], judge: Judge
    ) -> tuple[Advice, ...]:
        search = self._protection(made.observation, made.decision, judge)
        before = judge.score(made.result).sqnr_db
        where = sites(self._graph, made.decision.precisions)

        def gain(operator: Operator) -> tuple[list[str], float] | None:
            """Protecting what the operator writes takes all that touch it."""
            site = next((s for s in where if operator.output in s.tensors), None)
            if site is None:
                return None
            more = made.protected.union(site.operators)
            decision = search.decided(more)
            simulated = dataclasses.replace(decision, simulated=True)
            after = judge.score(quantized(self._graph, made.observation, simulated)).sqnr_db
            return [f"#{op.index}" for op in site.operators], after - before

        spreads = {
            op: made.observation.spreads[op.output]
            for op, _ in records
            if op.output in made.observation.spreads
        }
        return advising.advice(records, spreads, made.decision.method, gain)


def _clipped(spread: Spread | None, limits: tuple[float, float] | None) -> float:
    """The share of values beyond the range by more than a step of int8."""
    if spread is None or limits is None:
        return 0.0
    step = (limits[1] - limits[0]) / 255
    return spread.beyond(limits[0] - step, limits[1] + step)


def _check_matches(graph: Graph, calibration: Dataset) -> None:
    inputs = calibration.inputs
    if len(inputs) != len(graph.inputs):
        raise CalibrationError(
            f"{calibration.name} has {len(inputs)} arrays, {graph.name} has "
            f"{len(graph.inputs)} inputs",
            hint="give one array for each input, in the model's order",
        )
    for values, tensor in zip(inputs, graph.inputs, strict=True):
        if not len(values) or values[0].size != tensor.elements:
            raise CalibrationError(
                f"{calibration.name} has samples of shape {list(values.shape[1:])}, input "
                f"{tensor.name!r} of {graph.name} takes {list(tensor.shape[1:])}",
                hint="give at least one sample, each of the input's shape",
            )


def _spread(total: int, count: int) -> Array:
    """Indices of `count` of `total` samples, evenly spaced."""
    return np.arange(total) if count >= total else np.arange(count) * total // count
