"""One worker process of a crew (crew.py): does one job after the other, until nobody asks it.

Requests and answers are pickles on a socket pair. It ends when the other end is closed, and by
SIGTERM, which ends what it started, as it would for `edgekit run`.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from edgekit.errors import EdgekitError
from edgekit.progress import Progress

_PAUSE_S = 0.1  # between two reports of progress in one stage: thousands of inputs are no news


class Trouble:
    """Why a job has no result: what `edgekit run` would have said and ended with."""

    def __init__(self, error: str, hint: str | None, exit_code: int) -> None:
        self.error, self.hint, self.exit_code = error, hint, exit_code


#: What a worker is asked: a function of a module, and its arguments but for `progress`.
Request = tuple[Callable[..., Any], dict[str, Any]]


def main(descriptor: int) -> None:
    """Serve the socket `descriptor`."""
    signal.signal(signal.SIGTERM, _end)
    with contextlib.suppress(EOFError, OSError), Connection(descriptor) as parent:
        while True:
            function, arguments = parent.recv()
            parent.send((True, _answer(function, arguments, _reporting(parent))))


def _end(number: int, _: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # ending must not be cut short
    raise SystemExit(128 + number)


def _answer(function: Callable[..., Any], arguments: dict[str, Any], progress: Progress) -> Any:
    try:
        return function(**arguments, progress=progress)
    except EdgekitError as error:
        return Trouble(str(error), error.hint, error.exit_code)
    except OSError as error:  # a full disk, no permission
        where = f"{error.filename}: " if error.filename else ""
        return Trouble(f"{where}{error.strerror or error}", None, 1)
    except Exception as error:
        return Trouble(
            f"internal error: {type(error).__name__}: {error}",
            "this is a bug of edgekit: EDGEKIT_DEBUG=1 edgekit run, of it alone, shows where",
            1,
        )


def _reporting(parent: Connection) -> Progress:
    """A Progress that goes to the parent, now and then."""
    last_stage, last_at = "", 0.0

    def report(stage: str, done: int, total: int) -> None:
        nonlocal last_stage, last_at
        now = time.monotonic()
        if stage != last_stage or now - last_at > _PAUSE_S:
            last_stage, last_at = stage, now
            parent.send((False, (stage, done, total)))

    return report
