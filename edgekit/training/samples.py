"""Whether samples and models fit each other, said before any training."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import RecipeError
from edgekit.ir import Array
from edgekit.training.recipe import Data, Samples


def checked(data: object, *, where: str = "data()") -> Data:
    """`data` with float32 inputs and int32 labels.

    Args:
        where: who made it, for messages: "recipe.py, line 12, data()".

    Raises:
        RecipeError: it is no Data, or one of its parts is malformed.
    """
    if not isinstance(data, Data):
        raise RecipeError(
            f"{where} must return Data(train=(x, y), validation=(x, y), test=(x, y)), "
            f"not {type(data).__name__}"
        )
    train, validation, test = (
        _samples(getattr(data, part), f"{where}: {part}")
        for part in ("train", "validation", "test")
    )
    for part, samples in (("validation", validation), ("test", test)):
        if samples[0].shape[1:] != train[0].shape[1:]:
            raise RecipeError(
                f"{where}: samples of {part} have shape {samples[0].shape[1:]}, "
                f"those of train {train[0].shape[1:]}"
            )
    return Data(train=train, validation=validation, test=test)


def _samples(part: object, where: str) -> Samples:
    if not isinstance(part, tuple) or len(part) != 2:
        raise RecipeError(f"{where} must be a pair of inputs and labels, not {_kind(part)}")
    inputs, labels = (np.asarray(values) for values in part)
    if inputs.dtype.kind not in "fiu" or inputs.ndim < 2:
        raise RecipeError(
            f"{where}: inputs must be numbers of shape [N, …], not {_kind(inputs)}",
            hint="each sample needs a shape of its own, such as (28, 28, 1)",
        )
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise RecipeError(
            f"{where}: labels must be integers of shape [N], not {_kind(labels)}",
            hint="number the classes from 0; of one-hot labels take argmax(axis=1)",
        )
    if not len(inputs) or len(inputs) != len(labels):
        raise RecipeError(f"{where} has {len(inputs)} inputs and {len(labels)} labels")
    inputs = np.ascontiguousarray(inputs, np.float32)
    bad = len(inputs) - int(np.isfinite(inputs).reshape(len(inputs), -1).all(axis=1).sum())
    if bad:
        raise RecipeError(f"{where}: {bad} of {len(inputs)} inputs hold NaN or infinity")
    if labels.min() < 0:
        raise RecipeError(f"{where}: a label is {labels.min()}; classes are numbered from 0")
    return inputs, labels.astype(np.int32)


def _kind(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {list(value.shape)}"
    return type(value).__name__


def refuse_unfit(model: Any, data: Data, *, where: str) -> None:
    """Say what keeps `model` from classifying `data`.

    Args:
        where: who made the model: "recipe.py, line 20, student()".

    Raises:
        RecipeError: it is no classifier with one input and one output, or not of these samples.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise RecipeError(
            f"{where}: the model has {len(model.inputs)} inputs and {len(model.outputs)} outputs; "
            "edgekit trains models with one of each"
        )
    wanted, given = tuple(model.inputs[0].shape[1:]), data.train[0].shape[1:]
    fits = len(wanted) == len(given) and all(
        size in (None, have) for size, have in zip(wanted, given, strict=True)
    )
    if not fits:
        raise RecipeError(
            f"{where}: the model takes samples of shape {wanted}, but data() has {given}"
        )
    shape = tuple(model.outputs[0].shape[1:])
    if len(shape) != 1 or shape[0] is None or shape[0] < 2:
        raise RecipeError(
            f"{where}: the model's output has shape {shape}; one number for each of at least two "
            "classes is wanted"
        )
    for part in ("train", "validation", "test"):
        labels: Array = getattr(data, part)[1]
        if labels.max() >= shape[0]:
            raise RecipeError(
                f"{where}: the model has {shape[0]} classes, but a label of {part} is "
                f"{labels.max()}",
                hint=f"number the classes from 0 to {shape[0] - 1}",
            )


def place_of(function: Any) -> str:
    """Where a function was written: "recipe.py, line 12, data()"."""
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    name = getattr(function, "__name__", str(function))
    if code is None:
        return f"{name}()"
    return f"{Path(code.co_filename).name}, line {code.co_firstlineno}, {name}()"
