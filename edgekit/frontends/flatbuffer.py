"""A bounds-checked reader of FlatBuffers.

The `flatbuffers` package writes buffers but trusts those that it reads: an offset of a damaged
file leads it anywhere. FlatBuffers' verifier exists for C++ and other languages, no kept one for
Python, so this small reader is ours. Every table, vtable, vector and string is checked against the
file before it is touched, lengths before anything is allocated. Parts of a FlatBuffer may share
bytes, so a small file could unfold into a huge one: a budget in proportion to the file ends that.

Format: https://flatbuffers.dev/internals
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from edgekit.errors import CorruptModelError
from edgekit.ir import Array

ScalarWire = Literal["bool", "int8", "uint8", "int32", "uint32", "uint64", "float32"]

_SCALARS: Final = {
    "bool": struct.Struct("<?"),
    "int8": struct.Struct("<b"),
    "uint8": struct.Struct("<B"),
    "int32": struct.Struct("<i"),
    "uint32": struct.Struct("<I"),
    "uint64": struct.Struct("<Q"),
    "float32": struct.Struct("<f"),
}
_U16: Final = struct.Struct("<H")
_U32: Final = _SCALARS["uint32"]
_I32: Final = _SCALARS["int32"]

_OFFSET_BYTES = 4
#: What reading one table costs of the budget: about what a table of a real file takes.
_TABLE_BYTES = 32
_BUDGET_PER_BYTE = 8
_BUDGET_BYTES = 1 << 20


class FlatBuffer:
    """A file's bytes, and the right to read so much of them."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self._budget_bytes = _BUDGET_BYTES + _BUDGET_PER_BYTE * len(content)

    def root(self, what: str) -> Table:
        """The table that the file is about."""
        return Table(self, self.follow(0, f"the offset of the {what}"), what)

    def scalar(self, form: struct.Struct, position: int, what: str) -> Any:
        """The number at `position`."""
        if position < 0 or position + form.size > len(self.content):
            raise self.corrupt(position, what, "lies outside the file")
        return form.unpack_from(self.content, position)[0]

    def follow(self, position: int, what: str) -> int:
        """Where the offset at `position` leads."""
        target = position + int(self.scalar(_U32, position, what))
        if target == position or target > len(self.content) - _OFFSET_BYTES:
            raise self.corrupt(position, what, f"leads to byte {target}, outside the file")
        return target

    def spend(self, size_bytes: int, position: int, what: str) -> None:
        """Take from the budget; CorruptModelError when it is used up."""
        self._budget_bytes -= size_bytes
        if self._budget_bytes < 0:
            raise self.corrupt(position, what, "is shared by more parts than a real model has")

    def corrupt(self, position: int, what: str, why: str) -> CorruptModelError:
        """The error that says what is wrong, and where."""
        return CorruptModelError(
            f"{what} (byte {position} of {len(self.content)}) {why}",
            hint="the file may be cut short or damaged: fetch or convert it again",
        )


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the file; its fields are read when asked for."""

    file: FlatBuffer
    position: int
    what: str  # for error messages, e.g. "operator #3"

    def scalar(self, slot: int, wire: ScalarWire, default: Any) -> Any:
        """A number, or `default` where the file leaves it out."""
        position = self._field(slot)
        if position is None:
            return default
        return self.file.scalar(_SCALARS[wire], position, f"field {slot} of {self.what}")

    def table(self, slot: int, what: str) -> Table | None:
        """A table inside this one."""
        position = self._field(slot)
        if position is None:
            return None
        self.file.spend(_TABLE_BYTES, position, what)
        return Table(self.file, self.file.follow(position, what), what)

    def tables(self, slot: int, what: str) -> list[Table]:
        """A vector of tables; empty where the file leaves it out."""
        extent = self.extent(slot, f"the list of {what}s", _OFFSET_BYTES)
        if extent is None:
            return []
        start, count = extent
        self.file.spend(count * (_OFFSET_BYTES + _TABLE_BYTES), start, f"the list of {what}s")
        names = (f"{what} #{i}" for i in range(count))
        return [
            Table(self.file, self.file.follow(start + _OFFSET_BYTES * i, name), name)
            for i, name in enumerate(names)
        ]

    def numbers(self, slot: int, what: str, wire: str) -> Array | None:
        """A vector of numbers of NumPy's type `wire`, not copied; None where left out."""
        dtype = np.dtype(wire).newbyteorder("<")
        extent = self.extent(slot, f"{what} of {self.what}", dtype.itemsize)
        if extent is None:
            return None
        start, count = extent
        self.file.spend(count * dtype.itemsize, start, f"{what} of {self.what}")
        return np.frombuffer(self.file.content, dtype, count, start)

    def string(self, slot: int, what: str) -> str:
        """Text; bytes that are not UTF-8 are replaced, "" where left out."""
        extent = self.extent(slot, f"{what} of {self.what}", 1)
        if extent is None:
            return ""
        start, count = extent
        self.file.spend(count, start, f"{what} of {self.what}")
        return self.file.content[start : start + count].decode(errors="replace")

    def extent(self, slot: int, what: str, item_bytes: int) -> tuple[int, int] | None:
        """(position of the first item, number of items) of a vector inside the file."""
        position = self._field(slot)
        if position is None:
            return None
        vector = self.file.follow(position, what)
        count = int(self.file.scalar(_U32, vector, what))
        start = vector + _OFFSET_BYTES
        if count * item_bytes > len(self.file.content) - start:
            raise self.file.corrupt(vector, what, f"has {count} items, more than the file holds")
        return start, count

    def _field(self, slot: int) -> int | None:
        """Where the field lies, or None where the file leaves it out."""
        file, what = self.file, self.what
        vtable = self.position - int(file.scalar(_I32, self.position, what))
        size = int(file.scalar(_U16, vtable, f"the vtable of {what}"))
        if size < 4 or size % 2 or vtable + size > len(file.content):
            raise file.corrupt(vtable, f"the vtable of {what}", f"has an impossible size, {size}")
        entry = 4 + 2 * slot
        if entry >= size:
            return None
        offset = int(file.scalar(_U16, vtable + entry, f"the vtable of {what}"))
        return self.position + offset if offset else None
