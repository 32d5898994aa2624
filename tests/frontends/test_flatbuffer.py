"""The reader of FlatBuffers believes no offset and no length."""

from __future__ import annotations

import struct
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from support.flatbuffers_maker import build, int32s

from edgekit.errors import CorruptModelError, EdgekitError
from edgekit.frontends import schema, tflite
from edgekit.frontends.flatbuffer import FlatBuffer, Table


def root(content: bytes) -> Table:
    return FlatBuffer(content).root("root")


def test_what_was_written_is_read() -> None:
    table = root(
        build(
            {
                0: np.bool_(True),
                1: np.int8(-3),
                2: np.uint8(200),
                3: np.int32(-(1 << 30)),
                4: np.uint32(1 << 31),
                5: np.uint64(1 << 63),
                6: np.float32(0.1),
                8: "naïve",
                9: {0: np.int8(5)},
                10: [{0: np.int8(6)}, {}],
                11: np.array([0.5, 2.0], np.float32),
                12: b"abc",
            }
        )
    )
    wires = ("bool", "int8", "uint8", "int32", "uint32", "uint64", "float32")
    numbers = [table.scalar(slot, wire, None) for slot, wire in enumerate(wires)]
    assert numbers == [True, -3, 200, -(1 << 30), 1 << 31, 1 << 63, float(np.float32(0.1))]
    assert table.string(8, "text") == "naïve"
    inner = table.table(9, "inner")
    assert inner is not None
    assert inner.scalar(0, "int8", 0) == 5
    assert [t.scalar(0, "int8", -1) for t in table.tables(10, "item")] == [6, -1]
    floats = table.numbers(11, "floats", "float32")
    assert floats is not None
    assert floats.tolist() == [0.5, 2.0]
    start, count = table.extent(12, "bytes", 1) or (0, 0)
    assert table.file.content[start : start + count] == b"abc"


def test_fields_that_are_left_out_have_their_defaults() -> None:
    table = root(build({3: np.int32(1)}))
    for slot in (0, 2, 4, 1000):
        assert table.scalar(slot, "int32", 17) == 17
        assert table.table(slot, "x") is None
        assert table.tables(slot, "x") == []
        assert table.numbers(slot, "x", "int8") is None
        assert table.string(slot, "x") == ""


#: A root table at byte 12 with one field, whose vtable lies before it.
def table_at_12(field: bytes, *, vtable: bytes = struct.pack("<3H", 6, 8, 4)) -> bytes:
    head = struct.pack("<I4s", 16, b"TFL3") + b"\0\0" + vtable
    return head + struct.pack("<i", 16 - 10) + field


def read_vector(content: bytes) -> object:
    return root(content).numbers(0, "list", "int32")


@pytest.mark.parametrize(
    ("content", "reading", "message"),
    [
        (b"", root, r"offset of the root \(byte 0 of 0\) lies outside the file"),
        (struct.pack("<I4s", 0, b"TFL3"), root, "leads to byte 0"),
        (struct.pack("<I4s", 0xFFFFFFFF, b"TFL3"), root, "leads to byte 4294967295"),
        (table_at_12(b"\0\0\0\1"), read_vector, "leads to byte 16777236, outside"),
        (table_at_12(b""), read_vector, "lies outside the file"),
        (table_at_12(struct.pack("<2I", 4, 1 << 31)), read_vector, "2147483648 items, more than"),
        (table_at_12(struct.pack("<2I", 4, 1)), read_vector, "1 items, more than"),
        (table_at_12(b"1234", vtable=struct.pack("<3H", 3, 8, 4)), read_vector, "impossible size"),
        (table_at_12(b"1234", vtable=struct.pack("<3H", 999, 8, 4)), read_vector, "impossible"),
        (table_at_12(b"1234", vtable=struct.pack("<3H", 6, 8, 60000)), read_vector, "byte 60016"),
    ],
)
def test_what_leads_outside_is_corrupt(
    content: bytes, reading: Callable[[bytes], object], message: str
) -> None:
    with pytest.raises(CorruptModelError, match=message) as caught:
        reading(content)
    assert caught.value.hint


def bomb(inner: int, outer: int) -> bytes:
    """A model whose many operators are all the same one, which has many inputs."""
    model = {
        schema.Model.VERSION: np.uint32(3),
        schema.Model.OPERATOR_CODES: [{schema.OperatorCode.BUILTIN_CODE: np.int32(9)}],
        schema.Model.SUBGRAPHS: [
            {
                schema.SubGraph.INPUTS: int32s(0),
                schema.SubGraph.OUTPUTS: int32s(0),
                schema.SubGraph.OPERATORS: [
                    {
                        schema.Operator.INPUTS: np.zeros(inner, np.int32),
                        schema.Operator.OUTPUTS: int32s(0),
                    },
                    *({} for _ in range(outer)),
                ],
            }
        ],
    }
    content = bytearray(build(model))
    table = FlatBuffer(bytes(content)).root("m").tables(schema.Model.SUBGRAPHS, "s")[0]
    start, count = table.extent(schema.SubGraph.OPERATORS, "operators", 4) or (0, 0)
    (first,) = struct.unpack_from("<I", content, start)
    for i in range(count):  # each entry is relative to its own place
        struct.pack_into("<I", content, start + 4 * i, first - 4 * i)
    return bytes(content)


def test_a_small_file_cannot_unfold_into_a_huge_graph() -> None:
    content = bomb(20_000, 5_000)  # 10**8 inputs in 300 KB
    tracemalloc.start()
    before = time.monotonic()
    try:
        with pytest.raises(CorruptModelError, match="is shared by more parts"):
            tflite.read(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.monotonic() - before < 10
    assert peak < 100 * len(content)


def test_a_shape_of_many_dimensions_costs_nothing() -> None:
    tensor = {
        schema.Tensor.TYPE: np.int8(9),
        schema.Tensor.SHAPE: np.full(50_000, 2**31 - 1, np.int32),
    }
    model = {
        schema.Model.VERSION: np.uint32(3),
        schema.Model.SUBGRAPHS: [
            {
                schema.SubGraph.TENSORS: [tensor],
                schema.SubGraph.INPUTS: int32s(0),
                schema.SubGraph.OUTPUTS: int32s(0),
            }
        ],
    }
    before = time.monotonic()
    with pytest.raises(EdgekitError, match="50000 dimensions"):
        tflite.read(build(model))
    assert time.monotonic() - before < 5
