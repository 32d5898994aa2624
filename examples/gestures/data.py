"""Smartwatch motion of ten people doing seven shoulder exercises, divided by person.

The recordings lie in the package seglearn. They are read as they lie there: importing seglearn
would pull in scikit-learn and SciPy.

    edgekit convert … --calibration examples/gestures/data.py:training
"""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

STEPS = 128  # of one segment: 2.56 s at 50 Hz, about one and a half repetitions
CHANNELS = 6  # acceleration x, y, z; turning rate x, y, z
GESTURES = ("PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW")  # as the data set calls them

#: Nobody is in two of them: what is measured is how well the network knows strangers.
TRAINING_PEOPLE = (1, 2, 3, 4, 5)
VALIDATION_PEOPLE = (6, 7)
TEST_PEOPLE = (8, 9, 10)

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Segments:
    """Pieces of recordings, of equal length and in random order."""

    motion: Floats  # [N, STEPS, CHANNELS], about the size of 1
    labels: Integers  # [N], indices of GESTURES
    people: Integers  # [N]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Motion:
    """Segments of different people, all divided by the same scale."""

    training: Segments
    validation: Segments
    test: Segments
    scale: Floats  # [CHANNELS]: what the network gets is the sensor's value divided by it


def training() -> tuple[Floats, Integers]:
    """Segments and labels to learn and calibrate from; they overlap by half."""
    return _pair(load().training)


def validation() -> tuple[Floats, Integers]:
    """Segments and labels of other people, to choose an epoch and a seed by."""
    return _pair(load().validation)


def test() -> tuple[Floats, Integers]:
    """Segments and labels of yet others, on which no choice depends."""
    return _pair(load().test)


def _pair(segments: Segments) -> tuple[Floats, Integers]:
    return segments.motion, segments.labels


@functools.cache
def load() -> Motion:
    """All segments, scaled by what the training people did.

    Each sensor has one scale for its three axes, so that a turned watch gives turned values.
    """
    recordings = list(_recordings())
    known = np.concatenate([r.motion for r in recordings if r.person in TRAINING_PEOPLE])
    acceleration, turning = known[:, :3].std(), known[:, 3:].std()
    scale = np.repeat([acceleration, turning], 3).astype(np.float32)
    return Motion(
        training=_segments(recordings, TRAINING_PEOPLE, scale, stride=STEPS // 2),
        validation=_segments(recordings, VALIDATION_PEOPLE, scale, stride=STEPS),
        test=_segments(recordings, TEST_PEOPLE, scale, stride=STEPS),
        scale=scale,
    )


@dataclass(frozen=True)
class _Recording:
    motion: npt.NDArray[np.float64]  # [steps, CHANNELS]
    label: int
    person: int


def _recordings() -> Iterator[_Recording]:
    with _file().open("rb") as file:  # the package's own file, which is a pickle
        content: dict[str, Any] = np.load(file, allow_pickle=True).item()
    if tuple(content["y_labels"]) != GESTURES or len(content["X"]) != 140:
        sys.exit("error: seglearn's recordings are not the 140 that this example knows")
    for motion, label, person in zip(content["X"], content["y"], content["subject"], strict=True):
        yield _Recording(motion, int(label), int(person))


def _segments(
    recordings: Iterable[_Recording], people: tuple[int, ...], scale: Floats, *, stride: int
) -> Segments:
    motion, labels, persons = [], [], []
    for recording in recordings:
        if recording.person not in people:
            continue
        for start in range(0, len(recording.motion) - STEPS + 1, stride):
            motion.append(recording.motion[start : start + STEPS])
            labels.append(recording.label)
            persons.append(recording.person)
    order = np.random.default_rng(0).permutation(len(labels))  # so that the first N show all
    return Segments(
        motion=(np.stack(motion)[order] / scale).astype(np.float32),
        labels=np.array(labels, np.int64)[order],
        people=np.array(persons, np.int64)[order],
    )


def _file() -> Path:
    package = importlib.util.find_spec("seglearn")  # finds it without importing it
    if package is None or package.origin is None:
        sys.exit(
            "error: the recordings are not here: the package seglearn is missing\n"
            " hint: pip install --no-deps seglearn"
        )
    return Path(package.origin).parent / "data" / "watch_dataset.npy"
