"""What a command of edgekit left behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str

    def said(self, code: int, *words: str) -> None:
        """Assert an error with all `words` and a hint, and nothing on stdout."""
        self.failed(code, "hint: ", *words)

    def failed(self, code: int, *words: str) -> None:
        """Assert an error with all `words`, and nothing on stdout."""
        assert self.code == code, self.stderr
        assert self.stderr.startswith("error: "), self.stderr
        flat = " ".join(self.stderr.split())
        for word in words:
            assert word in flat, self.stderr
        assert "internal error" not in flat
        assert self.stdout == ""


Command = Callable[..., Done]
