"""The inputs that a model is run on: random ones, or a user's own from an .npz file."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from edgekit.errors import InputError
from edgekit.ir import Array, DType, Graph, Tensor
from edgekit.ops.quantize import quantized

#: Names under which an .npz file may hold the labels.
LABEL_KEYS = ("y", "labels", "label")


_RANDOM_BYTES = 256 << 20  # at most, of random inputs


@dataclass(frozen=True, slots=True)
class Samples:
    """Input sets, one array for each input of the model, with their labels if there are any."""

    inputs: tuple[tuple[Array, ...], ...]
    labels: Array | None = None

    def __len__(self) -> int:
        return len(self.inputs)


#: What a caller may give as inputs: how many random ones, a file, named arrays, or Samples.
Inputs: TypeAlias = "int | str | os.PathLike[str] | Mapping[str, Array] | Samples"


def samples_for(graph: Graph, inputs: Inputs, *, limit: int | None = None) -> Samples:
    """Whatever a caller gives as inputs, as Samples.

    Raises:
        InputError: there are none, too many random ones, or they do not match the model.
    """
    if isinstance(inputs, Samples):
        return inputs
    if isinstance(inputs, int):
        size = sum(tensor.size_bytes for tensor in graph.inputs)
        if inputs * size > _RANDOM_BYTES:
            raise InputError(
                f"{inputs:,} random inputs of {size:,} bytes are too many to hold",
                hint=f"ask for at most {_RANDOM_BYTES // max(size, 1):,}",
            )
        return random_samples(graph, inputs)
    if isinstance(inputs, Mapping):
        return from_arrays(inputs, graph, limit=limit)
    return read_samples(Path(inputs), graph, limit=limit)


def random_samples(graph: Graph, count: int, *, seed: int = 0) -> Samples:
    """`count` random input sets over the whole range of each input's type; floats around 0.

    Raises:
        InputError: `count` is less than 1.
    """
    if count < 1:
        raise InputError(f"{count} inputs were asked for", hint="ask for at least 1")
    rng = np.random.default_rng(seed)
    return Samples(tuple(tuple(_random(rng, t) for t in graph.inputs) for _ in range(count)))


def _random(rng: np.random.Generator, tensor: Tensor) -> Array:
    if tensor.dtype is DType.FLOAT32:
        return rng.standard_normal(tensor.shape).astype(np.float32)
    if tensor.dtype is DType.BOOL:
        return rng.integers(0, 2, tensor.shape).astype(np.bool_)
    low, high = tensor.dtype.min, tensor.dtype.max
    return rng.integers(low, high, tensor.shape, dtype=tensor.dtype.numpy, endpoint=True)


def read_samples(path: Path, graph: Graph, *, limit: int | None = None) -> Samples:
    """Read an .npz file: `x` [N, ...] (or one array for each input, by name) and labels `y` [N].

    Raises:
        InputError: the file is not an .npz, or its arrays do not match the model.
    """
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise InputError(f"{path} holds one array", hint="save it with numpy.savez(x=...)")
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise InputError(f"there is no file {path}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        hint = "save it with numpy.savez(path, x=…)"  # NumPy's own advice is to unpickle it
        raise InputError(f"{path} is no .npz file of numbers", hint=hint) from error
    return from_arrays(arrays, graph, limit=limit, source=str(path))


def from_arrays(
    arrays: Mapping[str, Array], graph: Graph, *, limit: int | None = None, source: str = "inputs"
) -> Samples:
    """Samples from named arrays, each with the samples along its first axis."""
    columns = []
    for i, tensor in enumerate(graph.inputs):
        names = (tensor.name, f"x{i}", "x") if len(graph.inputs) == 1 else (tensor.name, f"x{i}")
        name = next((n for n in names if n in arrays), None)
        if name is None:
            raise InputError(
                f"{source} has no array for input {i}, {tensor.name!r}; it has "
                f"{', '.join(sorted(arrays)) or 'none'}",
                hint=f"name it {' or '.join(repr(n) for n in names)}",
            )
        columns.append(_column(arrays[name], tensor, f"{source}: {name!r}"))
    counts = {len(column) for column in columns}
    if len(counts) != 1:
        raise InputError(f"{source}: the inputs have {sorted(counts)} samples, not the same number")
    count = min(counts.pop(), limit or 1 << 62)
    if count == 0:
        raise InputError(f"{source} has no samples")
    labels = next((arrays[key] for key in LABEL_KEYS if key in arrays), None)
    if labels is not None:
        labels = _labels(labels, len(columns[0]), source)[:count]
    return Samples(tuple(tuple(c[i] for c in columns) for i in range(count)), labels)


def _column(values: Array, tensor: Tensor, where: str) -> Array:
    """`values` [N, ...] as an array [N, *tensor.shape] of the tensor's type."""
    if values.ndim == 0 or values[:1].size != tensor.elements:
        raise InputError(
            f"{where} has shape {list(values.shape)}; the model takes {list(tensor.shape)}",
            hint="give one sample of that shape for each index of the first axis",
        )
    if np.issubdtype(values.dtype, np.floating):
        with np.errstate(over="ignore"):  # what overflows a float32 is not finite either
            values = values.astype(np.float32)
        if not np.isfinite(values).all():
            raise InputError(
                f"{where} has values that are not finite",
                hint="give finite numbers: the model has no meaning for others",
            )
    if values.dtype != tensor.dtype.numpy:
        values = _converted(values, tensor, where)
    return np.ascontiguousarray(values).reshape(len(values), *tensor.shape)


def _converted(values: Array, tensor: Tensor, where: str) -> Array:
    """Floats quantised as the input is; wider integers where nothing is lost."""
    if np.issubdtype(values.dtype, np.floating):
        if tensor.quantization is not None and tensor.quantization.per_tensor:
            return quantized(values, tensor)
    elif np.issubdtype(values.dtype, np.integer) and tensor.dtype is not DType.FLOAT32:
        converted: Array = values.astype(tensor.dtype.numpy)
        if (converted == values).all():
            return converted
    raise InputError(
        f"{where} is {values.dtype}; the model takes {tensor.dtype.value}",
        hint="give that type, or floats, which are then quantised with the input's own scale",
    )


def _labels(labels: Array, count: int, source: str) -> Array:
    if labels.shape != (count,) or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"{source}: labels have shape {list(labels.shape)} and type {labels.dtype}",
            hint=f"give {count} integers, one for each sample",
        )
    return labels
