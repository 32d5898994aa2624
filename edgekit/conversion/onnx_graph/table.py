"""How each operator of ONNX is lowered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from edgekit.conversion.onnx_graph import (
    activations,
    arithmetic,
    dense,
    movement,
    reductions,
    windows,
)
from edgekit.conversion.onnx_graph.emitter import Lowering

LOWERINGS: Final[Mapping[str, Lowering]] = {
    "Abs": activations.elementwise("abs"),
    "Add": arithmetic.binary("add"),
    "AveragePool": windows.average_pool,
    "BatchNormalization": arithmetic.batch_normalization,
    "Clip": arithmetic.clip,
    "Concat": movement.concat,
    "Conv": windows.conv,
    "ConvTranspose": windows.conv_transpose,
    "DepthToSpace": movement.depth_to_space,
    "Div": arithmetic.divide,
    "Dropout": movement.identity,
    "Elu": activations.elu,
    "Expand": movement.expand,
    "Flatten": movement.reshape,
    "Gather": movement.gather,
    "Gemm": dense.gemm,
    "GlobalAveragePool": reductions.global_average_pool,
    "GlobalMaxPool": windows.global_max_pool,
    "HardSigmoid": arithmetic.hard_sigmoid,
    "HardSwish": activations.elementwise("hard_swish"),
    "Identity": movement.identity,
    "LeakyRelu": activations.leaky_relu,
    "LogSoftmax": reductions.softmax("log_softmax"),
    "MatMul": dense.matmul,
    "Max": arithmetic.binary("maximum"),
    "MaxPool": windows.max_pool,
    "Min": arithmetic.binary("minimum"),
    "Mul": arithmetic.binary("mul"),
    "Neg": arithmetic.negate,
    "PRelu": activations.prelu,
    "Pad": movement.pad,
    "Pow": arithmetic.power,
    "ReduceMax": reductions.reduce("reduce_max"),
    "ReduceMean": reductions.reduce("mean"),
    "ReduceMin": reductions.reduce("reduce_min"),
    "ReduceSum": reductions.reduce("sum"),
    "Relu": activations.elementwise("relu"),
    "Reshape": movement.reshape,
    "Resize": movement.resize,
    "Sigmoid": activations.elementwise("logistic"),
    "Slice": movement.slice_,
    "Softmax": reductions.softmax("softmax"),
    "SpaceToDepth": movement.space_to_depth,
    "Split": movement.split,
    "Squeeze": movement.reshape,
    "Sub": arithmetic.subtract,
    "Sum": arithmetic.binary("add"),
    "Tanh": activations.elementwise("tanh"),
    "Transpose": movement.transpose,
    "Unsqueeze": movement.reshape,
    "Upsample": movement.resize,
}

#: Why some others have no place here; for the rest it suffices that they are missing.
REASONS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger"),
        "the model is quantised already: give the float model that it was made from",
    ),
    **dict.fromkeys(
        ("LSTM", "GRU", "RNN", "Loop", "If", "Scan"),
        "it keeps state or branches: use convolutions over time, or unroll it",
    ),
}
