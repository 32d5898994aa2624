"""The host's side of the conversation, against boards that are functions."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from typing import ClassVar

import pytest

from edgekit.errors import DeviceError, FrameError, LinkTimeoutError, ProtocolError
from edgekit.link import Device, FakeBoard, MemoryTransport, Status
from edgekit.link.frame import HEADER_BYTES, FrameReader, encode
from edgekit.link.messages import REPLY, Header, Hello, Message, device_error

FAST = {"timeout_s": 0.01, "run_timeout_s": 0.02, "attempts": 3}
DATA = random.Random(1).randbytes(3000)


def device_of(board: Callable[[bytes], bytes]) -> Device:
    return Device(MemoryTransport(board), **FAST)


def twisted(board: FakeBoard, twist: Callable[[Header, bytes], bytes]) -> Callable[[bytes], bytes]:
    """A board whose replies after HELLO pass through `twist(header, payload) -> wire bytes`."""

    def answer(sent: bytes) -> bytes:
        (body,) = FrameReader().feed(board(sent))
        assert isinstance(body, bytes)
        header = Header.parse(body)
        if header.message == Message.HELLO | REPLY:
            return encode(body)
        return twist(header, body[HEADER_BYTES:])

    return answer


def reframed(header: Header, payload: bytes, **changes: int) -> bytes:
    fields = {name: getattr(header, name) for name in ("message", "status", "sequence", "session")}
    return encode(Header(**{**fields, **changes}).pack() + payload)


def test_a_whole_conversation(fake_board: FakeBoard):
    with device_of(fake_board) as device:
        device.write_input(0, DATA)
        assert device.invoke(300, warmup=2) == (1000,) * 300
        assert fake_board.runs == 302
        assert device.read_output(0) == DATA[::-1]
        assert device.profile() == (400, 600)
        assert device.digests() == (zlib.crc32(b"ab"), zlib.crc32(b"cde"))
        assert (device.memory().arena_bytes, device.memory().stack_bytes) == (6000, 512)
        assert [step.kernel for step in device.steps] == ["ek_a", "ek_b"]
        assert device.inputs[0].shape == (1, 3000)
        assert device.echo(DATA) == DATA
        assert device.log() == "one\ntwo\n"
        transport = device._transport
        assert isinstance(transport, MemoryTransport) and not transport.closed
    assert transport.closed


def test_the_smallest_payload_is_enough_for_everything(fake_board: FakeBoard):
    fake_board.max_payload_bytes = 256
    device = device_of(fake_board)
    device.write_input(0, DATA)
    assert len(device.invoke(100)) == 100
    assert device.read_output(0) == DATA[::-1]


def test_more_steps_than_a_reply_holds_are_asked_for_in_turns(fake_board: FakeBoard):
    fake_board.max_payload_bytes = 256
    fake_board.steps = [fake_board.steps[0]] * 100
    fake_board.step_ticks = range(100)
    fake_board.step_outputs = [b"x"] * 100
    device = device_of(fake_board)
    assert device.profile() == tuple(range(100))
    assert device.digests() == (zlib.crc32(b"x"),) * 100
    assert fake_board.runs == 4 + 2


def test_runs_are_counted_in_batches_and_none_is_lost(fake_board: FakeBoard):
    seen: list[int] = []
    device = device_of(fake_board)
    assert len(device.invoke(1000, 50, lambda done, total: seen.append(done))) == 1000
    assert fake_board.runs == 1050
    assert seen[0] == 1 and seen[-1] == 1050 and len(seen) < 20


@pytest.mark.parametrize(("count", "warmup"), [(0, 0), (-1, 0), (1, -1)])
def test_no_runs_are_no_measurement(fake_board: FakeBoard, count: int, warmup: int):
    with pytest.raises(ValueError, match="at least"):
        device_of(fake_board).invoke(count, warmup)


def test_a_reset_in_mid_talk_is_noticed_by_the_next_request(fake_board: FakeBoard):
    device = device_of(fake_board)
    device.write_input(0, DATA)
    fake_board.reset()
    with pytest.raises(DeviceError, match="INVOKE with status SESSION") as caught:
        device.invoke()
    assert caught.value.status == Status.SESSION
    assert fake_board.runs == 0


def test_silence_is_named_and_has_a_hint():
    with pytest.raises(LinkTimeoutError, match=r"asked 3 times for HELLO, .* stayed silent") as e:
        _ = device_of(lambda sent: b"").hello
    assert "port, cable and baud rate" in str(e.value.hint)


def test_text_instead_of_frames_is_shown():
    with pytest.raises(
        LinkTimeoutError, match=r"text that ends: .*MicroPython v1.24  >>>$"
    ) as caught:
        _ = device_of(lambda sent: b"\x1b[0mMicroPython v1.24\r\n>>>\r\n").hello
    assert "flash the board" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "meaning", "hint"),
    [
        (b"Brownout detector was triggered\r\n\r\n", "the supply voltage fell", "more current"),
        (b"invalid header: 0xffffffff\r\n", "the flash memory is empty", "flash it again"),
        (b"waiting for download\r\n", "the chip waits for esptool", "press its reset button"),
        (b"rst:0x1 (POWERON),boot:0xc (SPI_FAST_FLASH_BOOT)\r\n", "started 3 times", "flash the"),
    ],
)
def test_what_a_chip_prints_says_why_it_does_not_answer(text: bytes, meaning: str, hint: str):
    with pytest.raises(LinkTimeoutError, match=f"HELLO, and the board does .*: .*{meaning}") as e:
        _ = device_of(lambda sent: text).hello
    assert hint in str(e.value.hint)


def test_a_reset_while_the_model_runs_is_named(fake_board: FakeBoard):
    def board(sent: bytes) -> bytes:
        if sent[2] != Message.INVOKE:
            return fake_board(sent)
        fake_board.reset()
        return b"rst:0x8 (TG1WDT_SYS_RST),boot:0x8 (SPI_FAST_FLASH_BOOT)\r\n" + fake_board(sent)

    with pytest.raises(DeviceError, match="restarted during INVOKE: the watchdog of timer") as e:
        device_of(board).invoke()
    assert e.value.status == Status.SESSION
    assert "edgekit monitor" in str(e.value.hint)


def test_damaged_replies_only_are_a_frame_error(fake_board: FakeBoard):
    device = device_of(lambda sent: fake_board(sent)[:-4] + b"\0")
    with pytest.raises(FrameError, match="asked 3 times for HELLO, and frames arrived damaged"):
        _ = device.hello


def test_requests_that_arrive_damaged_are_a_frame_error(fake_board: FakeBoard):
    device = device_of(lambda sent: fake_board(sent[:-4] + b"\0"))
    with pytest.raises(FrameError, match="the board received damaged frames"):
        _ = device.hello


def test_another_version_is_a_protocol_error(fake_board: FakeBoard):
    fake_board.version = 9
    with pytest.raises(ProtocolError, match="speaks link protocol 9, this edgekit speaks 1") as e:
        _ = device_of(fake_board).hello
    assert "flash the firmware" in str(e.value.hint)


@pytest.mark.parametrize("change", [{"sequence": 1}, {"session": 1}])
def test_replies_to_others_are_ignored(fake_board: FakeBoard, change: dict[str, int]):
    stale = twisted(fake_board, lambda h, p: reframed(h, p, **change))
    with pytest.raises(LinkTimeoutError, match="stayed silent"):
        device_of(stale).echo(b"hello")
    both = twisted(fake_board, lambda h, p: reframed(h, b"old", **change) + reframed(h, p))
    assert device_of(both).echo(b"hello") == b"hello"


def test_a_reply_to_another_message_is_a_protocol_error(fake_board: FakeBoard):
    board = twisted(fake_board, lambda h, p: reframed(h, p, message=Message.LOG | REPLY))
    with pytest.raises(ProtocolError, match="0x8b came in reply to ECHO"):
        device_of(board).echo(b"hello")


def test_a_busy_notice_is_waited_through_and_a_lost_reply_asked_for_again(fake_board: FakeBoard):
    seen = 0

    def busy_first(header: Header, payload: bytes) -> bytes:
        nonlocal seen
        seen += 1
        return reframed(header, b"" if seen < 3 else payload, status=Status.BUSY * (seen < 3))

    assert device_of(twisted(fake_board, busy_first)).invoke() == (1000,)
    assert seen == 3


def test_the_last_wait_for_a_run_is_as_long_as_a_run_for_its_notice_may_be_lost(
    fake_board: FakeBoard,
):
    class Patient(MemoryTransport):
        waits: ClassVar[list[float]] = []

        def read(self, max_bytes: int, timeout_s: float) -> bytes:
            self.waits.append(timeout_s)
            return super().read(max_bytes, timeout_s)

    deaf = Patient(twisted(fake_board, lambda h, p: b""))
    device = Device(deaf, timeout_s=1, run_timeout_s=50, attempts=3, min_bytes_per_s=1e9)
    for ask, expected in ((device.invoke, [1, 1, 50]), (lambda: device.echo(b"x"), [1, 1, 1])):
        _ = device.hello
        deaf.waits.clear()
        with pytest.raises(LinkTimeoutError):
            ask()
        assert [round(wait) for wait in deaf.waits] == expected


@pytest.mark.parametrize("ask", [Device.invoke, Device.profile, Device.digests, Device.memory])
@pytest.mark.parametrize("twist", [lambda p: p[:-1], lambda p: p + b"x", lambda p: p + p])
def test_a_reply_of_another_length_is_a_protocol_error(fake_board: FakeBoard, ask, twist):
    board = twisted(fake_board, lambda h, p: reframed(h, twist(p)))
    with pytest.raises(ProtocolError):
        ask(device_of(board))


def test_outputs_of_another_length_and_other_echoes_are_protocol_errors(fake_board: FakeBoard):
    def shorter(header: Header, payload: bytes) -> bytes:
        reads = header.message in (Message.READ_OUTPUT | REPLY, Message.ECHO | REPLY)
        return reframed(header, payload[:-1] if reads else payload)

    device = device_of(twisted(fake_board, shorter))
    device.invoke()
    with pytest.raises(ProtocolError, match="1023 bytes where 1024 were asked"):
        device.read_output(0)
    with pytest.raises(ProtocolError, match="4 bytes where 5 were asked"):
        device.echo(b"hello")
    other = twisted(fake_board, lambda h, p: reframed(h, p[::-1]))
    with pytest.raises(ProtocolError, match="echoed other bytes"):
        device_of(other).echo(b"hello")


def test_a_tensor_that_contradicts_itself_is_a_protocol_error(fake_board: FakeBoard):
    board = twisted(fake_board, lambda h, p: reframed(h, b"\6" + p[1:]))
    with pytest.raises(ProtocolError, match=r"3000 bytes for a tensor of FLOAT32 \[1, 3000\]"):
        _ = device_of(board).inputs
    board = twisted(fake_board, lambda h, p: reframed(h, b"\x63" + p[1:]))
    with pytest.raises(ProtocolError, match="type 99"):
        _ = device_of(board).inputs


def test_a_hello_with_limits_too_small_is_a_protocol_error(fake_board: FakeBoard):
    fake_board.max_payload_bytes = 255
    with pytest.raises(ProtocolError, match="takes 255 payload bytes"):
        _ = device_of(fake_board).hello


def test_a_hello_cut_anywhere_is_a_protocol_error(fake_board: FakeBoard):
    replies: list[bytes] = []

    def record(sent: bytes) -> bytes:
        replies.append(fake_board(sent))
        return replies[-1]

    _ = device_of(record).hello
    (body,) = FrameReader().feed(replies[0])
    assert isinstance(body, bytes)
    payload = body[HEADER_BYTES:]
    assert Hello.parse(payload).model_name == "fake"
    for cut in range(len(payload)):
        with pytest.raises(ProtocolError, match="within a field"):
            Hello.parse(payload[:cut])
    with pytest.raises(ProtocolError, match="1 bytes too many"):
        Hello.parse(payload + b"x")


@pytest.mark.parametrize(
    ("status", "payload", "text"),
    [
        (1, b"no such step", "the board refused STEP with status ARGUMENT: no such step"),
        (4, b"", "the board refused STEP with status TIMEOUT"),
        (99, b"odd", "the board refused STEP with status 0x63: odd"),
        (
            0x83,
            b"",
            "the board refused STEP with status UNKNOWN: its firmware has no such message",
        ),
    ],
)
def test_a_refusal_names_its_status_and_cause(status: int, payload: bytes, text: str):
    error = device_error(Message.STEP, status, payload)
    assert (str(error), error.status) == (text, status)
    assert error.hint
