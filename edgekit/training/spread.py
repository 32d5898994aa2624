"""What a few seeds say, and how surely."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Values of several seeds. One seed has no spread: `deviation` and the interval are None."""

    mean: float
    deviation: float | None  # the sample's standard deviation
    low: float | None  # ends of the 95 % confidence interval of the mean
    high: float | None


def spread(values: Sequence[float]) -> Spread:
    """Mean, standard deviation and Student's interval, which takes the seeds for independent."""
    count = len(values)
    mean = math.fsum(values) / count
    if count < 2:
        return Spread(mean=mean, deviation=None, low=None, high=None)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    half = student_t95(count - 1) * deviation / math.sqrt(count)
    return Spread(mean=mean, deviation=deviation, low=mean - half, high=mean + half)


def student_t95(freedom: int) -> float:
    """The t that Student's distribution stays within, on both sides, with a probability of 95 %."""
    low, high = 0.0, 16.0  # 12.7 at one degree of freedom
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < 0.95 else (low, middle)
    return high


def _within(t: float, freedom: int) -> float:
    """P(|T| < t), by Abramowitz and Stegun 1964, 26.7.3 and 26.7.4."""
    angle = math.atan(t / math.sqrt(freedom))
    cosine, first = math.cos(angle), 1 if freedom % 2 else 0
    term, total = (cosine if first else 1.0), 0.0
    for k in range(first, freedom - 1, 2):
        total += term
        term *= cosine**2 * (k + 1) / (k + 2)
    if first:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total
