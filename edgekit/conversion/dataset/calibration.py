"""Whether samples are fit to choose ranges by."""

from __future__ import annotations

import numpy as np

from edgekit.conversion.dataset.dataset import Dataset
from edgekit.errors import CalibrationError

#: Fewer say nothing about a range; the hint asks for more.
MIN_SAMPLES = 8
_BETTER = "100 to 500 samples like those that the device will meet are usual"


def check_for_calibration(dataset: Dataset) -> None:
    """Refuse samples whose ranges would mislead.

    Raises:
        CalibrationError: they are fewer than MIN_SAMPLES, all the same, constant or not finite.
    """
    name, count = dataset.name, len(dataset)
    if count < MIN_SAMPLES:
        samples = "1 sample is" if count == 1 else f"{count} samples are"
        raise CalibrationError(
            f"{name}: {samples} too few to calibrate with, it takes at least {MIN_SAMPLES}",
            hint=_BETTER,
        )
    for i, values in enumerate(dataset.inputs):
        bad = np.flatnonzero(~np.isfinite(values).reshape(count, -1).all(axis=1))
        if len(bad):
            raise CalibrationError(
                f"{name}: sample {bad[0]} has values that are not finite in input {i}",
                hint="leave such samples out",
            )
        low, high = float(values.min()), float(values.max())
        if low == high:
            raise CalibrationError(
                f"{name}: every value of input {i} is {low:g}, which gives no range", hint=_BETTER
            )
    if all((values == values[:1]).all() for values in dataset.inputs):
        raise CalibrationError(f"{name}: all {count} samples are the same", hint=_BETTER)
