"""Arrays of any layout and type -> float32 in the model's layout; labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.conversion.dataset.dataset import Dataset, spread
from edgekit.conversion.dataset.preprocessing import Preprocessing
from edgekit.conversion.dataset.request import Request
from edgekit.conversion.dataset.rows import Rows
from edgekit.errors import InputError
from edgekit.ir import Array, Shape, Tensor

#: Names of labels among named arrays, as in edgekit.measurement.samples.
LABEL_KEYS = ("y", "labels", "label")

_CHUNK = 64  # samples that are converted at a time
_MOST_BYTES = 2 << 30  # of float32 samples, which are held in memory
_STAGE = "reading samples"

#: Samples [N, *their shape] -> [N, *tensor.shape[1:]].
Arrangement = Callable[[Array], Array]


def from_rows(arrays: Mapping[str, Rows], request: Request, source: str) -> Dataset:
    """A Dataset of named arrays: `x` or one for each input, labels among LABEL_KEYS.

    Raises:
        InputError: an array is missing, or does not match the model.
    """
    found = [_named(arrays, i, request, source) for i in range(len(request.inputs))]
    counts = {rows.shape[0] for _, rows in found if rows.shape}
    if len(counts) > 1:
        raise InputError(f"{source}: the inputs have {sorted(counts)} samples, not the same number")
    total = counts.pop() if counts else 0
    if total == 0:
        raise InputError(f"{source} has no samples")
    check_memory(min(total, request.limit or total), request, source)
    indices = spread(total, request.limit)
    key = next((key for key in LABEL_KEYS if key in arrays), None)
    labels = None
    if key is not None:
        labels = checked_labels(_label_array(arrays[key], total, source), request, source)[indices]
    columns = []
    for i, (name, rows) in enumerate(found):
        where = f"{source}: {name!r}"
        preprocessing = _with_stored_scale(arrays, name, request.preprocessing, source)
        column = Column.of(rows.shape[1:], rows.dtype, i, request, preprocessing, where)
        columns.append(_filled(column, rows, indices, request))
    notes = []
    if len(indices) < total:
        notes.append(f"{len(indices):,} of the {total:,} samples of {source}, evenly spaced")
    notes += pixel_notes(columns, request)
    return Dataset(inputs=tuple(columns), labels=labels, name=source, notes=tuple(notes))


def _named(arrays: Mapping[str, Rows], i: int, request: Request, source: str) -> tuple[str, Rows]:
    """The array for input `i`, with its name."""
    tensor, names = request.inputs[i], request.names(i)
    name = next((n for n in names if n in arrays), None)
    if name is None:
        raise InputError(
            f"{source} has no array for input {i}, {tensor.name!r}; it has "
            f"{', '.join(sorted(arrays)) or 'none'}",
            hint=f"name it {' or '.join(repr(n) for n in names)}",
        )
    return name, arrays[name]


def check_memory(count: int, request: Request, source: str) -> None:
    """Refuse more samples than should be held in memory."""
    size = 4 * sum(t.elements for t in request.inputs)
    if count * size > _MOST_BYTES:
        raise InputError(
            f"{count:,} samples of {source} would take {count * size:,} bytes of memory",
            hint=f"limit them to {_MOST_BYTES // size:,} or fewer",
        )


def _with_stored_scale(
    arrays: Mapping[str, Rows], name: str, preprocessing: Preprocessing, source: str
) -> Preprocessing:
    """The scale and zero point that lie beside an array as scalars, if they do, win."""
    keys = (f"{name}_scale", f"{name}_zero_point")
    stored = [key for key in keys if key in arrays]
    if not stored:
        return preprocessing
    values = [arrays[key].whole() for key in stored]
    numbers = all(v.size == 1 and np.issubdtype(v.dtype, np.number) for v in values)
    if len(stored) == 1 or not numbers or np.iscomplexobj(values[0]):
        raise InputError(
            f"{source} must have both {keys[0]!r} and {keys[1]!r} as single numbers, or neither"
        )
    scale, zero_point = (v.reshape(-1)[0].item() for v in values)
    return Preprocessing(
        pixel_range=preprocessing.pixel_range,
        quantized_as=(scale, zero_point),
        sample_rate=preprocessing.sample_rate,
    )


def _filled(column: Column, rows: Rows, indices: Array, request: Request) -> Array:
    out = np.empty((len(indices), *column.tensor.shape[1:]), np.float32)
    done = 0
    for values in rows.chunks(indices, _CHUNK):
        request.progress(_STAGE, done, len(indices))
        numbers = indices[done : done + len(values)]
        out[done : done + len(values)] = column.convert(values, numbers)
        done += len(values)
    request.progress(_STAGE, done, len(indices))
    return out


@dataclass(frozen=True, slots=True)
class Column:
    """How samples of one shape and type become those of one input."""

    tensor: Tensor
    arrange: Arrangement
    to_real: Callable[[Array], Array]
    where: str

    @staticmethod
    def of(
        sample: Shape,
        dtype: np.dtype[Any],
        i: int,
        request: Request,
        preprocessing: Preprocessing,
        where: str,
    ) -> Column:
        """For samples of shape `sample`, without the axis that counts them, and input `i`.

        Raises:
            InputError: they are not what the input takes.
        """
        tensor = request.inputs[i]
        to_real = _real(dtype, tensor, preprocessing, where)
        arrange = arrangement(sample, tensor, request.source_shapes[i])
        if arrange is None:
            raise InputError(
                f"{where} has samples of shape {list(sample)}; the model takes "
                f"{list(tensor.shape[1:])} ({tensor.name!r})",
                hint="the first axis of the array counts samples, the others are one sample's",
            )
        return Column(tensor, arrange, to_real, where)

    def convert(self, values: Array, numbers: Array) -> Array:
        """Samples [N, ...] as float32 [N, *tensor.shape[1:]]; `numbers` are theirs in the source.

        Raises:
            InputError: a value is not finite.
        """
        real = self.arrange(self.to_real(values))
        finite = np.isfinite(real).reshape(len(real), -1).all(axis=1)
        if not finite.all():
            first = int(np.flatnonzero(~finite)[0])
            kind = "NaN" if np.isnan(real[first]).any() else "infinite values"
            raise InputError(
                f"{self.where} has {kind} in sample {numbers[first]} (input {self.tensor.name!r})",
                hint="leave such samples out, or repair them",
            )
        return real


def arrangement(sample: Shape, tensor: Tensor, source: Shape | None) -> Arrangement | None:
    """How samples of shape `sample` become the tensor's; None if they cannot.

    A sample has the model's shape; or that of the model before conversion (channels first), and
    is transposed; or is flat, or differs in axes of length 1 only, where that means one thing.
    """
    target = tensor.shape[1:]

    def reshaped(values: Array) -> Array:
        return values.reshape(len(values), *target)

    if sample == target:
        return reshaped
    before = None if source is None or source[1:] == target else source[1:]
    if before is not None and sample in (source, before):
        if (*before[1:], *before[:1]) != target:
            return None
        return lambda values: np.moveaxis(values.reshape(len(values), *before), 1, -1)
    flat = sample == (math.prod(target),) and before is None
    if flat or _without_ones(sample) == _without_ones(target):
        return reshaped
    return None


def _without_ones(shape: Shape) -> Shape:
    return tuple(size for size in shape if size != 1)


def _real(
    dtype: np.dtype[Any], tensor: Tensor, preprocessing: Preprocessing, where: str
) -> Callable[[Array], Array]:
    """From stored values to float32."""
    if np.issubdtype(dtype, np.floating):
        return _floats
    if np.issubdtype(dtype, np.integer):
        if preprocessing.quantized_as is not None:
            scale, zero_point = preprocessing.quantized_as
            return lambda values: (
                (values.astype(np.int64) - zero_point).astype(np.float32) * np.float32(scale)
            )
        if dtype == np.uint8 and preprocessing.pixel_range is not None:
            low, high = preprocessing.pixel_range
            return lambda values: pixels(values, (low, high))
        or_pixels = ", or for pixels --pixel-range LOW,HIGH" if dtype == np.uint8 else ""
        raise InputError(
            f"{where} is {dtype}, and the model takes real numbers ({tensor.name!r})",
            hint="say what the integers stand for: --quantized-as SCALE,ZERO_POINT or "
            f"--quantized-as MODEL.tflite{or_pixels}",
        )
    if dtype.hasobject:
        raise InputError(
            f"{where} holds Python objects (a pickle may run code: none is ever opened)",
            hint="save an array of numbers, with samples of one shape",
        )
    raise InputError(f"{where} is {dtype}, and the model takes real numbers ({tensor.name!r})")


def _floats(values: Array) -> Array:
    with np.errstate(over="ignore"):  # what overflows a float32 is not finite either
        return values.astype(np.float32)


def pixels(values: Array, pixel_range: tuple[float, float]) -> Array:
    """Pixels 0..255 as float32 in `pixel_range`."""
    low, high = pixel_range
    real = values.astype(np.float32) / np.float32(255)
    return real if (low, high) == (0.0, 1.0) else real * np.float32(high - low) + np.float32(low)


def _label_array(rows: Rows, count: int, source: str) -> Array:
    if rows.shape != (count,) or not np.issubdtype(rows.dtype, np.integer):
        hint = f"give {count} integers, one for each sample"
        if len(rows.shape) == 2 and rows.shape[0] == count:
            hint += ": for one-hot rows y.argmax(axis=1), for a single column y[:, 0]"
        raise InputError(
            f"{source}: labels have shape {list(rows.shape)} and type {rows.dtype}", hint=hint
        )
    return rows.whole()


def checked_labels(labels: Array, request: Request, source: str) -> Array:
    """Labels [N] as int64.

    Raises:
        InputError: one is negative, or not less than the number of classes.
    """
    low, high = int(labels.min()), int(labels.max())
    if low < 0:
        first = int(np.argmin(labels))
        raise InputError(
            f"{source}: the label of sample {first} is {low}", hint="labels count from 0"
        )
    if request.classes is not None and high >= request.classes:
        first = int(np.argmax(labels))
        raise InputError(
            f"{source}: the label of sample {first} is {high}, but the model has "
            f"{request.classes} classes",
            hint=f"labels go from 0 to {request.classes - 1}",
        )
    return labels.astype(np.int64)


def pixel_notes(columns: list[Array], request: Request) -> list[str]:
    """What looks odd in floats that may be pixels; they are taken as they are."""
    notes = []
    for tensor, values in zip(request.inputs, columns, strict=True):
        low, high = float(values.min()), float(values.max())
        given = request.preprocessing.pixel_range
        if given is not None and not min(given) <= low <= high <= max(given):
            notes.append(
                f"input {tensor.name!r} has values from {low:g} to {high:g}, beyond the pixel "
                f"range {given[0]:g} to {given[1]:g}: they were taken as they are"
            )
        elif given is None and _like_bytes(values, tensor, low, high):
            notes.append(
                f"input {tensor.name!r} has whole numbers from {low:g} to {high:g}: if they are "
                "pixels and the model was trained on 0 to 1, divide them by 255"
            )
    return notes


def _like_bytes(values: Array, tensor: Tensor, low: float, high: float) -> bool:
    image = len(tensor.shape) == 4 and (tensor.shape[3] in (1, 3) or tensor.shape[1] in (1, 3))
    return image and low >= 0 and 2 < high <= 255 and bool((values == np.rint(values)).all())
