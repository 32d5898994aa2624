"""Models that compute in float are refused with the way out; float may go in and come out."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import shared_models
from support.models import graph_of, operator, tensor

from edgekit import pipeline
from edgekit.errors import FloatModelError, UnsupportedOperator, UnsupportedOperatorsError
from edgekit.frontends import tflite, tflite_writer
from edgekit.ir import DType, Graph
from edgekit.ops import NoAttributes
from edgekit.ops.fully_connected import FullyConnectedAttributes
from edgekit.ops.reshape import ReshapeAttributes

F32 = DType.FLOAT32


def float_at_the_edges(inner: DType) -> Graph:
    """QUANTIZE, a dense layer in integers (or, undone, in float32), DEQUANTIZE."""
    source, result = tensor([1, 4], F32), tensor([1, 4], F32)
    scale = None if inner is F32 else 0.5
    before, after = tensor([1, 4], inner, scale=scale), tensor([1, 4], inner, scale=scale)
    weights = tensor([4, 4], scale=0.1, constant=[[1] * 4] * 4)
    return graph_of(
        [
            operator("quantize", [source], [before], NoAttributes()),
            operator(
                "fully_connected", [before, weights, None], [after], FullyConnectedAttributes()
            ),
            operator("dequantize", [after], [result], NoAttributes()),
        ],
        [source],
        [result],
    )


@pytest.mark.parametrize("inner", [DType.INT8, DType.INT16])
def test_float_inputs_and_outputs_are_fine(inner: DType) -> None:
    tflite.refuse_float(float_at_the_edges(inner))


def test_the_first_float_operator_is_named() -> None:
    with pytest.raises(FloatModelError, match=r"1 of 3 operators.*#1 FULLY_CONNECTED") as caught:
        tflite.refuse_float(float_at_the_edges(F32))
    assert "edgekit convert" in str(caught.value.hint)


def test_a_float_model_is_read_and_then_refused() -> None:
    source, result = tensor([1, 4], F32), tensor([1, 2], F32)
    weights = tensor([2, 4], F32, constant=[[0.5] * 4] * 2)
    layer = operator("fully_connected", [source, weights], [result], FullyConnectedAttributes())
    graph = tflite.read(tflite_writer.write(graph_of([layer], [source], [result])))
    with pytest.raises(FloatModelError, match="1 of 1 operators"):
        tflite.refuse_float(graph)


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_an_operator_left_in_float_is_refused_with_all_others(dtype: DType, tmp_path: Path) -> None:
    source, inner, result = (tensor([1, 4], dtype, scale=0.5) for _ in range(3))
    before, after = tensor([1, 4], F32), tensor([1, 4], F32)
    graph = graph_of(
        [
            operator("dequantize", [source], [before], NoAttributes()),
            operator("tanh", [before], [after], NoAttributes()),
            operator("quantize", [after], [inner], NoAttributes()),
            operator("reshape", [inner], [result], ReshapeAttributes()),
        ],
        [source],
        [result],
    )
    path = tmp_path / "mixed.tflite"
    path.write_bytes(tflite_writer.write(graph))
    with pytest.raises(UnsupportedOperatorsError, match=r"1 operator .*\n  #1 TANH") as caught:
        pipeline.compile(path)
    assert "float32" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("dtype", "way_out"),
    [("int16", "keep int16 for operators"), ("uint8", "convert the model with int8 activations")],
)
def test_the_way_out_depends_on_the_type(dtype: str, way_out: str) -> None:
    error = UnsupportedOperatorsError("m", [UnsupportedOperator(3, "ELU", dtype, "no kernel")])
    assert str(error.hint).startswith(way_out)
    assert "TFLITE_BUILTINS_INT8" in str(error.hint)


@pytest.mark.parametrize("name", ["kws01_float32", "ic01_float32"])
def test_real_float_models_are_refused(name: str) -> None:
    graph = tflite.read(shared_models.path(name))
    with pytest.raises(FloatModelError, match=f"{name}: .*#0 CONV_2D"):
        tflite.refuse_float(graph)
