"""What is written is read again as it was, and TFLite Micro takes it."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import models, shared_models
from support.dense import dense_graph, dense_graphs

from edgekit import ops
from edgekit.errors import ModelError
from edgekit.frontends import schema, tflite, tflite_writer
from edgekit.frontends.flatbuffer import FlatBuffer
from edgekit.ir import Array, DType, Graph, Tensor, to_text


def again(graph: Graph) -> Graph:
    return tflite.read(tflite_writer.write(graph), graph.name)


def assert_equal(graph: Graph, other: Graph) -> None:
    assert to_text(other) == to_text(graph)
    for a, b in zip(graph.tensors, other.tensors, strict=True):
        assert (a.name, a.quantization) == (b.name, b.quantization)
        assert a.constant is None or np.array_equal(a.constant, b.constant)
    for op, same in zip(graph.operators, other.operators, strict=True):
        assert op.attributes == same.attributes


WIRES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "int8": st.integers(-128, 127),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "float32": st.floats(width=32, allow_nan=False),
    "[int32]": st.lists(st.integers(-(2**31), 2**31 - 1), max_size=5).map(tuple),
}


@st.composite
def attributes(draw: st.DrawFn, definition: ops.Definition[Any]) -> Any:
    """Any attributes that a .tflite can hold, sensible or not."""
    drawn = {}
    for field in dataclasses.fields(definition.attributes):
        if "slot" in field.metadata:
            if isinstance(field.default, enum.Enum):
                drawn[field.name] = draw(st.sampled_from(type(field.default)))
            else:
                drawn[field.name] = draw(WIRES[field.metadata["wire"]])
    return definition.attributes(**drawn)


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    """Any tensor: of every type, quantised in every way, constant or not."""
    shape = draw(models.shapes(min_rank=0, max_rank=6, max_size=4))
    dtype = draw(st.sampled_from(DType))
    scale: Any = draw(st.none() | models.scales())
    zero_point, axis = 0, 0
    if scale is not None and dtype not in (DType.FLOAT32, DType.BOOL):
        zero_point = draw(models.zero_points(dtype)) if dtype.size_bytes < 8 else 0
        if shape and draw(st.booleans()):
            axis = draw(st.integers(0, len(shape) - 1))
            scale = draw(models.channel_scales(shape[axis]))
            axis = axis if len(scale) > 1 else 0
    value: Array | None = None
    if draw(st.booleans()):
        value = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 2, shape)
    return models.tensor(
        shape, dtype, scale=scale, zero_point=zero_point, axis=axis, constant=value,
        name=draw(st.text(max_size=8)),
    )  # fmt: skip


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Operators of every kind one after the other, with tensors that need not fit them."""
    known = st.lists(tensors(), min_size=1, max_size=5).filter(
        lambda drawn: any(t.constant is None for t in drawn)
    )
    available = draw(known)
    inputs = [t for t in available if t.constant is None]
    operators, results = [], []
    for definition in draw(st.lists(st.sampled_from(ops.OPERATORS), min_size=1, max_size=4)):
        sources = draw(st.lists(st.sampled_from([None, *available]), min_size=1, max_size=4))
        output = dataclasses.replace(draw(tensors()), constant=None)
        drawn = draw(attributes(definition))
        operators.append(models.operator(definition.stem, sources, [output], drawn))
        available.append(output)
        results.append(output)
    return models.graph_of(operators, inputs, results[-1:], "any")


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_any_graph_is_read_as_it_was_written(graph: Graph) -> None:
    assert_equal(graph, again(graph))


@settings(max_examples=50, deadline=None)
@given(dense_graphs())
def test_the_same_graph_gives_the_same_bytes(graph: Graph) -> None:
    content = tflite_writer.write(graph)
    assert tflite_writer.write(graph) == content
    assert tflite_writer.write(tflite.read(content)) == content


@pytest.mark.parametrize("name", ["ad01_int8", "kws01_int8", "vww01_int8", "kws01_float32"])
def test_real_models_survive_a_round_trip(name: str) -> None:
    graph = tflite.read(shared_models.path(name))
    if not all(map(ops.is_known, graph.operators)):
        pytest.skip("the options of operators that edgekit does not know are not kept")
    rewritten = again(graph)
    assert len(rewritten.operators) == len(graph.operators)
    for op, same in zip(graph.operators, rewritten.operators, strict=True):
        assert (op.kind, op.attributes) == (same.kind, same.attributes)
        assert [t and t.shape for t in op.inputs] == [t and t.shape for t in same.inputs]


def test_tensors_are_numbered_anew_where_ids_have_gaps() -> None:
    graph = dense_graph()
    spread = graph.with_tensors_replaced(
        {t: dataclasses.replace(t, id=10 * t.id + 3) for t in graph.tensors}
    )
    assert_equal(graph, again(spread))


def test_constants_are_aligned_to_16_bytes() -> None:
    content = tflite_writer.write(dense_graph(size=5, layers=3))
    buffers = FlatBuffer(content).root("model").tables(schema.Model.BUFFERS, "buffer")
    starts = [buffer.extent(schema.Buffer.DATA, "content", 1) for buffer in buffers]
    assert starts[0] is None
    assert [start[0] % 16 for start in starts[1:] if start] == [0] * 6


def test_equal_constants_are_written_once() -> None:
    value = np.arange(600, dtype=np.int32)
    alike = [models.constant(value, DType.INT32) for _ in range(2)]
    output = models.tensor([600], DType.INT32)
    maximum = models.operator("maximum", alike, [output], ops.NoAttributes())
    content = tflite_writer.write(models.graph_of([maximum], [], [output]))
    assert content.count(value.tobytes()) == 1
    buffers = FlatBuffer(content).root("model").tables(schema.Model.BUFFERS, "buffer")
    assert len(buffers) == 2


def test_operators_without_a_definition_are_written_by_name() -> None:
    source, middle, result = (models.tensor([2], scale=1.0) for _ in range(3))
    first = models.operator("transpose_conv", [source], [middle], ops.NoAttributes())
    second = models.operator("custom:mine", [middle, None], [result], ops.NoAttributes())
    graph = again(models.graph_of([first, second], [source], [result]))
    assert [op.kind for op in graph.operators] == ["transpose_conv", "custom:mine"]
    with pytest.raises(ModelError, match=r"#0 transpose_conv.*options were not kept"):
        tflite_writer.write(graph)


def test_what_tflite_has_no_form_for_is_not_written() -> None:
    graph = dense_graph()
    (layer,) = graph.operators
    clamped = dataclasses.replace(layer.attributes, clamp=(-5, 5))
    for spoiled, message in (
        (dataclasses.replace(layer, attributes=clamped), r"no attribute clamp \(\(-5, 5\)\)"),
        (dataclasses.replace(layer, attributes=None), "attributes are a NoneType"),
        (
            dataclasses.replace(layer, kind="fused", attributes=ops.NoAttributes()),
            "no operator of that name",
        ),
    ):
        with pytest.raises(ModelError, match=message):
            tflite_writer.write(graph.with_operators([spoiled]))


def test_metadata_is_written() -> None:
    graph = dense_graph()
    content = tflite_writer.write(graph, {"OfflineMemoryAllocation": b"\1\0\0\0"})
    assert_equal(graph, tflite.read(content, graph.name))
    model = FlatBuffer(content).root("model")
    (entry,) = model.tables(schema.Model.METADATA, "entry")
    assert entry.string(schema.Metadata.NAME, "name") == "OfflineMemoryAllocation"
    buffers = model.tables(schema.Model.BUFFERS, "buffer")
    index = entry.scalar(schema.Metadata.BUFFER, "uint32", 0)
    start, count = buffers[index].extent(schema.Buffer.DATA, "content", 1) or (0, 0)
    assert content[start : start + count] == b"\1\0\0\0"
