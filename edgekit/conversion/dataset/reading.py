"""Whatever a user has as data -> Dataset."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from edgekit.conversion.dataset import columns, folders, images, rows, sound, streams
from edgekit.conversion.dataset.dataset import Dataset
from edgekit.conversion.dataset.preprocessing import Preprocessing
from edgekit.conversion.dataset.request import Request
from edgekit.errors import InputError
from edgekit.ir import Shape, Tensor
from edgekit.progress import Progress, silent

_TAKEN = ".npz, .npy, a folder of images or WAV files, or file.py:function"


def load(
    data: object,
    inputs: Sequence[Tensor],
    *,
    preprocessing: Preprocessing | None = None,
    limit: int | None = None,
    classes: int | None = None,
    source_shapes: Sequence[Shape | None] | None = None,
    progress: Progress = silent,
) -> Dataset:
    """Samples for the inputs of a float model.

    Where there are more than `limit` samples they are spread evenly over all, because data are
    often sorted by class; of a stream, which may have no end, the first are taken. The order is
    that of the array, of the sorted paths, or of the stream.

    Args:
        data: a path: an .npz (array `x`, or one for each input by its name or as `x0`, `x1` …;
            labels as `y`, `labels` or `label`; scalars `x_scale` and `x_zero_point` if `x` is
            quantised), an .npy, a folder of images or WAV files whose sub-folders are classes;
            "file.py:function", or a function without arguments; what such a function returns: an
            array, (array, labels), a mapping of named arrays as in an .npz, or an iterable of
            samples (see streams.from_items); a Dataset.
        inputs: the model's inputs, with batch 1.
        preprocessing: what integers, pixels and sound stand for.
        limit: at most so many samples. None: all, of a stream STREAM_SAMPLES.
        classes: the number of classes that labels may name, if known.
        source_shapes: of the inputs before conversion, with batch 1, e.g. channels first; None
            where they are the model's own.
        progress: is told of every chunk of samples.

    Raises:
        InputError: the data cannot be read, or do not match the model.
        ToolMissingError: they are images, and Pillow is not installed.
    """
    if limit is not None and limit < 1:
        raise InputError(f"{limit} samples were asked for", hint="ask for at least 1")
    request = Request(
        inputs=tuple(inputs),
        source_shapes=tuple(source_shapes or [None] * len(inputs)),
        preprocessing=preprocessing or Preprocessing(),
        limit=limit,
        classes=classes,
        progress=progress,
    )
    if isinstance(data, str):
        function = streams.function_of(data)
        if function is not None:
            return _from_object(streams.result_of(function, data), request, data)
    if isinstance(data, str | os.PathLike):
        return _from_path(Path(data), request)
    if callable(data) and not isinstance(data, Iterable):
        name = getattr(data, "__name__", type(data).__name__)
        return _from_object(streams.result_of(data, name), request, name)
    return _from_object(data, request, "data")


def _from_path(path: Path, request: Request) -> Dataset:
    if path.is_dir():
        return folders.from_folder(path, request)
    arrays = rows.open_arrays(path)
    if arrays is not None:
        return columns.from_rows(arrays, request, str(path))
    suffix = path.suffix.lower()
    hint = f"data are taken from {_TAKEN}"
    if suffix == ".py":
        hint = f"name the function that gives the samples: {path}:function"
    elif suffix in (*images.SUFFIXES, *sound.SUFFIXES):
        hint = "give the folder that it lies in"
    raise InputError(f"{path} holds no samples in a form that edgekit reads", hint=hint)


def _from_object(data: object, request: Request, source: str) -> Dataset:
    if isinstance(data, Dataset):
        named = _by_position(data.inputs)
        if data.labels is not None:
            named["y"] = data.labels
        read = columns.from_rows(_held(named, data.name), request, data.name)
        return dataclasses.replace(read, classes=data.classes, notes=(*data.notes, *read.notes))
    if isinstance(data, tuple) and len(data) == 2:
        x, y = data
        named = dict(x) if isinstance(x, Mapping) else _by_position(x)
        return columns.from_rows(_held({**named, "y": y}, source), request, source)
    if isinstance(data, Mapping):
        return columns.from_rows(_held(data, source), request, source)
    if isinstance(data, np.ndarray) or hasattr(data, "__array__"):
        return columns.from_rows(_held({"x": data}, source), request, source)
    if isinstance(data, Iterable) and not isinstance(data, str | bytes):
        return streams.from_items(data, request, source)
    raise InputError(
        f"{source} gives {type(data).__name__}, which holds no samples",
        hint="give an array, (array, labels), a dictionary of arrays, or yield samples",
    )


def _by_position(x: object) -> dict[str, object]:
    if isinstance(x, tuple):
        return {f"x{i}": values for i, values in enumerate(x)}
    return {"x": x}


def _held(named: Mapping[str, object], source: str) -> dict[str, rows.Rows]:
    return {
        name: rows.MemoryRows(streams.as_array(value, f"{source}: {name!r}"))
        for name, value in named.items()
    }
