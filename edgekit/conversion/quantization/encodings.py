"""Which scale and zero point every activation has, in each precision that it may be needed in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from edgekit.conversion.quantization.calibrate import Range
from edgekit.conversion.quantization.options import Precision
from edgekit.conversion.quantization.rules import RULES, Gain, Rule, Shares
from edgekit.ir import Array, DType, Graph, Operator, Quantization, Tensor

_DTYPES: Final = {
    Precision.INT8: DType.INT8,
    Precision.INT16X8: DType.INT16,
    Precision.FLOAT: DType.FLOAT32,
}

_LEAST_RANGE: Final = 1e-20  # narrower ones would make products of scales vanish in float32
_ROUNDS: Final = 8  # of widening; each may widen what another operator reads


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a tensor's elements stand for reals; float32 has no quantisation."""

    dtype: DType
    quantization: Quantization | None = None

    @property
    def scale(self) -> float:
        """Of a quantised tensor."""
        assert self.quantization is not None
        return self.quantization.scales[0]

    @property
    def range(self) -> Range:
        """Least and greatest real number that it can hold."""
        assert self.quantization is not None
        zero_point = self.quantization.zero_points[0]
        low, high = self.dtype.min - zero_point, self.dtype.max - zero_point
        return low * self.scale, high * self.scale


FLOAT: Final = Encoding(DType.FLOAT32)


def asymmetric(low: float, high: float) -> Encoding:
    """int8 over low..high; zero is exact."""
    low, high = min(low, 0.0), max(high, 0.0)
    if high - low < _LEAST_RANGE:
        return _encoding(DType.INT8, 1 / 255, -128)  # always zero: any scale will do
    scale = np.float32((high - low) / 255)
    zero_point = int(np.clip(np.round(-128 - low / float(scale)), -128, 127))
    return _encoding(DType.INT8, float(scale), zero_point)


def symmetric16(low: float, high: float) -> Encoding:
    """int16 over the symmetric range that holds low..high; the zero point is 0."""
    magnitude = max(-low, high)
    if magnitude < _LEAST_RANGE:
        return _encoding(DType.INT16, 2.0**-15, 0)
    return _encoding(DType.INT16, magnitude / 32767, 0)


def encode(values: Array, encoding: Encoding) -> Array:
    """Reals as the nearest elements, saturated."""
    quantization = encoding.quantization
    if quantization is None:
        return np.asarray(values, np.float32)
    codes = np.round(values / np.float64(encoding.scale)) + quantization.zero_points[0]
    limits = encoding.dtype.min, encoding.dtype.max
    encoded: Array = np.clip(codes, *limits).astype(encoding.dtype.numpy)
    return encoded


def _encoding(dtype: DType, scale: float, zero_point: int) -> Encoding:
    return Encoding(dtype, Quantization((float(np.float32(scale)),), (zero_point,)))


class Encodings:
    """The encodings of a graph's activations under one assignment of precisions."""

    def __init__(
        self,
        graph: Graph,
        precisions: Mapping[Operator, Precision],
        ranges: Mapping[Precision, Mapping[Tensor, Range]],
        forced: Mapping[Tensor, Encoding],
        *,
        grouping: Mapping[Operator, Precision] | None = None,
        simulated: bool = False,
    ) -> None:
        """Decide them all.

        Args:
            graph: float.
            precisions: of each operator that computes with reals.
            ranges: of each real activation, for INT8 and INT16X8.
            forced: int8 encodings that are given, of inputs.
            grouping: precisions by which tensors share an encoding; None: `precisions`.
            simulated: INT16X8 operators read and write float32 instead.
        """
        self._precisions, self._simulated = precisions, simulated
        grouped = precisions if grouping is None else grouping
        self._classes = {
            precision: _Classes(graph, grouped, precision, ranges[precision], forced)
            for precision in (Precision.INT8, Precision.INT16X8)
        }

    def of(self, tensor: Tensor, precision: Precision) -> Encoding:
        """A real activation's encoding where it is needed in `precision`."""
        if self._simulated and precision is Precision.INT16X8:
            return FLOAT
        return self.integer(tensor, precision)

    def integer(self, tensor: Tensor, precision: Precision) -> Encoding:
        """The same, also where int16 is simulated."""
        if precision is Precision.FLOAT:
            return FLOAT
        return self._classes[precision].encoding(tensor)

    def read(self, operator: Operator, tensor: Tensor) -> Encoding:
        """The encoding in which `operator` reads a real tensor, activation or not weights."""
        precision = self._precisions[operator]
        rule = RULES[operator.kind]
        if rule.shares is Shares.ALL and precision is not Precision.FLOAT:
            return self.of(operator.output, precision)
        if tensor.constant is None:
            return self.of(tensor, precision)
        return self.constant(operator, tensor)

    def constant(self, operator: Operator, tensor: Tensor) -> Encoding:
        """The encoding of a real constant by its own range."""
        assert tensor.constant is not None
        precision, rule = self._precisions[operator], RULES[operator.kind]
        if precision is Precision.FLOAT or (self._simulated and precision is Precision.INT16X8):
            return FLOAT
        low, high = _range_of(tensor.constant)
        position = operator.inputs.index(tensor)
        if precision is Precision.INT8 or position == rule.alpha:
            return asymmetric(low, high)
        return symmetric16(low, high)


def _range_of(values: Array) -> Range:
    return min(0.0, float(values.min())), max(0.0, float(values.max()))


class _Classes:
    """Tensors that must share an encoding are one class: a union-find over the operators."""

    def __init__(
        self,
        graph: Graph,
        precisions: Mapping[Operator, Precision],
        precision: Precision,
        ranges: Mapping[Tensor, Range],
        forced: Mapping[Tensor, Encoding],
    ) -> None:
        self._parents: dict[Tensor, Tensor] = {}
        self._fixed: dict[Tensor, Encoding] = {}
        self._ranges = dict(ranges)
        self._precision = precision
        if precision is Precision.INT8:
            self._fixed.update(forced)
        operators = [op for op in graph.operators if precisions.get(op) is precision]
        for operator in operators:
            self._join(operator, RULES[operator.kind])
        for _ in range(_ROUNDS):
            if not [op for op in operators if self._widen(op, RULES[op.kind])]:
                break

    def encoding(self, tensor: Tensor) -> Encoding:
        """The encoding of the tensor's class."""
        root = self._root(tensor)
        if root in self._fixed:
            return self._fixed[root]
        make = asymmetric if self._precision is Precision.INT8 else symmetric16
        return make(*self._ranges[root])

    def _root(self, tensor: Tensor) -> Tensor:
        while tensor in self._parents:
            tensor = self._parents[tensor]
        return tensor

    def _join(self, operator: Operator, rule: Rule) -> None:
        output = operator.output
        fixed = self._fixed_output(rule)
        if fixed is not None:
            self._fixed[output] = fixed
        elif rule.shares is Shares.FIRST:
            for one in _real(operator.outputs):
                self._unite(one, operator.input(0))
        elif rule.shares is Shares.ALL and output.dtype is DType.FLOAT32:
            self._join_all(operator)

    def _join_all(self, operator: Operator) -> None:
        """Inputs whose encoding is given meet the output's by a QUANTIZE, unless all are alike."""
        sources = [t for t in _real(operator.inputs) if t.constant is None]
        constants = [t for t in _real(operator.inputs) if t.constant is not None]
        given = [self._fixed.get(self._root(t)) for t in sources]
        if not constants and given and given[0] is not None and len(set(given)) == 1:
            self._fixed[operator.output] = given[0]
            return
        for source, encoding in zip(sources, given, strict=True):
            if encoding is None:
                self._unite(operator.output, source)
            else:
                self._include(operator.output, encoding.range)
        for tensor in constants:
            assert tensor.constant is not None
            self._include(operator.output, _range_of(tensor.constant))

    def _fixed_output(self, rule: Rule) -> Encoding | None:
        if self._precision is Precision.INT8:
            return None if rule.fixed is None else _encoding(DType.INT8, *rule.fixed)
        return None if rule.fixed16 is None else _encoding(DType.INT16, rule.fixed16, 0)

    def _unite(self, tensor: Tensor, other: Tensor) -> None:
        root, leaf = self._root(other), self._root(tensor)
        if root is leaf:
            return
        self._parents[leaf] = root
        if leaf in self._ranges:
            self._include(root, self._ranges[leaf])

    def _include(self, tensor: Tensor, values: Range) -> None:
        root = self._root(tensor)
        low, high = self._ranges.get(root, (0.0, 0.0))
        self._ranges[root] = min(low, values[0]), max(high, values[1])

    def _widen(self, operator: Operator, rule: Rule) -> bool:
        """Widen the output's range if its inputs' scales ask for it; True if they did."""
        output = operator.output
        root = self._root(output)
        if root in self._fixed or rule.gain is Gain.NONE or output.dtype is not DType.FLOAT32:
            return False
        least, scale = self._least_scale(operator, rule), self.encoding(output).scale
        if scale >= least:
            return False
        low, high = self._ranges[root]
        wider = least * (255 if self._precision is Precision.INT8 else 32767) * 1.0001
        if high - low < _LEAST_RANGE:
            self._ranges[root] = (0.0, wider)
        else:
            factor = wider / (high - low if self._precision is Precision.INT8 else max(-low, high))
            self._ranges[root] = (low * factor, high * factor)
        return True

    def _least_scale(self, operator: Operator, rule: Rule) -> float:
        scales = [self._scale(operator, rule, i) for i, _ in enumerate(operator.inputs)]
        real = [scale for scale in scales if scale is not None]
        wide = self._precision is Precision.INT16X8
        if not real:
            return 0.0
        if rule.gain is Gain.WEIGHTED:
            return real[0] * (real[1] if len(real) > 1 else 1.0) / 64
        if rule.gain is Gain.PRODUCT:
            return float(np.prod(real[:2])) * (2 if wide else 2**-10)
        if rule.gain is Gain.SUM:
            return max(real) * 2**-13
        if rule.gain is Gain.HARD_SWISH:
            return real[0] / 100
        return real[0] / 64

    def _scale(self, operator: Operator, rule: Rule, position: int) -> float | None:
        """The scale of a real input; of weights, that of their widest channel."""
        tensor = operator.inputs[position]
        if tensor is None or tensor.dtype is not DType.FLOAT32 or position == rule.bias:
            return None
        if tensor.constant is None:
            return self.encoding(tensor).scale
        low, high = _range_of(tensor.constant)
        if position == rule.weights:
            return max(-low, high) / 127
        if self._precision is Precision.INT8 or position == rule.alpha:
            return asymmetric(low, high).scale
        return symmetric16(low, high).scale


def _real(tensors: tuple[Tensor | None, ...]) -> Iterator[Tensor]:
    return (t for t in tensors if t is not None and t.dtype is DType.FLOAT32)
