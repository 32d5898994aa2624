"""Adds metadata to a .tflite without touching a byte of it: a new root is put in front."""

from __future__ import annotations

import struct

from edgekit.errors import ModelError
from edgekit.frontends import schema
from edgekit.frontends.flatbuffer import FlatBuffer, Table

_ALIGNMENT = 16  # of constants: what is put in front is so many bytes, or a multiple
_HEADER_BYTES = 8  # offset of the root, identifier


def names(content: bytes) -> tuple[str, ...]:
    """The names of the metadata in a .tflite.

    Raises:
        CorruptModelError: it is not a whole, well-formed .tflite.
    """
    entries = FlatBuffer(content).root("model").tables(schema.Model.METADATA, "metadata entry")
    return tuple(entry.string(schema.Metadata.NAME, "the name") for entry in entries)


def tensor_counts(content: bytes) -> tuple[int, ...]:
    """How many tensors each subgraph of a .tflite has.

    Raises:
        CorruptModelError: it is not a whole, well-formed .tflite.
    """
    subgraphs = FlatBuffer(content).root("model").tables(schema.Model.SUBGRAPHS, "subgraph")
    return tuple(len(s.tables(schema.SubGraph.TENSORS, "tensor")) for s in subgraphs)


def with_metadata(content: bytes, name: str, value: bytes) -> bytes:
    """`content` with `value`, which is not empty, as its last metadata.

    Offsets in a FlatBuffer lead forwards and are relative, so all that is there stays valid, moved
    by a multiple of 16 bytes. New are the root, the lists of buffers and of metadata, and `value`,
    aligned to 16 bytes.

    Raises:
        CorruptModelError: `content` is not a whole, well-formed .tflite.
        ModelError: parts of it lie where nothing may move, or in fields that edgekit does not know.
    """
    file = FlatBuffer(content)
    model = file.root("model")
    buffers = model.tables(schema.Model.BUFFERS, "buffer")
    _check_movable(file, model, buffers)
    front = _Front()
    root = front.table(schema.Model.SLOTS)
    front.link(0, root.position)
    root.number(schema.Model.VERSION, model.scalar(schema.Model.VERSION, "uint32", 0))
    for slot in _KEPT:
        extent = model.extent(slot, f"field {slot}", 1)
        if extent is not None:
            root.old(slot, extent[0] - 4)
    entries = model.tables(schema.Model.METADATA, "metadata entry")
    new_buffer = root.tables(schema.Model.BUFFERS, buffers)
    new_entry = root.tables(schema.Model.METADATA, entries)
    entry = front.table(schema.Metadata.SLOTS)
    front.link(new_entry, entry.position)
    entry.number(schema.Metadata.BUFFER, len(buffers))
    entry.vector(schema.Metadata.NAME, name.encode() + b"\0", len(name.encode()))
    buffer = front.table(schema.Buffer.SLOTS)
    front.link(new_buffer, buffer.position)
    buffer.vector(schema.Buffer.DATA, value, len(value))
    return front.before(content)


#: Fields of the root that lead to what stays as it is; all others are made anew.
_KEPT = (
    schema.Model.OPERATOR_CODES,
    schema.Model.SUBGRAPHS,
    schema.Model.DESCRIPTION,
    schema.Model.METADATA_BUFFER,
    schema.Model.SIGNATURE_DEFS,
)


def _check_movable(file: FlatBuffer, model: Table, buffers: list[Table]) -> None:
    """Refuse what is found by its place in the file, and fields that would be lost."""
    vtable = model.position - int(file.scalar(struct.Struct("<i"), model.position, "the root"))
    size = int(file.scalar(struct.Struct("<H"), vtable, "the vtable of the root"))
    if size > 4 + 2 * schema.Model.SLOTS:
        raise ModelError("its root has fields that edgekit does not know")
    if any(buffer.scalar(schema.Buffer.OFFSET, "uint64", 0) > 1 for buffer in buffers):
        raise ModelError("its constants lie behind the FlatBuffer")


class _Front:
    """The bytes that are put in front, as they grow."""

    def __init__(self) -> None:
        self._bytes = bytearray(_HEADER_BYTES)
        self._bytes[4:] = schema.IDENTIFIER
        self._old: list[tuple[int, int]] = []  # (where an offset stands, old position it leads to)

    def table(self, slots: int) -> _FrontTable:
        """A table with 4 bytes for each field, none of them set, behind its vtable."""
        self._align(4)
        vtable = len(self._bytes)
        vtable_bytes = -(-(4 + 2 * slots) // 4) * 4
        self._bytes += bytes(vtable_bytes + 4 + 4 * slots)
        struct.pack_into("<HH", self._bytes, vtable, 4 + 2 * slots, 4 + 4 * slots)
        position = vtable + vtable_bytes
        struct.pack_into("<i", self._bytes, position, vtable_bytes)
        return _FrontTable(self, vtable, position)

    def field(self, table: _FrontTable, slot: int) -> int:
        """Where field `slot` stands, which is set from now on."""
        struct.pack_into("<H", self._bytes, table.vtable + 4 + 2 * slot, 4 + 4 * slot)
        return table.position + 4 + 4 * slot

    def put(self, position: int, value: int) -> None:
        """Write a number of 4 bytes."""
        struct.pack_into("<I", self._bytes, position, value)

    def link(self, position: int, target: int) -> None:
        """Make the offset at `position` lead to `target`, both in front."""
        self.put(position, target - position)

    def link_old(self, position: int, target: int) -> None:
        """Make the offset at `position` lead to `target` of the old file."""
        self._old.append((position, target))

    def vector(self, items: bytes, count: int, alignment: int) -> int:
        """Add a vector of bytes or, with items to be linked, of offsets; where its length is."""
        self._align(alignment, 4)
        position = len(self._bytes)
        self._bytes += struct.pack("<I", count) + items
        return position

    def before(self, content: bytes) -> bytes:
        """All of it, and `content` behind it."""
        self._align(_ALIGNMENT)
        for position, target in self._old:
            self.link(position, len(self._bytes) + target)
        return bytes(self._bytes) + content

    def _align(self, alignment: int, ahead: int = 0) -> None:
        self._bytes += bytes(-(len(self._bytes) + ahead) % alignment)


class _FrontTable:
    """A table in front, whose fields are set one by one."""

    def __init__(self, front: _Front, vtable: int, position: int) -> None:
        self._front, self.vtable, self.position = front, vtable, position

    def number(self, slot: int, value: int) -> None:
        self._front.put(self._front.field(self, slot), value)

    def old(self, slot: int, target: int) -> None:
        """Lead field `slot` to what is at `target` of the old file."""
        self._front.link_old(self._front.field(self, slot), target)

    def vector(self, slot: int, items: bytes, count: int) -> int:
        """Lead field `slot` to a new vector, aligned to 16 bytes; where its length stands."""
        place = self._front.vector(items, count, _ALIGNMENT)
        self._front.link(self._front.field(self, slot), place)
        return place

    def tables(self, slot: int, old: list[Table]) -> int:
        """Lead field `slot` to a list of the `old` tables and one more: where its offset stands."""
        place = self.vector(slot, bytes(4 * (len(old) + 1)), len(old) + 1)
        for i, table in enumerate(old):
            self._front.link_old(place + 4 + 4 * i, table.position)
        return place + 4 + 4 * len(old)
