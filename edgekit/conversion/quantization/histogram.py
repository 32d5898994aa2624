"""What values an activation took, counted in bins that widen as larger ones come."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgekit.ir import Array

_BINS = 4096  # over [-reach, reach)
_LEAST_REACH = 2.0**-100


@dataclass(frozen=True, slots=True)
class Spread:
    """How values are spread. `counts[i]` of them lie in [edges[i], edges[i + 1])."""

    low: float  # least value, and 0 if all are above
    high: float  # greatest value, and 0 if all are below
    counts: Array  # int64 [bins]; exact zeros left out
    edges: Array  # float64 [bins + 1]
    total: int  # of all values, zeros too

    def within(self, low: float, high: float) -> Spread:
        """The same where what lies beyond low..high counts as if it were there."""
        if self.low >= low and self.high <= high:
            return self
        centres = np.clip((self.edges[:-1] + self.edges[1:]) / 2, low, high)
        bins = np.searchsorted(self.edges, centres, side="right") - 1
        counts = np.bincount(bins, self.counts, len(self.counts)).astype(np.int64)
        return Spread(max(self.low, low), min(self.high, high), counts, self.edges, self.total)

    def beyond(self, low: float, high: float) -> float:
        """The share of values outside low..high, to within a bin."""
        centres = (self.edges[:-1] + self.edges[1:]) / 2
        outside = int(self.counts[(centres < low) | (centres > high)].sum())
        return outside / self.total if self.total else 0.0


class Histogram:
    """Counts values as they come, in bins of equal width; least and greatest are kept exactly.

    The range is symmetric and a power of two. When a value lies outside, it doubles and pairs of
    bins become one, so the counts do not depend on the order of the values.
    """

    def __init__(self) -> None:
        self._reach = _LEAST_REACH
        self._counts = np.zeros(_BINS, np.int64)
        self._zeros = 0
        self._low = math.inf
        self._high = -math.inf

    def add(self, values: Array) -> None:
        """Count finite float32 values of any shape."""
        flat = values.reshape(-1)
        if not len(flat):
            return
        low, high = float(flat.min()), float(flat.max())
        self._low, self._high = min(self._low, low), max(self._high, high)
        self._widen(max(-low, high))
        zeros = int(len(flat) - np.count_nonzero(flat))
        self._zeros += zeros
        if zeros == len(flat):
            return
        # scaling by a power of two is exact
        bins = np.floor(flat * np.float32(_BINS / (2 * self._reach))).astype(np.int32)
        bins += _BINS // 2
        self._counts += np.bincount(bins, minlength=_BINS)
        self._counts[_BINS // 2] -= zeros

    def spread(self) -> Spread:
        """What was counted so far."""
        edges = np.linspace(-self._reach, self._reach, _BINS + 1)
        return Spread(
            low=min(self._low, 0.0),
            high=max(self._high, 0.0),
            counts=self._counts.copy(),
            edges=edges,
            total=int(self._counts.sum()) + self._zeros,
        )

    def _widen(self, magnitude: float) -> None:
        while self._reach <= magnitude:
            if not self._counts.any():
                self._reach = 2.0 ** (math.floor(math.log2(magnitude)) + 1)
                return
            self._counts, self._reach = _halved(self._counts), self._reach * 2


def _halved(counts: Array) -> Array:
    """The counts in bins of twice the width around the same middle."""
    pairs = counts.reshape(-1, 2).sum(axis=1)
    quarter = np.zeros(_BINS // 4, np.int64)
    return np.concatenate([quarter, pairs, quarter])
