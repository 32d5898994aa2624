"""Worker processes that do jobs side by side.

Processes, not threads: a run handles signals, and so ends what it started, in its process's main
thread; what crashes in one (OR-tools, a converter) does not end the others; and compiling a model
is Python, of which threads run one at a time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from types import TracebackType
from typing import IO, Any

from edgekit import processes
from edgekit.pipeline.crew_worker import Request, Trouble

_PATIENCE_S = 20.0  # what a worker may take to end an emulator, a compiler, and remove its files
_TAIL_BYTES = 600


@dataclass(frozen=True, slots=True)
class Said:
    """What a worker reported of the job `job`."""

    job: int
    progress: tuple[str, int, int] | None  # stage, done, total
    result: Any = None  # when `progress` is None: of the function, or a Trouble


class Crew:
    """At most `size` worker processes, which are ended when the `with` block is left."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []

    @property
    def busy(self) -> tuple[int, ...]:
        """The jobs that are being done."""
        return tuple(worker.job for worker in self._busy)

    def begin(self, job: int, request: Request) -> None:
        """Have `request` done by a worker; fewer than `size` may be busy."""
        worker = self._idle.pop() if self._idle else _Worker()
        self._busy.append(worker)
        worker.job = job
        worker.ask(request)

    def listen(self) -> Iterator[Said]:
        """Wait until some workers say something."""
        ready = wait([worker.connection for worker in self._busy])
        for worker in [one for one in self._busy if one.connection in ready]:
            said = worker.hear()
            if said.progress is None:
                self._busy.remove(worker)
                if worker.alive:
                    self._idle.append(worker)
            yield said

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        workers = [*self._idle, *self._busy]
        for worker in workers:  # all at once: each may take seconds
            worker.ask_to_end()
        for worker in workers:
            worker.end()


@dataclass(slots=True, eq=False)
class _Worker:
    """One process, and our end of its socket."""

    job: int = -1
    alive: bool = True
    connection: Connection = field(init=False)
    _process: subprocess.Popen[bytes] = field(init=False)
    _log: IO[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.connection, theirs = Pipe()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in end()
        # it imports from where we do, not from the current directory
        program = (
            f"import sys; sys.path[:] = {sys.path!r}; "
            f"from edgekit.pipeline.crew_worker import main; main({theirs.fileno()})"
        )
        with theirs:
            self._process = processes.start(
                [sys.executable, "-c", program],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=[theirs.fileno()],
            )

    def ask(self, request: Request) -> None:
        with contextlib.suppress(OSError):  # it died: hear() says of what
            self.connection.send(request)

    def hear(self) -> Said:
        try:
            finished, content = self.connection.recv()
        except (EOFError, OSError):
            self.alive = False
            self._process.wait()
            trouble = Trouble(f"the process that ran it {self._how_it_ended()}", None, 1)
            self.end()
            return Said(self.job, None, trouble)
        return Said(self.job, None, content) if finished else Said(self.job, content)

    def ask_to_end(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGTERM)

    def end(self) -> None:
        processes.end(self._process, patience_s=_PATIENCE_S)
        self.connection.close()
        self._log.close()

    def _how_it_ended(self) -> str:
        code = self._process.returncode
        how = f"died of {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
        size = os.fstat(self._log.fileno()).st_size
        tail = os.pread(self._log.fileno(), _TAIL_BYTES, max(0, size - _TAIL_BYTES))
        words = tail.decode(errors="replace").strip()
        return f"{how}:\n{words}" if words else how
