"""How the range of an activation is chosen from the values that it took."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from edgekit.conversion.quantization.histogram import Spread
from edgekit.conversion.quantization.options import METHODS

Range = tuple[float, float]

_STEPS = 255  # between the least and the greatest int8
_CANDIDATES = 128  # for each end of a range


def min_max(spread: Spread) -> Range:
    """All values."""
    return spread.low, spread.high


def percentile(spread: Spread, share: float) -> Range:
    """All values but the outermost: of each end, 1 - `share`."""
    allowed = (1 - share) * spread.total
    below = np.cumsum(spread.counts)
    above = np.cumsum(spread.counts[::-1])
    if below[-1] <= 2 * allowed:
        return min_max(spread)  # nearly all are exact zeros: nothing would be left
    # the first bin that may not be cut off, from either end
    first = int(np.argmax(below > allowed))
    last = len(above) - 1 - int(np.argmax(above > allowed))
    low = max(spread.low, float(spread.edges[first]))
    high = min(spread.high, float(spread.edges[last + 1]))
    return min(low, 0.0), max(high, 0.0)


def least_squares(spread: Spread) -> Range:
    """The range of the least expected squared error in int8.

    A value inside is rounded: a twelfth of the squared step, nothing for an exact zero. One outside
    is clipped: the squared distance. Both ends are searched together, on a grid.
    """
    centres = (spread.edges[:-1] + spread.edges[1:]) / 2
    counts = spread.counts.astype(np.float64)
    fractions = np.arange(1, _CANDIDATES + 1) / _CANDIDATES
    highs = spread.high * fractions if spread.high > 0 else np.zeros(1)
    lows = spread.low * fractions if spread.low < 0 else np.zeros(1)
    clipped_high, above = _clipping(centres, counts, highs)
    clipped_low, below = _clipping(-centres, counts, -lows)
    steps = (highs[None, :] - lows[:, None]) / _STEPS
    inside = counts.sum() - above[None, :] - below[:, None]
    error = steps**2 / 12 * inside + clipped_high[None, :] + clipped_low[:, None]
    i, j = np.unravel_index(int(error.argmin()), error.shape)
    return float(lows[i]), float(highs[j])


def _clipping(
    centres: np.ndarray, counts: np.ndarray, limits: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(Sum of squared distances, count) of what lies above each limit."""
    order = np.argsort(centres)
    c, n = centres[order], counts[order]
    totals = [np.append(np.cumsum((n * c**power)[::-1])[::-1], 0.0) for power in (0, 1, 2)]
    at = np.searchsorted(c, limits, side="right")
    zeroth, first, second = (total[at] for total in totals)
    return np.maximum(second - 2 * limits * first + limits**2 * zeroth, 0.0), zeroth


#: METHODS by name.
CHOICES: Final[Mapping[str, Callable[[Spread], Range]]] = dict(
    zip(
        METHODS,
        (
            min_max,
            lambda spread: percentile(spread, 0.9999),
            lambda spread: percentile(spread, 0.999),
            least_squares,
        ),
        strict=True,
    )
)
