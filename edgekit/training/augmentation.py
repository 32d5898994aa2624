"""Training inputs, changed a little in each epoch, so that few samples go further."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.errors import RecipeError
from edgekit.ir import Array


@dataclass(frozen=True, slots=True)
class Shift:
    """Moves each image [N, H, W, C] by up to `pixels` in both directions.

    What comes in from outside of the image has the value `fill`.
    """

    pixels: int = 2
    fill: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.pixels, int) or isinstance(self.pixels, bool) or self.pixels < 1:
            raise RecipeError(f"Shift: pixels must be a positive integer, not {self.pixels!r}")

    def __call__(self, images: Array, random: np.random.Generator) -> Array:
        """Move `images` [N, H, W, C]."""
        if images.ndim != 4:
            raise RecipeError(
                f"Shift moves images of shape [N, H, W, C], not samples of shape {images.shape}"
            )
        count, height, width, _ = images.shape
        margin = ((0, 0), (self.pixels,) * 2, (self.pixels,) * 2, (0, 0))
        padded = np.pad(images, margin, constant_values=self.fill)
        y, x = random.integers(0, 2 * self.pixels + 1, (2, count))
        moved = np.empty_like(images)
        for image in range(count):
            top, left = y[image], x[image]
            moved[image] = padded[image, top : top + height, left : left + width]
        return moved
