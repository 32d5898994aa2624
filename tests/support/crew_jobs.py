"""What workers of a crew are asked to do in tests; they import it by its name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from edgekit import processes
from edgekit.errors import BoardError
from edgekit.progress import Progress


def square(number: int, progress: Progress) -> tuple[int, int]:
    """The square, and who says so."""
    progress("squaring", 1, 2)
    return number * number, os.getpid()


def refuse(progress: Progress) -> None:
    raise BoardError("no such board", hint="another")


def stumble(progress: Progress) -> None:
    raise ZeroDivisionError("by zero")


def fill_the_disk(progress: Progress) -> None:
    raise OSError(28, "No space left on device", "/full")


def crash(progress: Progress) -> None:
    sys.stderr.write("last words\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGSEGV)


def dawdle(pids: str, progress: Progress) -> None:
    """Start a child, write both process ids to the file, and wait until somebody ends it."""
    child = processes.start(["sleep", "60"], stdout=subprocess.DEVNULL)
    try:
        Path(pids).write_text(f"{os.getpid()} {child.pid}\n")
        time.sleep(60)
    finally:
        processes.end(child)
