"""A chain of models that answer the same samples: what each step of the way cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.errors import InputError
from edgekit.ir import Array
from edgekit.measurement.statistics import (
    PairedDifference,
    Proportion,
    decibels,
    paired_difference,
    proportion,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What one model said to each sample."""

    name: str  # "teacher", "float", "INT8" …
    outputs: Array  # of its first output: real numbers [N, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One model of a chain, beside the one before it."""

    name: str
    samples: int
    accuracy: Proportion | None  # None without labels
    agreement: Proportion | None  # share of samples classified as before; None for the first,
    #                               and where the outputs are no classes
    difference: PairedDifference | None  # of accuracy, against the step before
    share_of_loss: float | None  # of all that the chain lost; None where it lost nothing
    sqnr_db: float | None  # of the outputs against the step before; None where nothing differs


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """All steps, and what lies between the first and the last."""

    steps: tuple[Step, ...]
    difference: PairedDifference | None  # of the last that answered all samples, to the first
    classes: int  # 0: the outputs are no classes


def compare_answers(
    answers: Sequence[Answers], labels: Array | None, *, classifies: bool = True
) -> Chain:
    """Compare each model with the one before it, on the samples that both answered.

    A later model may have answered only the first n samples: a device is slow.

    Args:
        answers: at least one, in the order of the road.
        labels: integers [N], or None.
        classifies: False if outputs are signals or images, whose greatest value means nothing.

    Raises:
        InputError: labels do not fit the outputs, or outputs are not of one shape.
    """
    classes = _classes(answers) if classifies else 0
    if labels is not None:
        _refuse_odd_labels(labels, classes)
    total = None
    whole = [model for model in answers if len(model.outputs) == len(answers[0].outputs)]
    if labels is not None and len(whole) > 1:
        total = _difference(whole[0], whole[-1], labels)
    steps = [
        _step(before, model, labels, total, classes)
        for before, model in zip((None, *answers), answers, strict=False)
    ]
    return Chain(steps=tuple(steps), difference=total, classes=classes)


def classified(outputs: Array) -> Array:
    """The class that each of `outputs` [N, ...] stands for, int64 [N].

    The greatest of several; of a single output whether it passes one half, or zero where some
    output is no probability.
    """
    flat = outputs.reshape(len(outputs), -1)
    if flat.shape[1] > 1:
        return np.asarray(flat.argmax(axis=1), np.int64)
    middle = 0.5 if flat.size and flat.min() >= 0 and flat.max() <= 1 else 0.0
    return np.asarray(flat[:, 0] > middle, np.int64)


def _step(
    before: Answers | None,
    model: Answers,
    labels: Array | None,
    total: PairedDifference | None,
    classes: int,
) -> Step:
    count = len(model.outputs)
    accuracy = agreement = difference = share = sqnr_db = None
    if labels is not None:
        hits = int((classified(model.outputs) == labels[:count]).sum())
        accuracy = proportion(hits, count)
    if before is not None:
        ours, theirs = model.outputs, before.outputs[:count]
        ratio = decibels(theirs, ours) if theirs.shape == ours.shape else None
        sqnr_db = ratio if ratio is not None and np.isfinite(ratio) else None
        if classes:
            same = int((classified(ours) == classified(theirs)).sum())
            agreement = proportion(same, count)
        if labels is not None:
            difference = _difference(before, model, labels)
            if total is not None and total.value < 0:
                share = difference.value / total.value
    return Step(
        name=model.name,
        samples=count,
        accuracy=accuracy,
        agreement=agreement,
        difference=difference,
        share_of_loss=share,
        sqnr_db=sqnr_db,
    )


def _difference(first: Answers, second: Answers, labels: Array) -> PairedDifference:
    count = min(len(first.outputs), len(second.outputs))
    right = [classified(model.outputs[:count]) == labels[:count] for model in (first, second)]
    return paired_difference(right[0], right[1])


def _classes(answers: Sequence[Answers]) -> int:
    first = answers[0].outputs
    flat = first.reshape(len(first), -1).shape[1]
    for model in answers[1:]:
        size = model.outputs.reshape(len(model.outputs), -1).shape[1]
        if size != flat:
            raise InputError(
                f"{answers[0].name} has {flat} outputs and {model.name} has {size}",
                hint="give models that answer the same question",
            )
    return max(flat, 2)


def _refuse_odd_labels(labels: Array, classes: int) -> None:
    if not classes:
        raise InputError("labels were given, but the model's output is no list of classes")
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        odd = int(labels.min() if labels.min() < 0 else labels.max())
        raise InputError(
            f"a label is {odd}, but the model has {classes} classes",
            hint=f"number the classes from 0 to {classes - 1}",
        )
