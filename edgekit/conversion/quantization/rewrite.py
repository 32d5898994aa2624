"""Float graph + a decision for each operator -> quantised graph."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from edgekit.conversion.quantization.calibrate import CHOICES, Range
from edgekit.conversion.quantization.encodings import FLOAT, Encoding, Encodings, encode
from edgekit.conversion.quantization.observe import Observation
from edgekit.conversion.quantization.options import METHODS, InterfaceType, Precision
from edgekit.conversion.quantization.rules import RULES, Shares
from edgekit.conversion.quantization.tflite_graph import Options
from edgekit.conversion.quantization.weights import quantized_weights
from edgekit.ir import Array, DType, Graph, Operator, Quantization, Tensor

_INTERFACES: Mapping[InterfaceType, Precision] = {
    "int8": Precision.INT8,
    "int16": Precision.INT16X8,
    "float32": Precision.FLOAT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """All that determines a quantised graph, beside the float one and what was observed of it."""

    precisions: Mapping[Operator, Precision]  # of each operator that computes with reals
    interface: InterfaceType
    method: str = METHODS[0]
    bias_correction: bool = False
    forced: Mapping[Tensor, Encoding] = field(default_factory=dict)  # of inputs
    #: Precisions by which tensors share encodings: those of the whole model, where one operator of
    #: it is tried alone. None: `precisions`.
    grouping: Mapping[Operator, Precision] | None = None
    rounded: frozenset[Tensor] = frozenset()  # float activations that pass through int8
    #: Compute 16x8 in float, with the weights rounded as they would be. What int16 activations lose
    #: is nothing beside what int8 weights do, and LiteRT's int16 kernels are very slow.
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Quantized:
    """The quantised graph, and what stands in it for each real tensor of the float one."""

    graph: Graph
    tensors: Mapping[Tensor, Tensor]
    encodings: Encodings


def quantized(graph: Graph, observation: Observation, decision: Decision) -> Quantized:
    """Apply a decision: constants are encoded, and borders between encodings get an operator."""
    ranges8 = chosen_ranges(graph, observation, decision.method)
    limits = _limits(graph, int8=False)
    ranges16 = {
        t: _clamped(CHOICES[METHODS[0]](spread.within(*limits[t])), limits[t])
        for t, spread in observation.spreads.items()
    }
    encodings = Encodings(
        graph,
        decision.precisions,
        {Precision.INT8: ranges8, Precision.INT16X8: ranges16},
        decision.forced,
        grouping=decision.grouping,
        simulated=decision.simulated,
    )
    return _Rewrite(graph, observation, decision, encodings).result()


def chosen_ranges(graph: Graph, observation: Observation, method: str) -> dict[Tensor, Range]:
    """The int8 range of every real activation, by one of METHODS."""
    limits = _limits(graph, int8=True)
    choose = CHOICES[method]
    return {
        t: _clamped(choose(spread.within(*limits[t])), limits[t])
        for t, spread in observation.spreads.items()
    }


def _clamped(values: Range, limits: Range) -> Range:
    """A range without what its readers do not tell apart; zero stays in it."""
    return min(0.0, max(values[0], limits[0])), max(0.0, min(values[1], limits[1]))


def _limits(graph: Graph, *, int8: bool) -> dict[Tensor, Range]:
    """Beyond which values all readers of a tensor see the same as at the limit.

    An example: RELU reads nothing below zero, so that its input need not be told apart there.
    """
    everything = (float("-inf"), float("inf"))
    limits = dict.fromkeys(graph.outputs, everything)
    for operator in reversed(graph.operators):
        rule = RULES.get(operator.kind)
        matters = everything if rule is None else rule.matters
        if rule is not None and int8 and rule.int8_matters != everything:
            matters = rule.int8_matters
        if rule is not None and rule.shares is Shares.FIRST and matters == everything:
            matters = _joined([limits.get(t, everything) for t in operator.outputs])
        for tensor in operator.activations:
            limits[tensor] = _joined([limits.get(tensor, matters), matters])
    return {t: limits.get(t, everything) for t in graph.tensors}


def _joined(ranges: list[Range]) -> Range:
    return min(low for low, _ in ranges), max(high for _, high in ranges)


class _Rewrite:
    """Builds the new graph operator by operator."""

    def __init__(
        self, graph: Graph, observation: Observation, decision: Decision, encodings: Encodings
    ) -> None:
        self._graph, self._observation = graph, observation
        self._decision, self._encodings = decision, encodings
        self._operators: list[Operator] = []
        self._tensors: dict[Tensor, Tensor] = {}
        self._converted: dict[tuple[Tensor, Encoding], Tensor] = {}
        self._next_id = graph.next_id

    def result(self) -> Quantized:
        interface = _INTERFACES[self._decision.interface]
        for tensor in self._graph.inputs:
            self._supply(tensor, self._encodings.of(tensor, interface))
        inputs = tuple(self._tensors[t] for t in self._graph.inputs)
        for operator in self._graph.operators:
            self._add(operator)
        outputs = tuple(
            self._read(t, self._encodings.of(t, interface)) if t.dtype is DType.FLOAT32 else t
            for t in self._graph.outputs
        )
        graph = dataclasses.replace(
            self._graph, operators=tuple(self._operators), inputs=inputs, outputs=outputs
        )
        return Quantized(graph, self._tensors, self._encodings)

    def _add(self, operator: Operator) -> None:
        precision = self._decision.precisions.get(operator)
        if precision is None or precision is Precision.FLOAT:
            inputs = [None if t is None else self._read(t, FLOAT) for t in operator.inputs]
        elif RULES[operator.kind].weights is not None:
            inputs = self._weighted_inputs(operator)
        else:
            inputs = [
                None if t is None else self._read(t, self._read_by(operator, t))
                for t in operator.inputs
            ]
        outputs = tuple(self._output(operator, t) for t in operator.outputs)
        index = len(self._operators)
        self._operators.append(
            Operator(
                kind=operator.kind,
                index=index,
                inputs=tuple(inputs),
                outputs=outputs,
                attributes=_general_scales(operator.attributes, precision),
            )
        )
        for tensor in operator.outputs:
            if tensor in self._decision.rounded:
                self._round(tensor)

    def _read_by(self, operator: Operator, tensor: Tensor) -> Encoding:
        if tensor.dtype is not DType.FLOAT32:
            return FLOAT  # not a real: stays as it is
        return self._encodings.read(operator, tensor)

    def _weighted_inputs(self, operator: Operator) -> list[Tensor | None]:
        rule = RULES[operator.kind]
        assert rule.weights is not None and rule.bias is not None
        weights = operator.input(rule.weights)
        data = next(
            i
            for i, t in enumerate(operator.inputs)
            if t is not None and t.dtype is DType.FLOAT32 and i not in (rule.weights, rule.bias)
        )
        source = self._encodings.read(operator, operator.input(data))
        inputs: list[Tensor | None] = [
            None if t is None or i in (rule.weights, rule.bias) else self._read(t, source)
            for i, t in enumerate(operator.inputs)
        ]
        if weights.constant is None:
            inputs[rule.weights] = self._read(weights, self._encodings.read(operator, weights))
            return inputs
        means = self._observation.means.get(operator.input(0))
        precision = self._decision.precisions[operator]
        constants = quantized_weights(
            operator,
            rule,
            self._encodings.integer(operator.input(data), precision),
            self._encodings.integer(operator.output, precision),
            means if self._decision.bias_correction else None,
        )
        if source == FLOAT:
            constants = constants.real()
        inputs[rule.weights] = self._constant(weights, constants.values, constants.quantization)
        if constants.bias is not None:
            bias = operator.input(rule.bias)
            inputs[rule.bias] = self._constant(
                bias, constants.bias.reshape(bias.shape), constants.bias_quantization
            )
        return inputs

    def _output(self, operator: Operator, tensor: Tensor) -> Tensor:
        if tensor.dtype is not DType.FLOAT32:
            self._tensors[tensor] = tensor
            return tensor
        return self._supply(tensor, self._encodings.of(tensor, self._decision.precisions[operator]))

    def _supply(self, tensor: Tensor, encoding: Encoding) -> Tensor:
        new = self._new(tensor.name, tensor, encoding)
        self._tensors[tensor] = new
        return new

    def _round(self, tensor: Tensor) -> None:
        """What reads a float tensor from now on reads it rounded to int8."""
        source = self._tensors[tensor]
        self._tensors[tensor] = self._convert(
            self._convert(source, self._encodings.of(tensor, Precision.INT8), "_rounded"),
            FLOAT,
            "_again",
        )

    def _read(self, tensor: Tensor, encoding: Encoding) -> Tensor:
        """The tensor in an encoding, which may take a QUANTIZE or DEQUANTIZE."""
        if tensor.constant is not None:
            if tensor.dtype is not DType.FLOAT32:
                return tensor
            return self._constant(tensor, encode(tensor.constant, encoding), encoding.quantization)
        if tensor.dtype is not DType.FLOAT32:
            return self._tensors.get(tensor, tensor)
        source = self._tensors[tensor]
        if (source.dtype, source.quantization) == (encoding.dtype, encoding.quantization):
            return source
        if (source, encoding) not in self._converted:
            self._converted[source, encoding] = self._convert(
                source, encoding, f"_{encoding.dtype.value}"
            )
        return self._converted[source, encoding]

    def _convert(self, source: Tensor, encoding: Encoding, suffix: str) -> Tensor:
        target = self._new(source.name + suffix, source, encoding)
        kind = "dequantize" if encoding.dtype is DType.FLOAT32 else "quantize"
        self._operators.append(
            Operator(
                kind=kind,
                index=len(self._operators),
                inputs=(source,),
                outputs=(target,),
                attributes=Options(),
            )
        )
        return target

    def _constant(self, tensor: Tensor, values: Array, quantization: Quantization | None) -> Tensor:
        encoding = Encoding(DType(values.dtype.name), quantization)
        values.setflags(write=False)
        return dataclasses.replace(self._new(tensor.name, tensor, encoding), constant=values)

    def _new(self, name: str, like: Tensor, encoding: Encoding) -> Tensor:
        self._next_id += 1
        return Tensor(
            id=self._next_id,
            name=name,
            shape=like.shape,
            dtype=encoding.dtype,
            quantization=encoding.quantization,
        )


def _general_scales(options: Options, precision: Precision | None) -> Options:
    """ADD and SUB of int16 say that their scales are no powers of two."""
    if precision is Precision.INT16X8 and options.get("potScaleInt16"):
        return options.with_field("potScaleInt16", False)
    return options
