"""Samples in memory, as the float model takes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.errors import InputError
from edgekit.ir import Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset:
    """Samples for a float model, with their labels if there are any."""

    inputs: tuple[Array, ...]  # one for each input of the model, float32 [N, *shape[1:]]
    labels: Array | None  # int64 [N]
    name: str  # for messages and reports
    classes: tuple[str, ...] = ()  # what each label stands for, where sub-folders said it
    notes: tuple[str, ...] = ()  # what a reader of the result should know, in sentences

    def __len__(self) -> int:
        return len(self.inputs[0])

    def take(self, count: int) -> Dataset:
        """`count` samples spread evenly over all, or all if there are no more.

        Spread, because data are often sorted by class: the first `count` would miss some.

        Raises:
            InputError: `count` is less than 1.
        """
        if count < 1:
            raise InputError(f"{count} samples of {self.name} were asked for", hint="at least 1")
        return self if count >= len(self) else self.at(spread(len(self), count))

    def split(self, fraction: float, seed: int = 0) -> tuple[Dataset, Dataset]:
        """Divide at random into two parts that share no sample, e.g. calibration and held-out.

        Each class is divided in the same proportion where there are labels. Both parts keep the
        order of the whole.

        Args:
            fraction: share of the first part, between 0 and 1.
            seed: another one gives another division, the same one the same.

        Raises:
            InputError: the fraction is not between 0 and 1, or leaves a part without samples.
        """
        if not 0 < fraction < 1:
            raise InputError(f"{self.name} cannot be split at {fraction}", hint="0 < fraction < 1")
        chosen = _stratified(self._groups(), fraction, np.random.default_rng(seed))
        if not 0 < len(chosen) < len(self):
            raise InputError(
                f"{self.name} has {len(self)} samples: split at {fraction}, one part has none",
                hint="give more samples, or another fraction",
            )
        return self.at(chosen), self.at(np.setdiff1d(np.arange(len(self)), chosen))

    def at(self, indices: Array) -> Dataset:
        """The samples at `indices`, in that order."""
        return dataclasses.replace(
            self,
            inputs=tuple(values[indices] for values in self.inputs),
            labels=None if self.labels is None else self.labels[indices],
        )

    def _groups(self) -> list[Array]:
        """Indices of the samples of each class; of all samples without labels."""
        if self.labels is None:
            return [np.arange(len(self))]
        return [np.flatnonzero(self.labels == label) for label in np.unique(self.labels)]


def spread(total: int, count: int | None) -> Array:
    """Indices of `count` of `total` samples (None: of all), evenly spaced and ascending."""
    if count is None or count >= total:
        return np.arange(total)
    return np.arange(count) * total // count


def _stratified(groups: Sequence[Array], fraction: float, rng: np.random.Generator) -> Array:
    """`fraction` of each group at random, ascending; the total is rounded, not each group.

    What rounding down leaves goes to the groups with the largest remainders.
    """
    shares = [fraction * len(group) for group in groups]
    counts = [int(share) for share in shares]
    left = round(sum(shares)) - sum(counts)
    by_remainder = sorted(range(len(groups)), key=lambda i: counts[i] - shares[i])
    for i in by_remainder[:left]:
        counts[i] += 1
    parts = [rng.permutation(group)[:count] for group, count in zip(groups, counts, strict=True)]
    return np.sort(np.concatenate(parts))
