"""The oracle: the pinned tflite-micro package, in a process of its own."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

import numpy as np

from edgekit.errors import OracleError
from edgekit.ir import Array
from edgekit.reference import pipe

#: The build that pyproject.toml pins; others may round otherwise, or not import at all.
VERSION: Final = "0.dev20261023182759"
NAME: Final = f"tflite-micro {VERSION}"

_TIMEOUT_S = 120.0
_STOP_S = 5.0
_LOG_LINES = 6  # of the interpreter's messages, in an error
_CHUNK_BYTES = 1 << 20


class Oracle:
    """Runs models on TFLite Micro. One worker process serves many models, one after the other.

    Use it as a context manager, or `close` it; a forgotten one is ended with the program.
    """

    def __init__(self, timeout_s: float = _TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._worker: _Worker | None = None
        self._lock = threading.Lock()

    @staticmethod
    @functools.cache
    def available() -> bool:
        """True if the pinned package is installed on a platform that it was built for."""
        if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
            return False
        try:
            return importlib.metadata.version("tflite-micro") == VERSION
        except importlib.metadata.PackageNotFoundError:
            return False

    def run(self, model: bytes, inputs: Sequence[tuple[Array, ...]]) -> list[tuple[Array, ...]]:
        """The outputs of a .tflite for each set of inputs, its state reset between them.

        Raises:
            OracleError: TFLite Micro refused the model or an input, died of it, or took too long.
        """
        if not inputs:
            return []
        arrays = [np.frombuffer(model, np.uint8), *(array for one in inputs for array in one)]
        request = pipe.pack({"sets": len(inputs)}, arrays)
        with self._lock:
            if self._worker is None:
                self._worker = _Worker()
            try:
                header, outputs = self._worker.ask(request, self._timeout_s)
            except BaseException:
                self._stop()  # the next model gets a new worker
                raise
            if "error" in header:
                raise OracleError(f"TFLite Micro: {header['error']}{self._worker.log()}")
        count = len(outputs) // len(inputs)
        return [tuple(outputs[i * count : (i + 1) * count]) for i in range(len(inputs))]

    def close(self) -> None:
        """End the worker; the next `run` starts another."""
        with self._lock:
            self._stop()

    def __enter__(self) -> Oracle:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _stop(self) -> None:
        if self._worker is not None:
            self._worker.stop()
            self._worker = None


class _Worker:
    """One running oracle_worker.py."""

    def __init__(self) -> None:
        # a file, not a pipe: it is there when the worker is not. Closed by _reap
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "edgekit.reference.oracle_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            bufsize=0,
            cwd=Path(__file__).parents[2],
            start_new_session=True,  # Ctrl-C is ours to handle
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests, self._replies = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._requests, False)
        os.set_blocking(self._replies, False)
        self.stop = weakref.finalize(self, _reap, self._process, self._log)

    def ask(self, request: bytes, timeout_s: float) -> tuple[dict[str, Any], list[Array]]:
        """Send a request and wait for the reply."""
        os.ftruncate(self._log.fileno(), 0)
        os.lseek(self._log.fileno(), 0, os.SEEK_SET)  # the worker's position is the same
        deadline = time.monotonic() + timeout_s
        try:
            self._write(request, deadline)
            header_bytes, blob_bytes = pipe.PREFIX.unpack(self._read(pipe.PREFIX.size, deadline))
            return pipe.unpack(self._read(header_bytes + blob_bytes, deadline), header_bytes)
        except (BrokenPipeError, EOFError):
            raise OracleError(f"TFLite Micro {self._how_it_ended()}{self.log()}") from None
        except TimeoutError:
            raise OracleError(
                f"TFLite Micro gave no answer in {timeout_s:g} s{self.log()}"
            ) from None

    def log(self) -> str:
        """The last lines that TFLite Micro wrote since the request, ready to append."""
        text = os.pread(self._log.fileno(), _CHUNK_BYTES, 0).decode(errors="replace")
        return "".join(f"\n  {line}" for line in text.splitlines()[-_LOG_LINES:])

    def _write(self, content: bytes, deadline: float) -> None:
        rest = memoryview(content)
        while rest:
            _wait(self._requests, select.POLLOUT, deadline)
            rest = rest[os.write(self._requests, rest[:_CHUNK_BYTES]) :]

    def _read(self, size_bytes: int, deadline: float) -> bytes:
        content = bytearray()
        while len(content) < size_bytes:
            _wait(self._replies, select.POLLIN, deadline)
            chunk = os.read(self._replies, min(size_bytes - len(content), _CHUNK_BYTES))
            if not chunk:
                raise EOFError
            content += chunk
        return bytes(content)

    def _how_it_ended(self) -> str:
        try:
            status = self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            return "stopped listening"
        return f"died of {signal.Signals(-status).name}" if status < 0 else f"exited with {status}"


def _wait(descriptor: int, event: int, deadline: float) -> None:
    """Until the pipe is ready (or broken, which reading or writing will tell)."""
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise TimeoutError


def _reap(process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    """End the worker and wait for it."""
    process.kill()  # it keeps nothing that it would have to save
    process.wait()
    for stream in (process.stdin, process.stdout, log):
        if stream is not None:
            stream.close()
