"""What the oracle and its worker send each other: a JSON header, then the arrays' bytes."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.ir import Array

#: Bytes of the header, bytes of what follows it.
PREFIX = struct.Struct("<QQ")


def pack(header: dict[str, Any], arrays: Sequence[Array]) -> bytes:
    """One message."""
    arrays = [np.asarray(array, order="C") for array in arrays]
    described = {**header, "arrays": [[array.dtype.str, array.shape] for array in arrays]}
    text = json.dumps(described).encode()
    blobs = [array.tobytes() for array in arrays]
    return b"".join((PREFIX.pack(len(text), sum(map(len, blobs))), text, *blobs))


def unpack(message: bytes, header_bytes: int) -> tuple[dict[str, Any], list[Array]]:
    """The header and the arrays of a message without its prefix."""
    header: dict[str, Any] = json.loads(message[:header_bytes])
    arrays: list[Array] = []
    start = header_bytes
    for dtype, shape in header.pop("arrays"):
        count = int(np.prod(shape, dtype=np.int64))
        array = np.frombuffer(message, dtype, count, start).reshape(shape)
        arrays.append(array.copy())
        start += array.nbytes
    return header, arrays
