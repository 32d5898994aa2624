"""Metadata is put in front of a model, and all of the model stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import flatbuffers_maker
from support.dense import dense_graph
from support.random_graphs import random_graphs

from edgekit.errors import CorruptModelError, ModelError
from edgekit.frontends import schema, tflite, tflite_metadata, tflite_writer
from edgekit.frontends.flatbuffer import FlatBuffer
from edgekit.ir import Graph, to_text


def value_of(content: bytes, name: str) -> tuple[int, bytes]:
    """(position, content) of the last metadata of that name."""
    model = FlatBuffer(content).root("model")
    entries = model.tables(schema.Model.METADATA, "entry")
    named = [e for e in entries if e.string(schema.Metadata.NAME, "the name") == name]
    index = named[-1].scalar(schema.Metadata.BUFFER, "uint32", 0)
    buffer = model.tables(schema.Model.BUFFERS, "buffer")[index]
    extent = buffer.extent(schema.Buffer.DATA, "the content", 1)
    assert extent is not None
    start, count = extent
    return start, content[start : start + count]


@settings(max_examples=60, deadline=None)
@given(random_graphs(), st.binary(min_size=1, max_size=40), st.text(min_size=1, max_size=9))
def test_what_is_added_is_found_and_the_model_reads_as_before(
    graph: Graph, value: bytes, name: str
) -> None:
    content = tflite_writer.write(graph, {"first": b"1"})
    more = tflite_metadata.with_metadata(content, name, value)
    assert tflite_metadata.names(more) == ("first", name)
    start, found = value_of(more, name)
    assert found == value and start % 16 == 0
    assert value_of(more, "first")[1] == b"1" or name == "first"
    assert to_text(tflite.read(more)) == to_text(tflite.read(content))


def test_the_file_is_whole_at_the_end_moved_by_a_multiple_of_16_bytes() -> None:
    content = tflite_writer.write(dense_graph())
    more = tflite_metadata.with_metadata(content, "name", b"value")
    assert more.endswith(content) and (len(more) - len(content)) % 16 == 0
    assert more[4:8] == schema.IDENTIFIER
    again = tflite_metadata.with_metadata(more, "name", b"other")
    assert tflite_metadata.names(again) == ("name", "name")
    assert value_of(again, "name")[1] == b"other"


def test_all_fields_of_the_root_are_kept() -> None:
    content = tflite_writer.write(dense_graph())
    before, after = (
        FlatBuffer(c).root("model")
        for c in (content, tflite_metadata.with_metadata(content, "a", b"b"))
    )
    for slot in (schema.Model.OPERATOR_CODES, schema.Model.SUBGRAPHS):
        assert len(before.tables(slot, "part")) == len(after.tables(slot, "part")) > 0
    assert after.scalar(schema.Model.VERSION, "uint32", 0) == schema.VERSION
    assert len(after.tables(schema.Model.BUFFERS, "buffer")) == 1 + len(
        before.tables(schema.Model.BUFFERS, "buffer")
    )


def test_tensors_are_counted_for_each_subgraph() -> None:
    graph = dense_graph()
    assert tflite_metadata.tensor_counts(tflite_writer.write(graph)) == (len(graph.tensors),)


@pytest.mark.parametrize("length", [0, 7, 40, 200])
def test_a_file_that_is_cut_short_is_refused(length: int) -> None:
    content = tflite_writer.write(dense_graph())
    with pytest.raises(CorruptModelError):
        tflite_metadata.with_metadata(content[:length], "name", b"value")


def test_a_model_whose_parts_may_not_move_is_refused() -> None:
    slots = schema.Model
    model = {slots.VERSION: np.uint32(3), slots.BUFFERS: [{}]}
    assert tflite_metadata.names(
        tflite_metadata.with_metadata(flatbuffers_maker.build(model), "a", b"b")
    ) == ("a",)
    behind = model | {slots.BUFFERS: [{schema.Buffer.OFFSET: np.uint64(64)}]}
    with pytest.raises(ModelError, match="constants lie behind"):
        tflite_metadata.with_metadata(flatbuffers_maker.build(behind), "a", b"b")
    newer = model | {slots.SLOTS: flatbuffers_maker.int32s(1)}
    with pytest.raises(ModelError, match="fields that edgekit does not know"):
        tflite_metadata.with_metadata(flatbuffers_maker.build(newer), "a", b"b")
