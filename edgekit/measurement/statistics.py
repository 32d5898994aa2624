"""What a count of samples says, and how surely."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from edgekit.ir import Array

_Z95 = NormalDist().inv_cdf(0.975)  # two-sided


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % confidence interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportion:
    """A share of samples, 0..1."""

    value: float
    interval: Interval
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """How two models differ in accuracy on the same samples: second minus first."""

    value: float
    interval: Interval
    gained: int  # samples that only the second gets right
    lost: int  # samples that only the first gets right
    samples: int


def proportion(hits: int, samples: int) -> Proportion:
    """`hits` of `samples`, with the score interval (Wilson, J. Am. Stat. Assoc. 22, 1927)."""
    share, z2 = hits / samples, _Z95**2
    centre = (share + z2 / (2 * samples)) / (1 + z2 / samples)
    spread = share * (1 - share) / samples + z2 / (4 * samples**2)
    half = _Z95 * math.sqrt(spread) / (1 + z2 / samples)
    # the ends meet 0 and 1 exactly, where rounding would leave them a hair away
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == samples else min(1.0, centre + half)
    return Proportion(value=share, interval=Interval(low, high), samples=samples)


def paired_difference(first: Array, second: Array) -> PairedDifference:
    """How often `second` is right minus how often `first` is, both bool [N], on the same samples.

    The interval is the adjusted Wald interval of Bonett and Price (J. Educ. Behav. Stat. 37, 2012),
    which stays honest for few samples and for few that differ. It is narrower than that of two
    independent shares, because what both get right or wrong says nothing of their difference.
    """
    samples = len(first)
    gained = int(np.count_nonzero(~first & second))
    lost = int(np.count_nonzero(first & ~second))
    more, less = (gained + 1) / (samples + 2), (lost + 1) / (samples + 2)
    centre = more - less
    half = _Z95 * math.sqrt((more + less - centre**2) / (samples + 2))
    return PairedDifference(
        value=(gained - lost) / samples,
        interval=Interval(max(-1.0, centre - half), min(1.0, centre + half)),
        gained=gained,
        lost=lost,
        samples=samples,
    )


def decibels(reference: Array, approximation: Array) -> float:
    """Signal-to-quantisation-noise ratio of `approximation`; infinite where nothing differs."""
    signal = float(np.square(reference, dtype=np.float64).sum())
    noise = float(np.square(np.subtract(reference, approximation, dtype=np.float64)).sum())
    if noise == 0.0:
        return math.inf
    return -math.inf if signal == 0.0 else 10 * math.log10(signal / noise)
