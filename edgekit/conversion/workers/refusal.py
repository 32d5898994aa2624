"""What a worker raises when the model, not the converter, is what has to change."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 - it is the model that errs
    """One sentence on what about the model cannot be converted, and a hint on what to do."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Missing(Exception):  # noqa: N818
    """One sentence on what is not installed, and a hint on how to install it."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
