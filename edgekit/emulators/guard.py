"""Ends emulators whose parent died without ending them: by SIGKILL, or in a crash.

One guard process serves one Python process. It reads process groups from a pipe, `+<group>` when
one starts and `-<group>` when it has been reaped; when the pipe ends, because nobody holds its
other end any more, the guard kills those that are left.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from typing import IO

_lock = threading.Lock()
_guard: subprocess.Popen[bytes] | None = None


def watch(group: int) -> None:
    """Have `group` killed if this process dies before release()."""
    _tell(f"+{group}\n")


def release(group: int) -> None:
    """The group has been reaped: its number may soon be somebody else's."""
    _tell(f"-{group}\n")


def start() -> None:
    """Start the guard, before the first process that it is to watch."""
    global _guard
    with _lock:
        if _guard is None or _guard.poll() is not None:
            _guard = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C at the terminal is not for it
            )


def stop() -> None:
    """End the guard; for the interpreter's exit, when nothing is left to watch."""
    global _guard
    with _lock:
        if _guard is not None and _guard.stdin is not None:
            _guard.stdin.close()
            _guard.wait()
            _guard = None


def _tell(line: str) -> None:
    with _lock, contextlib.suppress(BrokenPipeError):
        if _guard is not None and _guard.stdin is not None:
            _guard.stdin.write(line.encode())
            _guard.stdin.flush()


def _serve(lines: IO[str]) -> None:
    groups: set[int] = set()
    for line in lines:
        change = groups.add if line.startswith("+") else groups.discard
        change(int(line[1:]))
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    _serve(sys.stdin)
