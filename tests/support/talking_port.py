"""A serial port at which a board talks by itself, goes away, and comes back as another device."""

from __future__ import annotations

import os
import pty
import tty
from pathlib import Path


class TalkingPort:
    """`path` leads to a pseudo-terminal: a new one each time that it appears."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptors: tuple[int, ...] = ()
        self.appear()

    def appear(self) -> None:
        """Plug it in."""
        master, slave = pty.openpty()
        tty.setraw(slave)
        self._descriptors = (master, slave)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(slave))

    def vanish(self) -> None:
        """Pull it out."""
        # The name goes first: the next terminal that anyone opens may get this one's number.
        self.path.unlink(missing_ok=True)
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = ()

    def say(self, text: bytes) -> None:
        """Send."""
        while text:
            text = text[os.write(self._descriptors[0], text) :]
