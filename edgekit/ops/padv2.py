"""PADV2: the input with a given value around it."""

from __future__ import annotations

from edgekit.ops.padding import Padding


class PadV2(Padding):
    """Input 2 is the value."""

    stem = "padv2"
    builtin_code = 60
    options_type = 43
