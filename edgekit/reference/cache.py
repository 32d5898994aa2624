"""Reference outputs, kept between runs: the oracle takes seconds to start, a look-up takes none."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgekit import resources
from edgekit.errors import OracleError
from edgekit.frontends import tflite
from edgekit.ir import Array
from edgekit.reference import interpreter, oracle

NUMPY_NAME: Final = "edgekit numpy reference"

Outputs = list[tuple[Array, ...]]


def outputs_for(model: bytes, inputs: Sequence[tuple[Array, ...]]) -> tuple[Outputs, str]:
    """What `model` must answer to each set of inputs, and who says so.

    TFLite Micro says so where its pinned package is installed, or did so earlier; elsewhere, and
    where it refuses a model that edgekit compiles, the NumPy reference does, and its name says why.

    Raises:
        ModelError: there is no oracle, and the NumPy reference cannot run the model.
    """
    path = folder() / f"{_key(model, inputs)}.npz"
    cached = _load(path, len(inputs))
    if cached is not None:
        return cached, oracle.NAME
    if not oracle.Oracle.available():
        return _computed(model, inputs), NUMPY_NAME
    try:
        outputs = _oracle().run(model, inputs)
    except OracleError as error:
        reason = str(error).splitlines()[0]
        return _computed(model, inputs), f"{NUMPY_NAME} ({oracle.NAME} refused: {reason})"
    # without a place to write there is no cache, and no harm
    with contextlib.suppress(OSError):
        _store(path, outputs)
    return outputs, oracle.NAME


def _computed(model: bytes, inputs: Sequence[tuple[Array, ...]]) -> Outputs:
    graph = tflite.read(model)
    return [interpreter.evaluate(graph, one) for one in inputs]


def folder() -> Path:
    """Where the oracle's outputs are kept."""
    return resources.cache() / "oracle"


@functools.cache
def _oracle() -> oracle.Oracle:
    return oracle.Oracle()


def _key(model: bytes, inputs: Sequence[tuple[Array, ...]]) -> str:
    digest = hashlib.sha256(f"{oracle.NAME}\n".encode())
    digest.update(hashlib.sha256(model).digest())
    for one in inputs:
        digest.update(f"set of {len(one)}\n".encode())
        for array in one:
            digest.update(f"{array.dtype.str} {array.shape}\n".encode())
            digest.update(np.asarray(array, order="C").tobytes())
    return digest.hexdigest()


def _store(path: Path, outputs: Outputs) -> None:
    """Write beside and rename: a reader sees the whole file or none."""
    arrays: dict[str, Any] = {
        f"{i}_{j}": array for i, one in enumerate(outputs) for j, array in enumerate(one)
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            np.savez(file, **arrays)
        Path(beside).replace(path)
    finally:
        Path(beside).unlink(missing_ok=True)


def _load(path: Path, sets: int) -> Outputs | None:
    """The outputs, or None if they are not there or not whole."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            count = len(stored.files) // sets if sets else 0
            return [tuple(stored[f"{i}_{j}"] for j in range(count)) for i in range(sets)]
    except Exception:
        return None  # what a damaged archive raises has no end, and it is written anew
