"""A board that runs a model: what can be asked of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType

from edgekit.errors import InputError, ProtocolError
from edgekit.link.conversation import Conversation
from edgekit.link.messages import (
    DeviceMemory,
    DeviceStep,
    DeviceTensor,
    Fields,
    Hello,
    Message,
    Status,
    device_error,
    parse_numbers,
)
from edgekit.link.transport import Transport

_WRITE_FIELDS_BYTES = 6  # index and offset before the bytes of WRITE_INPUT
_BATCH_S = 1.0  # about how long the runs of one INVOKE shall take
_LOG_LIMIT_BYTES = 1 << 20


class Device:
    """The conversation with one board. It begins with the first question.

    >>> with Device(SerialTransport("/dev/ttyACM0")) as device:  # doctest: +SKIP
    ...     device.write_input(0, image)
    ...     ticks = device.invoke(count=10, warmup=1)
    ...     scores = device.read_output(0)

    Args:
        transport: the way to the board; closed by `close`.
        timeout_s: silence after which a request is sent again.
        run_timeout_s: silence allowed while the model runs (about a second's worth of runs, or one
            run if that takes longer).
        attempts: how often a request is sent before giving up.
        min_bytes_per_s: the slowest link; long frames get so much more time.

    Every method raises a LinkError rather than return what it cannot vouch for.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        timeout_s: float = 2.0,
        run_timeout_s: float = 120.0,
        attempts: int = 5,
        min_bytes_per_s: float = 1000.0,
    ) -> None:
        self._transport = transport
        self._conversation = Conversation(
            transport,
            timeout_s=timeout_s,
            run_timeout_s=run_timeout_s,
            attempts=attempts,
            min_bytes_per_s=min_bytes_per_s,
        )
        self._hello: Hello | None = None
        self._tensors: dict[bool, tuple[DeviceTensor, ...]] = {}
        self._steps: tuple[DeviceStep, ...] | None = None

    def __enter__(self) -> Device:
        return self

    def __exit__(
        self,
        type_: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()

    @property
    def hello(self) -> Hello:
        """What the board says of itself. The first use begins the session."""
        if self._hello is None:
            self._hello = self._conversation.begin()
        return self._hello

    @property
    def inputs(self) -> tuple[DeviceTensor, ...]:
        """The model's inputs."""
        return self._described(self.hello.input_count, is_output=False)

    @property
    def outputs(self) -> tuple[DeviceTensor, ...]:
        """The model's outputs."""
        return self._described(self.hello.output_count, is_output=True)

    @property
    def steps(self) -> tuple[DeviceStep, ...]:
        """The model's steps, in the order in which they run."""
        if self._steps is None:
            self._steps = tuple(
                DeviceStep.parse(self._request(Message.STEP, _u16(i)))
                for i in range(self.hello.step_count)
            )
        return self._steps

    def write_input(self, i: int, content: bytes) -> None:
        """Give input `i` its bytes; they stay for all runs until others are written.

        Raises:
            InputError: there is no such input, or `content` has not its size.
        """
        size = self._tensor(self.inputs, i, "input").size_bytes
        if len(content) != size:
            raise InputError(
                f"input {i} takes {size:,} bytes but {len(content):,} were given",
                hint="the bytes must be the quantised tensor, as the model's input type says",
            )
        chunk = self.hello.max_payload_bytes - _WRITE_FIELDS_BYTES
        for at in range(0, size, chunk):
            self._request(Message.WRITE_INPUT, _u16(i) + _u32(at) + content[at : at + chunk])

    def write_inputs(self, contents: Sequence[bytes]) -> None:
        """Give every input its bytes, in order; errors are those of `write_input`."""
        for i, content in enumerate(contents):
            self.write_input(i, content)

    def invoke(
        self,
        count: int = 1,
        warmup: int = 0,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> tuple[int, ...]:
        """Run the model `warmup` times untimed and then `count` times.

        Returns:
            Ticks of each timed run, from entering to leaving the model's invoke function.

        `on_progress(done, total)` is called about once a second; warm-up runs count too.
        """
        if count < 1 or warmup < 0:
            raise ValueError(f"count {count} must be at least 1 and warmup {warmup} at least 0")
        samples: tuple[int, ...] = ()
        for untimed, timed, done in self._batches(warmup, count):
            reply = self._request(Message.INVOKE, _u16(timed) + _u16(untimed), runs=True)
            ticks = parse_numbers(Message.INVOKE, reply, size=8)
            _expect(Message.INVOKE, "runs", len(ticks), timed)
            samples += ticks
            if on_progress is not None:
                on_progress(done, warmup + count)
        return samples

    def read_output(self, i: int) -> bytes:
        """Return output `i` of the last run."""
        size = self._tensor(self.outputs, i, "output").size_bytes
        chunk = self.hello.max_payload_bytes
        read = b""
        while len(read) < size:
            length = min(chunk, size - len(read))
            part = self._request(Message.READ_OUTPUT, _u16(i) + _u32(len(read)) + _u16(length))
            _expect(Message.READ_OUTPUT, "bytes", len(part), length)
            read += part
        return read

    def profile(self) -> tuple[int, ...]:
        """Run once and return the ticks of each step, less the cost of taking them.

        A model with more steps than one reply holds (128 at 1024 bytes) runs once for each reply.
        """
        return self._stepwise(Message.PROFILE, size=8)

    def digests(self) -> tuple[int, ...]:
        """Run once and return the CRC-32 of each step's output bytes."""
        return self._stepwise(Message.DIGESTS, size=4)

    def memory(self) -> DeviceMemory:
        """Run once and return what memory that took."""
        return DeviceMemory.parse(self._request(Message.MEMORY, runs=True))

    def echo(self, payload: bytes) -> bytes:
        """Send `payload`, in as many frames as needed, and return what comes back."""
        chunk = self.hello.max_payload_bytes
        back = b""
        for at in range(0, len(payload), chunk):
            part = self._request(Message.ECHO, payload[at : at + chunk])
            _expect(Message.ECHO, "bytes", len(part), len(payload[at : at + chunk]))
            back += part
        if back != payload:
            raise ProtocolError("the board echoed other bytes than were sent")
        return back

    def log(self) -> str:
        """Return the last lines that the firmware logged."""
        text, position = b"", 0
        while len(text) < _LOG_LIMIT_BYTES:
            fields = Fields(Message.LOG, self._request(Message.LOG, _u32(position)))
            start, part = fields.number(4), fields.rest()
            if not part:
                break
            text += part
            position = (start + len(part)) & 0xFFFF_FFFF
        return text.decode(errors="replace")

    def reboot(self) -> None:
        """Restart the board and begin a new session with it.

        Raises:
            DeviceError: the port of this board cannot reboot.
            LinkError: the serial port went with the board, as those on USB do.
        """
        _ = self.hello
        status, payload = self._conversation.exchange(Message.REBOOT)
        if status != Status.SESSION:  # only a board that has restarted does not know us
            raise device_error(Message.REBOOT, status, payload)
        self._hello, self._steps = None, None
        self._tensors.clear()
        _ = self.hello

    def _request(self, message: Message, payload: bytes = b"", *, runs: bool = False) -> bytes:
        _ = self.hello
        return self._conversation.request(message, payload, runs=runs)

    def _described(self, count: int, *, is_output: bool) -> tuple[DeviceTensor, ...]:
        if is_output not in self._tensors:
            self._tensors[is_output] = tuple(
                DeviceTensor.parse(self._request(Message.TENSOR, bytes([is_output]) + _u16(i)))
                for i in range(count)
            )
        return self._tensors[is_output]

    def _tensor(self, tensors: tuple[DeviceTensor, ...], i: int, kind: str) -> DeviceTensor:
        if not 0 <= i < len(tensors):
            raise InputError(f"the model has no {kind} {i}: it has {len(tensors)}")
        return tensors[i]

    def _batches(self, warmup: int, count: int) -> Iterator[tuple[int, int, int]]:
        """Yield (untimed runs, timed runs, runs done after them), each about _BATCH_S long."""
        done, batch, total = 0, 1, warmup + count
        while done < total:
            untimed = min(max(warmup - done, 0), batch)
            timed = min(total - done - untimed, batch - untimed)
            started = time.monotonic()
            done += untimed + timed
            yield untimed, timed, done
            per_run_s = (time.monotonic() - started) / (untimed + timed)
            batch = max(1, min(self.hello.max_samples, int(_BATCH_S / max(per_run_s, 1e-6))))

    def _stepwise(self, message: Message, *, size: int) -> tuple[int, ...]:
        numbers: tuple[int, ...] = ()
        while len(numbers) < self.hello.step_count:
            reply = self._request(message, _u16(len(numbers)), runs=True)
            part = parse_numbers(message, reply, size=size)
            left = self.hello.step_count - len(numbers)
            _expect(message, "steps", len(part), min(left, self.hello.max_payload_bytes // size))
            numbers += part
        return numbers


def _expect(message: Message, what: str, got: int, asked: int) -> None:
    if got != asked:
        raise ProtocolError(
            f"the reply to {message.name} has {got} {what} where {asked} were asked for",
            hint="rebuild and flash the firmware with this edgekit",
        )


def _u16(number: int) -> bytes:
    return number.to_bytes(2, "little")


def _u32(number: int) -> bytes:
    return number.to_bytes(4, "little")
