"""Arrays of samples, of which only those that are wanted are read."""

from __future__ import annotations

import math
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from edgekit.errors import InputError
from edgekit.ir import Array, Shape

_NPY = b"\x93NUMPY"
_ZIP = b"PK"
_BLOCK = 1 << 20  # bytes
#: What reading a damaged file raises, besides OSError.
_DAMAGE = (ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)


class Rows(Protocol):
    """An array whose first axis counts samples."""

    @property
    def shape(self) -> Shape:
        """Of the whole array."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of its elements."""

    def chunks(self, indices: Array, size: int) -> Iterator[Array]:
        """The samples at ascending `indices`, `size` at a time."""

    def whole(self) -> Array:
        """All of it."""


@dataclass(frozen=True, slots=True)
class MemoryRows:
    """An array that somebody holds in memory."""

    values: Array

    @property
    def shape(self) -> Shape:
        """Of the whole array."""
        return self.values.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of its elements."""
        return self.values.dtype

    def chunks(self, indices: Array, size: int) -> Iterator[Array]:
        """The samples at `indices`, `size` at a time."""
        for start in range(0, len(indices), size):
            yield self.values[indices[start : start + size]]

    def whole(self) -> Array:
        """All of it."""
        return self.values


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRows:
    """An array in an .npy file, or in one that lies in an .npz, packed or not.

    NumPy maps only the first kind into memory; reading sample by sample serves both, and a file
    larger than the memory is no trouble.
    """

    path: Path
    member: str | None  # of the .npz
    shape: Shape
    dtype: np.dtype[Any]
    fortran: bool
    start: int  # of the elements, in bytes

    def chunks(self, indices: Array, size: int) -> Iterator[Array]:
        """The samples at ascending `indices`, `size` at a time.

        Raises:
            InputError: the file is damaged.
        """
        if self.fortran:  # a sample lies all over the file
            yield from MemoryRows(self.whole()).chunks(indices, size)
            return
        with _opened(self.path, self.member) as (file, _):
            for start in range(0, len(indices), size):
                yield self._rows(file, indices[start : start + size])
            while self.member is not None and file.read(_BLOCK):
                pass  # at its end the .npz has a checksum

    def _rows(self, file: IO[bytes], indices: Array) -> Array:
        sample = self.shape[1:]
        size = math.prod(sample) * self.dtype.itemsize
        rows = np.empty((len(indices), *sample), self.dtype)
        for i, index in enumerate(indices):
            file.seek(self.start + int(index) * size)
            rows[i] = np.frombuffer(_exactly(file, size), self.dtype).reshape(sample)
        return rows

    def whole(self) -> Array:
        """All of it.

        Raises:
            InputError: the file is damaged.
        """
        with _opened(self.path, self.member) as (file, _):
            file.seek(self.start)
            content = _exactly(file, math.prod(self.shape) * self.dtype.itemsize)
        order = "F" if self.fortran else "C"
        return np.frombuffer(content, self.dtype).reshape(self.shape, order=order)  # type: ignore[call-overload,no-any-return]


def open_arrays(path: Path) -> Mapping[str, Rows] | None:
    """The arrays of an .npz by name, that of an .npy as `x`; None for any other file.

    Raises:
        InputError: the file is damaged or unreadable.
    """
    with _refusing_damage(path), path.open("rb") as file:
        magic = file.read(len(_NPY))
    if magic == _NPY:
        return {"x": _header(path, None)}
    if not magic.startswith(_ZIP):
        return None
    with _refusing_damage(path), zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".npy"))
    return {name.removesuffix(".npy"): _header(path, name) for name in names}


def _header(path: Path, member: str | None) -> FileRows:
    with _opened(path, member) as (file, size_bytes):
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        else:
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
        start = file.tell()
        rows = FileRows(
            path=path, member=member, shape=shape, dtype=dtype, fortran=fortran, start=start
        )
        known = not dtype.hasobject  # pickles have any size
        if known and size_bytes < start + math.prod(shape) * dtype.itemsize:
            raise EOFError("the array ends early")
    return rows


@contextmanager
def _opened(path: Path, member: str | None) -> Iterator[tuple[IO[bytes], int]]:
    """The .npy, from its beginning, and its size in bytes."""
    with _refusing_damage(path):
        if member is None:
            with path.open("rb") as file:
                yield file, os.fstat(file.fileno()).st_size
        else:
            with zipfile.ZipFile(path) as archive, archive.open(member) as packed:
                yield packed, archive.getinfo(member).file_size


def _exactly(file: IO[bytes], size: int) -> bytes:
    content = file.read(size)
    if len(content) != size:
        raise EOFError("the array ends early")
    return content


@contextmanager
def _refusing_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"there is no file {path}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except _DAMAGE as error:
        raise InputError(
            f"{path} is damaged, or holds no arrays of numbers",
            hint="save it with numpy.savez(path, x=…, y=…) or numpy.save(path, x)",
        ) from error
