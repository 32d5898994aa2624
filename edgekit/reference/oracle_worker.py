"""The oracle's own process: it reads models and inputs from stdin, and answers on stdout.

It may die of a model; that is why it is a process. TFLite Micro writes its messages to stdout and
stderr: both lead to the file that the parent gave as stderr, and the pipe gets another descriptor.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from edgekit.ir import Array
from edgekit.reference import pipe

#: More than any microcontroller has. Pages that are not touched cost nothing.
_ARENA_BYTES = 64 << 20


def main() -> None:
    """Answer requests until stdin ends."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = sys.stdin.buffer
    from tflite_micro.python.tflite_micro import _runtime

    while prefix := requests.read(pipe.PREFIX.size):
        header_bytes, blob_bytes = pipe.PREFIX.unpack(prefix)
        message = requests.read(header_bytes + blob_bytes)
        header, arrays = pipe.unpack(message, header_bytes)
        _reply(replies, _runtime, header, arrays)


def _reply(replies: BinaryIO, runtime: Any, header: dict[str, Any], arrays: list[Array]) -> None:
    try:
        results = _run(runtime, arrays[0].tobytes(), arrays[1:], header["sets"])
    except Exception as error:
        # whatever TFLite Micro raises is the answer, and the parent's to judge
        replies.write(pipe.pack({"error": f"{type(error).__name__}: {error}"}, []))
    else:
        replies.write(pipe.pack({}, [array for outputs in results for array in outputs]))
    replies.flush()


def _run(runtime: Any, model: bytes, arrays: list[Array], sets: int) -> list[list[Array]]:
    """The outputs for each of so many equal sets of arrays.

    The package's public Interpreter first parses the whole model in Python, 4 to 10 ms; the class
    below it does not.
    """
    kind = runtime.PythonInterpreterConfig.kAllocationRecording
    interpreter = runtime.InterpreterWrapper(model, [], _ARENA_BYTES, 0, kind, 0)
    inputs = len(arrays) // sets
    results = []
    for start in range(0, len(arrays), inputs):
        if start:
            interpreter.Reset()
        for i, array in enumerate(arrays[start : start + inputs]):
            interpreter.SetInputTensor(array, i)
        interpreter.Invoke()
        results.append(_all(interpreter.GetOutputTensor))
    if len(_all(interpreter.GetInputTensorDetails)) != inputs:
        raise ValueError(f"{inputs} inputs were given, the model has more")
    return results


def _all(getter: Callable[[int], Any]) -> list[Any]:
    """What `getter` has: TFLite Micro does not tell how much, only when an index is too high."""
    found: list[Any] = []
    try:
        while True:
            found.append(getter(len(found)))
    except IndexError:
        return found


if __name__ == "__main__":
    main()
