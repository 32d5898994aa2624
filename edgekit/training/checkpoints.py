"""The state of a training on disk: written whole or not at all, read only if it belongs."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import files
from edgekit.errors import EdgekitError
from edgekit.ir import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """What one epoch came to."""

    stage: str
    loss: float  # the mean over its batches, weighted as the stage says
    validation_loss: float  # cross-entropy, nats
    validation_accuracy: float  # 0..1
    seconds: float

    @property
    def merit(self) -> tuple[float, float]:
        """The greater, the better: accuracy on the validation data, then the loss there."""
        return self.validation_accuracy, -self.validation_loss


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All that a training needs to go on as if it had never stopped."""

    fingerprint: str  # of what is trained, by what and on what
    history: tuple[Epoch, ...]  # of the epochs that are done
    best_epoch: int  # an index of `history`
    variables: tuple[Array, ...]  # of the model: weights, statistics, states of random layers
    optimizer: tuple[Array, ...]
    best: tuple[Array, ...]  # the model's variables after `best_epoch`


def save_state(path: Path, state: State) -> None:
    """Write `state`.

    Raises:
        EdgekitError: the disk is full or broken, or the file cannot be written.
    """
    facts = {
        "fingerprint": state.fingerprint,
        "history": [asdict(epoch) for epoch in state.history],
        "best_epoch": state.best_epoch,
        "counts": [len(state.variables), len(state.optimizer), len(state.best)],
    }
    values = (*state.variables, *state.optimizer, *state.best)
    arrays: dict[str, Any] = {f"a{i}": value for i, value in enumerate(values)}

    content = io.BytesIO()
    np.savez(content, **arrays, facts=np.array(json.dumps(facts)))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise files.unwritable(path, error.strerror or str(error)) from error
    files.write_whole(path, content.getvalue())


def load_state(path: Path, fingerprint: str) -> State | None:
    """The state in `path`; None if there is none, or if it is of another training."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            facts = json.loads(str(file["facts"]))
            if facts["fingerprint"] != fingerprint:
                return None
            values = tuple(file[f"a{i}"] for i in range(sum(facts["counts"])))
            history = tuple(Epoch(**epoch) for epoch in facts["history"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None  # also what a power failure left
    first, second, _ = facts["counts"]
    return State(
        fingerprint=fingerprint,
        history=history,
        best_epoch=int(facts["best_epoch"]),
        variables=values[:first],
        optimizer=values[first : first + second],
        best=values[first + second :],
    )


def save_model(path: Path, model: Any) -> None:
    """Write a keras.Model as a .keras file.

    Raises:
        EdgekitError: the disk is full or broken, or the file cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory() as directory:
            written = Path(directory) / path.name
            model.save(written)
            content = written.read_bytes()
    except OSError as error:
        raise EdgekitError(
            f"cannot save the model {path.name} in {tempfile.gettempdir()}: "
            f"{error.strerror or error}"
        ) from error
    files.write_whole(path, content)


def values_of(variables: Sequence[Any]) -> tuple[Array, ...]:
    """Copies of what Keras variables hold."""
    return tuple(variable.numpy().copy() for variable in variables)


def assign(variables: Sequence[Any], values: Sequence[Array]) -> None:
    """Put `values` into Keras variables."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
