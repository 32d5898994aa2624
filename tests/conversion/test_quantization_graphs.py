"""Graphs that are unusual, each quantised and held against the float one in TFLite Micro."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from support.float_sketch import FloatSketch, dataset

from edgekit.conversion.quantization import Precision, QuantizationOptions, quantize, tflite_graph
from edgekit.conversion.quantization.execution import Execution, decoded
from edgekit.conversion.quantization.judge import decibels
from edgekit.conversion.quantization.prepare import prepare
from edgekit.errors import UserError
from edgekit.ir import Array, DType, Graph, Tensor
from edgekit.reference.oracle import Oracle

BOTH = [Precision.INT8, Precision.INT16X8]
HAS_ORACLE = Oracle.available()


@pytest.fixture(scope="module")
def oracle():
    with Oracle() as running:
        yield running


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def compared(
    model: Any, inputs: Sequence[Array], oracle: Oracle, options: QuantizationOptions
) -> tuple[Graph, list[float]]:
    """The quantised graph, and the decibels of each output in TFLite Micro."""
    made = quantize(model, dataset(*inputs), options)
    real = prepare(tflite_graph.read(model.content, model.name))
    expected = Execution(real, real.outputs).collect(inputs)
    graph = tflite_graph.read(made.content, model.name)
    if not HAS_ORACLE:
        got = Execution(graph, graph.outputs).collect(inputs)
    else:
        codes = [_codes(v, t) for v, t in zip(inputs, graph.inputs, strict=True)]
        rows = oracle.run(made.content, list(zip(*codes, strict=True)))
        got = [np.stack([decoded(row[i], t) for row in rows]) for i, t in enumerate(graph.outputs)]
    return graph, [
        decibels(_energy(e), _energy(g.reshape(e.shape) - e))
        for e, g in zip(expected, got, strict=True)
    ]


def _codes(values: Array, tensor: Tensor) -> list[Array]:
    shaped = values.reshape(len(values), *tensor.shape)
    if tensor.quantization is None:
        return list(shaped.astype(np.float32))
    codes = np.round(shaped / np.float32(tensor.scale)) + tensor.zero_point
    return list(np.clip(codes, tensor.dtype.min, tensor.dtype.max).astype(tensor.dtype.numpy))


def _energy(values: Array) -> float:
    return float(np.square(values, dtype=np.float64).sum())


def asked(precision: Precision, **more: Any) -> QuantizationOptions:
    return QuantizationOptions(precision=precision, **more)


def dense(s: FloatSketch, x: Tensor, weights: Any, bias: Any = None, name: str = "") -> Tensor:
    constants = [s.constant(weights), *([] if bias is None else [s.constant(bias)])]
    return s.op("fully_connected", [x, *constants], (1, len(weights)), name=name)


@pytest.mark.parametrize("precision", BOTH)
def test_several_inputs_and_outputs_one_of_them_read_inside(precision, oracle, rng):
    s = FloatSketch("two")
    a, b = s.input(1, 4, 4, 3), s.input(1, 4, 4, 3)
    total = s.op("add", [a, b], (1, 4, 4, 3), name="total")
    shown = s.op("tanh", [total], (1, 4, 4, 3), name="shown")
    scaled = s.op("mul", [shown, s.constant(0.37)], (1, 4, 4, 3), name="scaled")
    inputs = [rng.normal(size=(40, 4, 4, 3)), 20 * rng.normal(size=(40, 4, 4, 3))]
    _, ratios = compared(s.model(shown, scaled, total), inputs, oracle, asked(precision))
    assert min(ratios) > 25


def test_an_input_that_is_an_output(oracle, rng):
    s = FloatSketch("through")
    x = s.input(1, 4)
    y = s.op("logistic", [x], (1, 4))
    graph, ratios = compared(
        s.model(x, y), [rng.normal(size=(40, 4))], oracle, asked(Precision.INT8)
    )
    assert graph.outputs[0] is graph.inputs[0]
    assert min(ratios) > 25


@pytest.mark.parametrize("precision", BOTH)
def test_dead_and_nearly_dead_channels(precision, oracle, rng):
    """Scales are never zero, shifts never overflow, and biases keep their worth."""
    weights = rng.normal(size=(6, 8))
    weights[0] = 0
    weights[1] *= 1e-9
    weights[2] *= 1e-35
    s = FloatSketch("dead")
    x = dense(s, s.input(1, 8), weights, [0.3, -0.7, 5.0, 0.0, 1.0, -1.0])
    graph, ratios = compared(s.model(x), [rng.normal(size=(40, 8))], oracle, asked(precision))
    assert min(ratios) > 28
    (layer,) = (op for op in graph.operators if op.kind == "fully_connected")
    quantization = layer.input(1).quantization
    assert quantization is not None
    assert min(quantization.scales) > 0
    assert np.isfinite(quantization.scales).all()


@pytest.mark.parametrize("precision", BOTH)
def test_a_bias_far_beyond_the_weights(precision, oracle, rng):
    s = FloatSketch("biased")
    x = dense(s, s.input(1, 8), 1e-6 * rng.normal(size=(3, 8)), [1000.0, -2000.0, 10.0])
    _, ratios = compared(s.model(x), [1e-3 * rng.normal(size=(40, 8))], oracle, asked(precision))
    assert min(ratios) > 30


@pytest.mark.parametrize("precision", BOTH)
def test_a_tensor_that_is_always_zero(precision, oracle, rng):
    s = FloatSketch("nought")
    x = s.input(1, 8)
    dead = dense(s, x, rng.normal(size=(4, 8)), [-1e3] * 4)
    dead = s.op("relu", [dead], (1, 4))
    live = dense(s, x, rng.normal(size=(4, 8)))
    x = s.op("add", [dead, live], (1, 4))
    _, ratios = compared(s.model(x), [rng.normal(size=(40, 8))], oracle, asked(precision))
    assert min(ratios) > 28


@pytest.mark.parametrize("precision", BOTH)
def test_constants_that_nothing_varies(precision, oracle):
    """All samples alike: the ranges are single points, and hold zero all the same."""
    s = FloatSketch("still")
    x = s.op("add", [s.input(1, 3), s.constant([5.0, 6.0, 7.0])], (1, 3))
    _, ratios = compared(s.model(x), [np.full((20, 3), 2.5)], oracle, asked(precision))
    assert min(ratios) > 40


@pytest.mark.parametrize("precision", BOTH)
def test_ranges_that_do_not_hold_zero(precision, oracle, rng):
    s = FloatSketch("above")
    x = s.input(1, 4)
    x = s.op("mul", [x, s.constant(-3.0)], (1, 4))
    _, ratios = compared(s.model(x), [100 + rng.normal(size=(40, 4))], oracle, asked(precision))
    assert min(ratios) > 38


@pytest.mark.parametrize("precision", BOTH)
@pytest.mark.parametrize("kind", ["add", "sub", "mul"])
def test_a_result_far_smaller_than_its_terms(kind, precision, oracle, rng):
    """Multipliers of TFLite Micro's kernels stay in their range: it takes the model."""
    s = FloatSketch("small")
    x, y = s.input(1, 4), s.input(1, 4)
    x = s.op(kind, [x, y], (1, 4))
    big = 1e4 * rng.normal(size=(40, 4))
    near = {"add": -big, "sub": big, "mul": np.full_like(big, 1e-9)}[kind]
    near = near + 1e-6 * rng.normal(size=big.shape)
    graph, _ = compared(s.model(x), [big, near], oracle, asked(precision))
    assert graph.outputs[0].scale > 0


@pytest.mark.parametrize("precision", BOTH)
def test_one_constant_serves_two_operators(precision, oracle, rng):
    """As weights it has a scale for each channel, as a term one for all, as biases many."""
    s = FloatSketch("shared")
    square = s.constant(rng.normal(size=(4, 4)), name="square")
    bias = s.constant(rng.normal(size=4), name="bias")
    x = s.input(1, 4)
    a = s.op("fully_connected", [x, square, bias], (1, 4))
    b = s.op("fully_connected", [a, square, bias], (1, 4))
    c = s.op("add", [b, bias], (1, 4))
    d = s.op("batch_matmul", [c, square], (1, 4))
    _, ratios = compared(s.model(d), [rng.normal(size=(60, 4))], oracle, asked(precision))
    assert min(ratios) > 25


@pytest.mark.parametrize("precision", BOTH)
def test_shapes_that_are_computed_are_folded(precision, oracle, rng):
    s = FloatSketch("shapes")
    x = s.input(1, 4, 6)
    shape = s.op("shape", [x], (3,), dtype=DType.INT32, outType=2)
    slices = [s.integers(0), s.integers(1), s.integers(1)]
    batch = s.op("strided_slice", [shape, *slices], (), dtype=DType.INT32, shrinkAxisMask=1)
    rest = s.constant(24, DType.INT32)
    target = s.op("pack", [batch, rest], (2,), dtype=DType.INT32, valuesCount=2)
    y = s.op("reshape", [x, target], (1, 24))
    half = s.op("mul", [s.constant(np.full(24, 0.5)), s.constant(3.0)], (24,))
    y = s.op("mul", [y, half], (1, 24))
    graph, ratios = compared(s.model(y), [rng.normal(size=(40, 4, 6))], oracle, asked(precision))
    assert [op.kind for op in graph.operators] == ["reshape", "mul"]
    assert min(ratios) > 30


def test_weights_that_were_stored_as_float16_or_int8_become_int8(oracle, rng):
    """Constants behind DEQUANTIZE, as converters leave them."""
    s = FloatSketch("stored")
    values = rng.normal(size=(4, 8)).astype(np.float32)
    weights = s.op("dequantize", [s.constant(values)], (4, 8))
    x = s.op("fully_connected", [s.input(1, 8), weights], (1, 4))
    graph, ratios = compared(s.model(x), [rng.normal(size=(40, 8))], oracle, asked(Precision.INT8))
    assert [op.kind for op in graph.operators] == ["fully_connected"]
    assert min(ratios) > 30


@pytest.mark.parametrize("kind", ["relu", "relu6"])
def test_a_clamp_of_a_shared_tensor_stays_an_operator(kind, oracle, rng):
    s = FloatSketch("clamped")
    x = s.input(1, 8)
    x = dense(s, x, 4 * rng.normal(size=(8, 8)))
    y = s.op(kind, [x], (1, 8))
    z = s.op("add", [x, y], (1, 8))
    graph, ratios = compared(s.model(z), [rng.normal(size=(60, 8))], oracle, asked(Precision.INT8))
    assert kind in [op.kind for op in graph.operators]
    assert min(ratios) > 25


def test_values_that_no_reader_tells_apart_take_no_range(oracle, rng):
    """HARD_SWISH gives 0 below -3: its input needs no steps there."""
    s = FloatSketch("bent")
    x = dense(s, s.input(1, 8), 10 * rng.normal(size=(8, 8)))
    y = s.op("hard_swish", [x], (1, 8))
    graph, ratios = compared(
        s.model(y), [rng.normal(size=(60, 8))], oracle, asked(Precision.INT8, method="min-max")
    )
    source = graph.operators[1].input(0)
    assert (source.dtype.min - source.zero_point) * source.scale > -3.6
    assert min(ratios) > 28


@pytest.mark.parametrize("precision", BOTH)
def test_squeeze_and_excitation(precision, oracle, rng):
    s = FloatSketch("excited")
    x = s.input(1, 6, 6, 4)
    squeezed = s.op("mean", [x, s.integers(1, 2)], (1, 1, 1, 4), keepDims=True)
    gate = s.op(
        "conv_2d",
        [squeezed, s.constant(rng.normal(size=(4, 1, 1, 4))), s.constant(rng.normal(size=4))],
        (1, 1, 1, 4),
        strideW=1,
        strideH=1,
    )
    gate = s.op("add", [gate, s.constant(3.0)], (1, 1, 1, 4))
    gate = s.op("relu6", [gate], (1, 1, 1, 4))
    gate = s.op("mul", [gate, s.constant(1 / 6)], (1, 1, 1, 4))
    y = s.op("mul", [x, gate], (1, 6, 6, 4))
    graph, ratios = compared(
        s.model(y), [1 + rng.normal(size=(60, 6, 6, 4))], oracle, asked(precision)
    )
    assert "relu6" not in [op.kind for op in graph.operators]  # it is the ADD's own clamp now
    assert min(ratios) > 25


@pytest.mark.parametrize("precision", BOTH)
def test_what_has_a_fixed_scale_meets_others_in_a_concatenation(precision, oracle, rng):
    s = FloatSketch("joined")
    x = s.input(1, 4)
    parts = [s.op("logistic", [x], (1, 4)), x, s.constant([[9.0, -9.0, 0.0, 1.0]])]
    y = s.op("concatenation", parts, (1, 12), axis=1)
    graph, ratios = compared(s.model(y), [rng.normal(size=(60, 4))], oracle, asked(precision))
    kinds = [op.kind for op in graph.operators]
    assert kinds == ["logistic", "quantize", "concatenation"]
    assert min(ratios) > 28


def test_two_alike_with_a_fixed_scale_are_joined_as_they_are(oracle, rng):
    s = FloatSketch("alike")
    x = s.input(1, 4)
    parts = [s.op("logistic", [x], (1, 4)), s.op("softmax", [x], (1, 4), beta=1.0)]
    y = s.op("concatenation", parts, (1, 8), axis=1)
    graph, _ = compared(s.model(y), [rng.normal(size=(60, 4))], oracle, asked(Precision.INT8))
    assert [op.kind for op in graph.operators] == ["logistic", "softmax", "concatenation"]


def test_a_border_between_precisions_has_one_operator_for_all_its_readers(oracle, rng):
    s = FloatSketch("border")
    x = dense(s, s.input(1, 8), rng.normal(size=(8, 8)), name="first")
    a = s.op("logistic", [x], (1, 8), name="left")
    b = s.op("tanh", [x], (1, 8), name="right")
    options = asked(Precision.INT8, protect=("left", "right"))
    graph, ratios = compared(s.model(a, b), [rng.normal(size=(60, 8))], oracle, options)
    # one to int16 behind the layer, one back for each output
    assert [op.kind for op in graph.operators].count("quantize") == 3
    assert min(ratios) > 25


@pytest.mark.parametrize("precision", BOTH)
def test_a_convolution_over_time_keeps_its_views(precision, oracle, rng):
    s = FloatSketch("time")
    x = s.input(1, 20, 3)
    x = s.op("expand_dims", [x, s.constant(1, DType.INT32)], (1, 1, 20, 3))
    x = s.op("pad", [x, s.constant([[0, 0], [0, 0], [2, 2], [0, 0]], DType.INT32)], (1, 1, 24, 3))
    weights = [s.constant(rng.normal(size=(5, 1, 5, 3))), s.constant(rng.normal(size=5))]
    x = s.op("conv_2d", [x, *weights], (1, 1, 20, 5), padding=1, strideW=1, strideH=1)
    x = s.op("reshape", [x, s.integers(1, 20, 5)], (1, 20, 5))
    x = s.op("mean", [x, s.integers(1)], (1, 5))
    graph, ratios = compared(s.model(x), [rng.normal(size=(60, 20, 3))], oracle, asked(precision))
    kinds = [op.kind for op in graph.operators]
    assert kinds == ["expand_dims", "pad", "conv_2d", "reshape", "mean"]
    assert min(ratios) > 25


def test_one_given_quantisation_does_not_serve_two_inputs(rng):
    s = FloatSketch("two")
    x = s.op("add", [s.input(1, 4), s.input(1, 4)], (1, 4))
    options = QuantizationOptions(quantized_as=(0.1, 3))
    samples = rng.normal(size=(20, 4))
    with pytest.raises(UserError, match="2 inputs"):
        quantize(s.model(x), dataset(samples, samples), options)


def test_a_given_quantisation_goes_through_what_only_moves_values(oracle, rng):
    s = FloatSketch("moved")
    x = s.op("reshape", [s.input(1, 2, 4), s.integers(1, 8)], (1, 8))
    x = dense(s, x, rng.normal(size=(3, 8)))
    options = asked(Precision.INT8, quantized_as=(0.05, 3))
    graph, ratios = compared(s.model(x), [rng.normal(size=(60, 2, 4))], oracle, options)
    moved = graph.operators[0].output
    assert (moved.zero_point, moved.scale) == (3, float(np.float32(0.05)))
    assert min(ratios) > 25
