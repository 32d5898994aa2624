"""A board that is not there: answers the protocol from this process, for tests of what is above."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edgekit.errors import FrameError
from edgekit.link.frame import HEADER_BYTES, FrameReader, encode
from edgekit.link.messages import (
    REPLY,
    STACK_UNKNOWN,
    VERSION,
    DeviceStep,
    DeviceTensor,
    Feature,
    Fields,
    Header,
    Message,
    ResetCause,
    Status,
)

#: From the inputs' bytes to the outputs' bytes.
Run = Callable[[Sequence[bytes]], Sequence[bytes]]


@dataclass(kw_only=True)
class FakeBoard:
    """A board for MemoryTransport: `Device(MemoryTransport(FakeBoard(...)))`.

    What it answers is given by its fields and may be changed at any time.
    """

    inputs: Sequence[DeviceTensor]
    outputs: Sequence[DeviceTensor]
    run: Run
    steps: Sequence[DeviceStep] = ()
    ticks: int = 1000  # of each run
    step_ticks: Sequence[int] = ()  # one for each step
    step_outputs: Sequence[bytes] = ()  # one for each step
    ticks_hz: int = 0
    board_id: str = "fake"
    engine: str = "aot"
    model_name: str = "fake"
    model_sha256: str = 32 * "00"
    arena_bytes: int = 0
    model_status: Status = Status.OK  # with which the model started
    macs: int = 0
    stack_bytes: int | None = None
    log: str = ""
    max_payload_bytes: int = 1024
    version: int = VERSION
    runs: int = 0  # counted
    _session: int = 0
    _written: list[bytearray] = field(default_factory=list)
    _results: Sequence[bytes] = ()
    _reader: FrameReader = field(default_factory=FrameReader)

    def __call__(self, sent: bytes) -> bytes:
        """Answer the frames in `sent`."""
        return b"".join(self._reply(event) for event in self._reader.feed(sent))

    def reset(self) -> None:
        """Forget the session, as a board does that is reset."""
        self._session = 0

    def _reply(self, event: bytes | FrameError) -> bytes:
        if isinstance(event, FrameError):
            return encode(Header(REPLY, Status.DAMAGED, 0, self._session).pack())
        header, payload = Header.parse(event), event[HEADER_BYTES:]
        status, answer = self._answer(header, payload)
        reply = Header(header.message | REPLY, status, header.sequence, header.session)
        return encode(reply.pack() + answer)

    def _answer(self, header: Header, payload: bytes) -> tuple[Status, bytes]:
        if header.message == Message.HELLO:
            if payload[:1] != bytes([self.version]):
                return Status.VERSION, bytes([self.version])
            self._begin(header.session)
        elif header.session != self._session:
            return Status.SESSION, b""
        answers = {
            Message.HELLO: self._hello,
            Message.TENSOR: self._tensor,
            Message.STEP: self._step,
            Message.WRITE_INPUT: self._write_input,
            Message.INVOKE: self._invoke,
            Message.READ_OUTPUT: self._read_output,
            Message.PROFILE: self._profile,
            Message.DIGESTS: self._digests,
            Message.MEMORY: self._memory,
            Message.ECHO: Fields.rest,
            Message.LOG: self._read_log,
        }
        message = next((m for m in answers if m == header.message), None)
        if message is None:
            return Status.UNKNOWN, b""
        answer = answers[message](Fields(message, payload))
        return (Status.STATE, b"not now") if answer is None else (Status.OK, answer)

    def _begin(self, session: int) -> None:
        if session != self._session:
            self._session = session
            self._written = [bytearray(tensor.size_bytes) for tensor in self.inputs]
            self._results = ()

    def _hello(self, _: Fields) -> bytes:
        features = Feature.PROFILE if self.steps else Feature(0)
        counts = (len(self.inputs), len(self.outputs), len(self.steps))
        head = struct.pack(
            "<BBBBHHHHHIII",
            *(VERSION, features, ResetCause.POWER_ON, self.model_status),
            *(self.max_payload_bytes, self.max_payload_bytes // 8, *counts),
            *(self.arena_bytes, self.macs, self.ticks_hz),
        )
        strings = (self.board_id, self.engine, self.model_name, "fake")
        return head + bytes.fromhex(self.model_sha256) + b"".join(map(_string, strings))

    def _tensor(self, fields: Fields) -> bytes:
        tensor = (self.inputs, self.outputs)[fields.number(1)][fields.number(2)]
        shape = struct.pack(f"<{len(tensor.shape)}i", *tensor.shape)
        rest = struct.pack("<Ifi", tensor.size_bytes, tensor.scale, tensor.zero_point)
        return bytes([tensor.type, len(tensor.shape)]) + shape + rest + _string(tensor.name)

    def _step(self, fields: Fields) -> bytes:
        step = self.steps[fields.number(2)]
        numbers = struct.pack("<HII", step.operator_index, step.macs, step.output_bytes)
        return numbers + _string(step.name) + _string(step.kernel)

    def _write_input(self, fields: Fields) -> bytes:
        i, at, part = fields.number(2), fields.number(4), fields.rest()
        self._written[i][at : at + len(part)] = part
        return b""

    def _invoke(self, fields: Fields) -> bytes:
        count = fields.number(2)
        self._run(count + fields.number(2))
        return struct.pack("<Q", self.ticks) * count

    def _run(self, count: int = 1) -> None:
        for _ in range(count):
            self.runs += 1
            self._results = self.run([bytes(written) for written in self._written])

    def _read_output(self, fields: Fields) -> bytes | None:
        i, at, size = fields.number(2), fields.number(4), fields.number(2)
        return self._results[i][at : at + size] if self._results else None

    def _profile(self, fields: Fields) -> bytes:
        self._run()
        ticks = self.step_ticks[fields.number(2) :][: self.max_payload_bytes // 8]
        return struct.pack(f"<{len(ticks)}Q", *ticks)

    def _digests(self, fields: Fields) -> bytes:
        self._run()
        outputs = self.step_outputs[fields.number(2) :][: self.max_payload_bytes // 4]
        return struct.pack(f"<{len(outputs)}I", *map(zlib.crc32, outputs))

    def _memory(self, _: Fields) -> bytes:
        self._run()
        stack = STACK_UNKNOWN if self.stack_bytes is None else self.stack_bytes
        return struct.pack("<II", self.arena_bytes, stack)

    def _read_log(self, fields: Fields) -> bytes:
        at = fields.number(4)
        part = self.log.encode()[at : at + self.max_payload_bytes - 4]
        return struct.pack("<I", at) + part


def _string(text: str) -> bytes:
    raw = text.encode()[:96]
    return bytes([len(raw)]) + raw
