"""How long work says how far it is."""

from __future__ import annotations

from collections.abc import Callable

#: Told of progress: what is being done, how much of it is done, how much there is (0: unknown).
Progress = Callable[[str, int, int], None]

#: How a stage begins that takes something from the network: that is never done unseen.
FETCHING = "fetching "


def silent(stage: str, done: int, total: int) -> None:
    """A Progress that nobody watches."""
    del stage, done, total
