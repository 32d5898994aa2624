"""PAD: the input with zeroes around it."""

from __future__ import annotations

from edgekit.ops.padding import Padding


class Pad(Padding):
    """A zero is the output's zero point for int8, and 0 for other types."""

    stem = "pad"
    builtin_code = 34
    options_type = 22
