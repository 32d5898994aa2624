"""Samples that Python code yields -> Dataset."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.conversion.dataset.columns import (
    LABEL_KEYS,
    Column,
    arrangement,
    check_memory,
    checked_labels,
    pixel_notes,
)
from edgekit.conversion.dataset.dataset import Dataset
from edgekit.conversion.dataset.request import Request
from edgekit.errors import EdgekitError, InputError
from edgekit.ir import Array

#: Samples taken from a stream, which may have no end, where no limit is given.
STREAM_SAMPLES = 1000

_STAGE = "reading samples"
_LONGEST_REASON = 300  # characters
_modules = count()


def function_of(spec: str) -> Callable[[], object] | None:
    """The function that "path/to/file.py:function" names; None if `spec` is no such thing.

    Raises:
        InputError: there is no such file or function, or importing the file fails.
    """
    file, colon, name = spec.rpartition(":")
    if not colon or not file.endswith(".py"):
        return None
    path = Path(file)
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    with _own_errors(str(path)), _importable(path.resolve().parent):
        described = importlib.util.spec_from_file_location(f"edgekit_data_{next(_modules)}", path)
        assert described is not None
        assert described.loader is not None
        module = importlib.util.module_from_spec(described)
        sys.modules[described.name] = module  # dataclasses look their module up
        described.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function):
        raise InputError(f"{path} has no function {name!r}", hint="write file.py:function")

    def call() -> object:
        with _importable(path.resolve().parent):
            return function()

    return call


def result_of(function: Callable[[], object], source: str) -> object:
    """What the user's function returns.

    Raises:
        InputError: it raises; the sentence says what.
    """
    with _own_errors(source):
        return function()


def from_items(items: Iterable[object], request: Request, source: str) -> Dataset:
    """A Dataset of the samples, or batches of samples, that `items` yields.

    An item is an array; (array, label); a mapping of arrays by the names of the inputs, with a
    label under LABEL_KEYS; or a list of one array for each input. The first `limit` samples are
    taken, of what has no length STREAM_SAMPLES without one.

    Raises:
        InputError: an item does not match the model, or the code that yields them raises.
    """
    limit = request.limit
    if limit is None and not isinstance(items, Sequence):
        limit = STREAM_SAMPLES
    whole = isinstance(items, Sequence)  # known to end: its samples can be spread
    columns: list[list[Array]] = [[] for _ in request.inputs]
    labels: list[Array | None] = []
    done = 0
    for number, item in enumerate(_yielded(items, source)):
        where = f"{source}: item {number}"
        arrays, label = _parts(item, request, where)
        batch = _batch(arrays, request, where, done)
        for column, values in zip(columns, batch, strict=True):
            column.append(values)
        labels.append(_item_labels(label, len(batch[0]), where))
        done += len(batch[0])
        check_memory(done, request, source)
        request.progress(_STAGE, done, limit or 0)
        if limit is not None and done >= limit and not whole:
            break
    if not done:
        raise InputError(f"{source} has no samples")
    stacked = [np.concatenate(column) for column in columns]
    notes = tuple(pixel_notes(stacked, request))
    dataset = Dataset(
        inputs=tuple(stacked), labels=_joined(labels, request, source), name=source, notes=notes
    )
    if limit is None or done <= limit:
        return dataset
    return dataset.take(limit) if whole else dataset.at(np.arange(limit))


def _yielded(items: Iterable[object], source: str) -> Iterator[object]:
    with _own_errors(source):
        iterator = iter(items)
    while True:
        with _own_errors(source):
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item


def _parts(item: object, request: Request, where: str) -> tuple[list[Array], object]:
    """One array for each input, and the label or None."""
    label: object = None
    if isinstance(item, tuple) and len(item) == 2:
        item, label = item
    if isinstance(item, Mapping):
        label = next((item[key] for key in LABEL_KEYS if key in item), label)
        return [_named(item, i, request, where) for i in range(len(request.inputs))], label
    if len(request.inputs) == 1:
        if isinstance(item, list | tuple) and len(item) == 1:
            (item,) = item
        return [as_array(item, where)], label
    if not isinstance(item, list | tuple) or len(item) != len(request.inputs):
        raise InputError(
            f"{where} is not one array for each of the model's {len(request.inputs)} inputs",
            hint="yield a list of arrays, or a dictionary by the inputs' names",
        )
    return [as_array(part, where) for part in item], label


def _named(item: Mapping[Any, object], i: int, request: Request, where: str) -> Array:
    name = next((name for name in request.names(i) if name in item), None)
    if name is None:
        raise InputError(
            f"{where} has nothing for input {request.inputs[i].name!r}; it has "
            f"{', '.join(map(repr, item)) or 'nothing'}"
        )
    return as_array(item[name], where)


def _batch(arrays: Sequence[Array], request: Request, where: str, done: int) -> list[Array]:
    """The arrays of an item as float32 [B, ...]; B is 1 for a single sample."""
    converted = []
    for i, values in enumerate(arrays):
        tensor, source = request.inputs[i], request.source_shapes[i]
        if arrangement(values.shape, tensor, source) is not None:
            values = values[np.newaxis]
        elif not values.size or arrangement(values.shape[1:], tensor, source) is None:
            raise InputError(
                f"{where} has shape {list(values.shape)}; the model takes "
                f"{list(tensor.shape[1:])} ({tensor.name!r})"
            )
        column = Column.of(values.shape[1:], values.dtype, i, request, request.preprocessing, where)
        converted.append(column.convert(values, np.arange(done, done + len(values))))
    counts = {len(values) for values in converted}
    if len(counts) != 1:
        raise InputError(f"{where}: the inputs have {sorted(counts)} samples, not the same number")
    return converted


def _item_labels(label: object, count: int, where: str) -> Array | None:
    if label is None:
        return None
    values = as_array(label, where)
    if values.size != count or not np.issubdtype(values.dtype, np.integer):
        raise InputError(
            f"{where} has a label of shape {list(values.shape)} and type {values.dtype}",
            hint="give an integer for each sample",
        )
    return values.reshape(count)


def _joined(labels: Sequence[Array | None], request: Request, source: str) -> Array | None:
    given = [values for values in labels if values is not None]
    if not given:
        return None
    if len(given) != len(labels):
        raise InputError(f"{source}: {len(given)} of {len(labels)} items have a label: all or none")
    return checked_labels(np.concatenate(given), request, source)


def as_array(value: object, where: str) -> Array:
    """`value` as an array, e.g. a tensor of TensorFlow or PyTorch, or nested lists.

    Raises:
        InputError: it is none.
    """
    try:
        return np.asarray(value)
    except Exception as error:  # whatever the value's own conversion raises
        raise InputError(f"{where} is no array: {_reason(error)}") from error


@contextlib.contextmanager
def _own_errors(source: str) -> Iterator[None]:
    """What the user's code raises, in one sentence of ours."""
    try:
        yield
    except EdgekitError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(f"{source} raised {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    text = text if len(text) <= _LONGEST_REASON else text[:_LONGEST_REASON] + " …"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let the user's file import what lies beside it."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))
