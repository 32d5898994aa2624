"""ONNX to TFLite, without any package of ONNX: which operators, and the same answers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from support.onnx_sketch import Sketch

from edgekit.conversion.onnx_graph import Lowered, Source, lower
from edgekit.conversion.onnx_graph.proof import prove
from edgekit.errors import ConversionError, ModelError
from edgekit.frontends import tflite
from edgekit.progress import silent


def _proven(source: Source) -> tuple[Lowered, list[str]]:
    """The lowered model, which answers as the sketch does, and the kinds of its operators."""
    lowered = lower(source, "ONNX model a.onnx")
    assert prove(source, lowered, "ONNX model a.onnx", silent) < 1e-5
    return lowered, [op.kind for op in tflite.read(lowered.content, "a").operators]


def test_flatten_before_a_dense_layer_costs_nothing():
    s = Sketch((1, 3, 8, 6))
    x = s.conv("x0", 4, 3, 3, pads=[1] * 4)
    x = s.node("Relu", x)
    x = s.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], pads=[0] * 4)
    x = s.dense(s.node("Flatten", x), 5)
    lowered, kinds = _proven(s.source(s.node("Softmax", x, axis=1)))
    assert kinds == ["conv_2d", "max_pool_2d", "fully_connected", "softmax"]
    (image,) = tflite.read(lowered.content, "a").inputs
    assert image.shape == (1, 8, 6, 3)
    assert lowered.input_orders == ((0, 2, 3, 1),)


def test_a_layer_is_named_for_what_it_took_in():
    s = Sketch((1, 3, 6, 6))
    x = s.node("Relu", s.conv("x0", 4, 3, 3))
    lowered, _ = _proven(s.source(x))
    assert lowered.layers == {"relu1": "layer0"}


def test_depthwise_separable_with_batch_norm():
    s = Sketch((1, 1, 10, 6))
    x = s.conv("x0", 8, 3, 3, strides=[2, 2], pads=[1] * 4)
    x = s.conv(x, 8, 3, 3, group=8, pads=[1] * 4)
    positive = s.constant(np.linspace(0.5, 2, 8, dtype=np.float32))
    x = s.node("BatchNormalization", x, *(s.random(8) for _ in range(3)), positive)
    x = s.conv(s.node("Relu", x), 6, 1, 1)
    x = s.node("ReduceMean", x, s.constant([2, 3]), keepdims=0)
    _, kinds = _proven(s.source(s.dense(x, 3)))
    assert kinds == ["pad", "conv_2d", "depthwise_conv_2d", "conv_2d", "mean", "fully_connected"]


def test_residual_and_pooled():
    s = Sketch((1, 4, 5, 5))
    shortcut = s.node("Clip", s.conv("x0", 6, 1, 1), min=0.0, max=6.0)
    x = s.node("Add", shortcut, s.conv(shortcut, 6, 3, 3, pads=[1] * 4))
    x = s.node("Flatten", s.node("GlobalAveragePool", s.node("Relu", x)))
    _, kinds = _proven(s.source(s.dense(x, 3)))
    assert kinds == ["conv_2d", "conv_2d", "add", "mean", "fully_connected"]


def test_squeeze_and_excite_with_hard_swish_in_pieces():
    s = Sketch((1, 3, 6, 6))
    x = s.conv("x0", 8, 3, 3)
    limited = s.node("Clip", s.node("Add", x, s.constant(np.float32(3))), min=0.0, max=6.0)
    x = s.node("Div", s.node("Mul", x, limited), s.constant(np.float32(6)))
    gate = s.node("Relu", s.conv(s.node("GlobalAveragePool", x), 4, 1, 1))
    gate = s.node("HardSigmoid", s.conv(gate, 8, 1, 1), alpha=1 / 6, beta=0.5)
    _, kinds = _proven(s.source(s.node("Mul", x, gate)))
    assert kinds == ["conv_2d", "hard_swish", "mean", "conv_2d", "conv_2d", "mul", "mul"]


def test_a_signal_stays_without_transposes():
    s = Sketch((1, 6, 24))
    x = s.node("Relu", s.conv("x0", 8, 5, pads=[2, 2]))
    x = s.node("MaxPool", x, kernel_shape=[2], strides=[2], pads=[0, 0])
    left = s.node("Split", x, outputs=2, axis=1)
    x = s.node("Mul", s.node("Tanh", left), f"{left}'")
    x = s.conv(x, 4, 3, group=4, pads=[1, 1])
    lowered, kinds = _proven(s.source(s.dense(s.node("Flatten", x), 3)))
    assert kinds[:3] == ["reshape", "conv_2d", "max_pool_2d"]
    assert set(kinds[3:]) == {
        "strided_slice",
        "tanh",
        "mul",
        "depthwise_conv_2d",
        "fully_connected",
    }
    (signal,) = tflite.read(lowered.content, "a").inputs
    assert signal.shape == (1, 24, 6)


def test_a_model_that_is_channels_last_stays_so():
    s = Sketch((1, 6, 5, 3))
    x = s.node("Transpose", "x0", perm=[0, 3, 1, 2])
    x = s.node("Transpose", s.conv(x, 4, 3, 3), perm=[0, 2, 3, 1])
    x = s.dense(s.node("Reshape", x, s.constant([1, -1])), 2)
    lowered, kinds = _proven(s.source(x))
    assert kinds == ["conv_2d", "fully_connected"]
    assert lowered.input_orders == ((0, 1, 2, 3),)


def test_shuffled_channels_cost_one_transpose():
    s = Sketch((1, 4, 5, 6))
    x = s.conv("x0", 8, 1, 1)
    x = s.node("Reshape", x, s.constant([1, 2, 4, 5, 6]))
    x = s.node("Transpose", x, perm=[0, 2, 1, 3, 4])
    x = s.conv(s.node("Reshape", x, s.constant([1, 8, 5, 6])), 3, 3, 3)
    _, kinds = _proven(s.source(x))
    assert kinds == ["conv_2d", "reshape", "transpose", "reshape", "conv_2d"]


def test_flattened_branches_are_joined_in_onnx_order():
    s = Sketch((1, 2, 4, 5), (1, 3))
    x = s.node("Flatten", s.conv("x0", 3, 3, 3))
    lowered, kinds = _proven(s.source(s.node("Concat", x, "x1", axis=1)))
    assert kinds == ["conv_2d", "transpose", "reshape", "concatenation"]
    assert lowered.input_orders == ((0, 2, 3, 1), (0, 1))


def test_images_that_come_out_are_channels_last():
    s = Sketch((1, 3, 6, 5))
    lowered, _ = _proven(s.source(s.conv("x0", 4, 3, 3)))
    (image,) = tflite.read(lowered.content, "a").outputs
    assert (image.shape, lowered.output_orders) == ((1, 4, 3, 4), ((0, 2, 3, 1),))


@pytest.mark.parametrize(("activation", "padding"), [("Relu", "pad"), ("Tanh", "mirror_pad")])
def test_padding_never_wins_a_maximum(activation, padding):
    s = Sketch((1, 3, 6, 6))
    x = s.node(activation, "x0")
    x = s.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    assert _proven(s.source(x))[1][1:] == [padding, "max_pool_2d"]


@pytest.mark.parametrize(
    ("low", "high"), [(-1.0, 0.5), (0.25, np.inf), (-np.inf, -0.1), (0.0, 1.0)]
)
def test_clipping_anywhere(low, high):
    s = Sketch((1, 3, 6, 6))
    x = s.node("Clip", s.conv("x0", 4, 3, 3), min=low, max=high)
    _, kinds = _proven(s.source(x))
    assert set(kinds) <= {"conv_2d", "add", "mul"}


def test_all_that_cannot_be_lowered_is_said_at_once():
    s = Sketch((1, 8))
    x = s.node("Erf", "x0")
    x = s.node("LSTM", s.dense(x, 4))
    x = s.node("Gemm", x, s.random(4, 2), s.random(2), transA=1, transB=0)
    with pytest.raises(ModelError) as error:
        lower(s.source(x), "ONNX model a.onnx")
    assert str(error.value) == (
        "ONNX model a.onnx has 3 operators that no .tflite for microcontrollers can hold: "
        "Erf 'node0' (edgekit knows no TFLite operators for it), "
        "LSTM 'node2' (it keeps state or branches: use convolutions over time, or unroll it), "
        "Gemm 'node3' (its first matrix is transposed)"
    )
    assert error.value.hint


def test_what_is_not_float32_is_refused():
    s = Sketch((1, 8))
    x = s.node("Relu", "x0")
    source = dataclasses.replace(s.source(x), types={"x0": "float32", x: "float16"})
    with pytest.raises(ModelError, match="Relu 'node0' \\(it computes float16, not float32\\)"):
        lower(source, "a")


def test_a_wrong_conversion_is_noticed():
    s = Sketch((1, 3, 4, 4))
    source = s.source(s.dense(s.node("Flatten", s.node("Relu", "x0")), 5))
    wrong = dataclasses.replace(source, answers=tuple(a[..., ::-1] for a in source.answers))
    with pytest.raises(ConversionError, match="was converted wrongly: its output 'gemm2' differs"):
        prove(wrong, lower(source, "a"), "a", silent)


def test_a_diverged_model_is_refused():
    s = Sketch((1, 4))
    source = s.source(s.dense("x0", 3))
    answers = tuple(np.full_like(a, np.nan) for a in source.answers)
    with pytest.raises(ModelError, match="gives NaN or infinity in its output"):
        prove(dataclasses.replace(source, answers=answers), lower(source, "a"), "a", silent)


def test_a_model_that_computes_nothing_is_refused():
    s = Sketch((1, 4, 3))
    source = s.source(s.node("Transpose", "x0", perm=[0, 2, 1]))
    with pytest.raises(ModelError, match="is an input: nothing is computed"):
        lower(source, "a")
