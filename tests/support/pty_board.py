"""A board that is a function of this process, behind a serial port that others can open."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import threading
import tty
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from edgekit.ir import Tensor
from edgekit.link import DeviceStep, DeviceTensor, ElementType, FakeBoard
from edgekit.pipeline import CompiledModel
from edgekit.reference import interpreter

#: From bytes of the host to bytes of the board; None: the serial port goes away.
Answer = Callable[[bytes], "bytes | None"]


def board_of(compiled: CompiledModel, *, wrong_step: int | None = None) -> FakeBoard:
    """A board that computes as the reference does; but one step may be wrong."""
    graph = compiled.graph

    def run(inputs: Sequence[bytes]) -> list[bytes]:
        arrays = [
            np.frombuffer(content, tensor.dtype.numpy).reshape(tensor.shape)
            for content, tensor in zip(inputs, graph.inputs, strict=True)
        ]
        values = {t: bytearray(v.tobytes()) for t, v in interpreter.trace(graph, arrays).items()}
        if wrong_step is not None:
            for spoiled in {graph.operators[wrong_step].output, graph.outputs[0]}:
                values[spoiled][0] ^= 1
        board.step_outputs = [bytes(values[op.output]) for op in graph.operators]
        return [bytes(values[tensor]) for tensor in graph.outputs]

    board = FakeBoard(
        inputs=[_described(tensor) for tensor in graph.inputs],
        outputs=[_described(tensor) for tensor in graph.outputs],
        run=run,
        steps=[
            DeviceStep(
                name=op.kind,
                kernel=op.kind,
                operator_index=op.index,
                macs=0,
                output_bytes=op.output.size_bytes,
            )
            for op in graph.operators
        ],
        step_ticks=[10] * len(graph.operators),
        ticks_hz=1_000_000,
        board_id=compiled.board.id,
        model_name=graph.name,
        model_sha256=graph.sha256,
        arena_bytes=compiled.sources.arena_bytes,
        engine=compiled.sources.engine,
    )
    return board


def _described(tensor: Tensor) -> DeviceTensor:
    return DeviceTensor(
        name=tensor.name,
        type=ElementType[tensor.dtype.name],
        shape=tensor.shape,
        size_bytes=tensor.size_bytes,
        scale=0.0,
        zero_point=0,
    )


@contextlib.contextmanager
def serial_port_of(answer: Answer) -> Iterator[str]:
    """The name of a serial port behind which `answer` answers."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    name = os.ttyname(slave)
    ended, end = os.pipe()
    descriptors = [master, slave, ended, end]

    def serve() -> None:
        while ended not in select.select([master, ended], [], [])[0]:
            reply = answer(os.read(master, 65536))
            if reply is None:
                # Gone; the slave side stays open, so that no other terminal gets this name.
                descriptors.remove(master)
                os.close(master)
                return
            os.write(master, reply)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield name
    finally:
        os.write(end, b"x")
        thread.join()
        for descriptor in descriptors:
            os.close(descriptor)
