"""Starts programs so that no Ctrl-C can come between a process and the one who is to end it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any


def start(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """Popen in a process group of its own; if a signal ends this process meanwhile, none is left.

    Starting takes milliseconds, in which an exception from a signal handler would lose the child.
    """
    process: subprocess.Popen[bytes] | None = None
    try:
        with signals_later():
            process = subprocess.Popen(command, start_new_session=True, **options)
    except BaseException:
        if process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        raise
    return process


def end(process: subprocess.Popen[bytes], *, patience_s: float = 5.0) -> None:
    """End what `start` started, with its process group: asked first, then not."""
    for number, wait_s in ((signal.SIGTERM, patience_s), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(wait_s)
            return


@contextlib.contextmanager
def signals_later() -> Iterator[None]:
    """Handle in the end what signals arrive meanwhile, in what must not be cut short.

    Only the main thread handles any.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[tuple[int, FrameType | None]] = []
    handlers = {
        number: handler
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if callable(handler := signal.getsignal(number))
    }
    for number in handlers:
        signal.signal(number, lambda number, frame: arrived.append((number, frame)))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for first, frame in arrived[:1]:
        handlers[signal.Signals(first)](first, frame)
