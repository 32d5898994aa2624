"""What the oracle, a 64-bit TFLite Micro, takes of its arena: measured by its recording allocator.

Run as a program it is the worker: it imports TFLite Micro once and forks for each model, because
an arena that is too small may end the process.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
from typing import Any

#: What the recording allocator and the recording arena are larger than those of a device:
#: sizeof(RecordingMicroAllocator) - sizeof(MicroAllocator), and the same of
#: SingleArenaBufferAllocator.
RECORDING_BYTES = (248 - 72) + (104 - 72)

_LARGE_BYTES = 16 << 20
_REQUEST = struct.Struct("<QQ")  # bytes of the model, bytes of the arena


def measured(model: bytes) -> tuple[int, int]:
    """(head, tail) in bytes, the tail without what only the recording takes."""
    answer = _ask(model, _LARGE_BYTES)
    assert answer["ok"], answer
    found = dict(re.findall(r"Arena allocation (head|tail) (\d+) bytes", answer["log"]))
    return int(found["head"]), int(found["tail"]) - RECORDING_BYTES


def runs_in(model: bytes, arena_bytes: int) -> bool:
    """True if the model starts and runs in an arena of so many bytes, the recording apart."""
    return bool(_ask(model, arena_bytes + RECORDING_BYTES)["ok"])


def _ask(model: bytes, arena_bytes: int) -> dict[str, Any]:
    worker = _worker()
    assert worker.stdin is not None and worker.stdout is not None
    worker.stdin.write(_REQUEST.pack(len(model), arena_bytes) + model)
    worker.stdin.flush()
    answer: dict[str, Any] = json.loads(worker.stdout.readline())
    return answer


@functools.cache
def _worker() -> subprocess.Popen[bytes]:
    worker = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    # It ends when its input does, and is waited for.
    atexit.register(worker.__exit__, None, None, None)
    return worker


def _serve() -> None:
    from tflite_micro.python.tflite_micro import _runtime

    while prefix := sys.stdin.buffer.read(_REQUEST.size):
        model_bytes, arena_bytes = _REQUEST.unpack(prefix)
        model = sys.stdin.buffer.read(model_bytes)
        with tempfile.TemporaryFile() as log:
            child = os.fork()
            if child == 0:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
                os._exit(_run(_runtime, model, arena_bytes))
            _, status = os.waitpid(child, 0)
            log.seek(0)
            text = log.read().decode(errors="replace")
        print(json.dumps({"ok": status == 0, "log": text}), flush=True)


def _run(runtime: Any, model: bytes, arena_bytes: int) -> int:
    kind = runtime.PythonInterpreterConfig.kAllocationRecording
    with contextlib.suppress(Exception):
        interpreter = runtime.InterpreterWrapper(model, [], arena_bytes, 0, kind, 0)
        interpreter.Invoke()
        interpreter.PrintAllocations()
        return 0
    return 1


if __name__ == "__main__":
    _serve()
