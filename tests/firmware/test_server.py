"""The real server, compiled for the host, asked through the shipped Device and serial port."""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from edgekit.errors import DeviceError, InputError, LinkError, SerialPortError
from edgekit.link import Device, DeviceTensor, ElementType, ResetCause, SerialTransport, Status
from edgekit.link.conversation import Conversation
from edgekit.link.frame import FrameReader, encode
from edgekit.link.messages import Header, Message

Start = Callable[..., AbstractContextManager]

PATIENCE = {"timeout_s": 0.15, "min_bytes_per_s": 1e6, "attempts": 40}
A = bytes(range(16))
B = random.Random(3).randbytes(3000)
SUM = bytes((a + 1 + b) & 0xFF for a, b in zip(A, B[:16], strict=True))


@pytest.fixture
def loaded(device: Device) -> Device:
    device.write_input(0, A)
    device.write_input(1, B)
    return device


def test_hello_says_what_board_and_model_these_are(device: Device):
    hello = device.hello
    assert (hello.board_id, hello.engine, hello.model_name) == ("stdio", "aot", "tiny")
    assert (hello.edgekit_version, hello.version, hello.ticks_hz) == ("1.2.3", 1, 1_000_000)
    assert hello.build_id == "0123456789abcdef"
    assert (hello.input_count, hello.output_count, hello.step_count) == (2, 2, 3)
    assert (hello.max_payload_bytes, hello.max_samples, hello.arena_bytes) == (1024, 128, 4096)
    assert hello.model_sha256 == "010203" + 29 * "00"
    assert (hello.model_status, hello.has_profile, hello.macs) == (Status.OK, True, 32)
    assert hello.reset_cause is ResetCause.POWER_ON


def test_tensors_and_steps_are_described(device: Device):
    expected = DeviceTensor(
        name="sum",
        type=ElementType.INT8,
        shape=(1, 16),
        size_bytes=16,
        scale=0.00390625,
        zero_point=-128,
    )
    assert device.outputs[0] == expected
    assert [t.size_bytes for t in device.inputs] == [16, 3000]
    assert [s.kernel for s in device.steps] == ["tiny_add_one", "tiny_add", "tiny_copy"]
    assert [s.operator_index for s in device.steps] == [0, 1, 4]
    assert [s.output_bytes for s in device.steps] == [16, 16, 3000]


def test_outputs_are_of_the_inputs_written(loaded: Device):
    assert loaded.invoke() == (607,)  # the steps' 600 and one reading of the clock
    assert loaded.read_output(0) == SUM
    assert loaded.read_output(1) == B


def test_many_runs_are_all_over_the_same_input_though_each_overwrites_it(loaded: Device):
    seen: list[tuple[int, int]] = []
    ticks = loaded.invoke(300, warmup=5, on_progress=lambda *at: seen.append(at))
    assert ticks == (607,) * 300
    assert loaded.read_output(0) == SUM
    assert seen[0] == (1, 305) and seen[-1] == (305, 305)


def test_profile_gives_each_step_its_own_ticks(loaded: Device):
    assert loaded.profile() == (100, 200, 300)


def test_digests_are_of_each_steps_output_at_its_time(loaded: Device):
    after_first = bytes((a + 1) & 0xFF for a in A)
    assert loaded.digests() == tuple(map(zlib.crc32, (after_first, SUM, B)))


def test_a_session_begins_with_inputs_of_zeros_and_no_outputs(loaded: Device, line):
    loaded.invoke()
    device = Device(line, **PATIENCE)
    with pytest.raises(DeviceError, match=r"READ_OUTPUT .* STATE: the model has not run"):
        device.read_output(0)
    device.invoke()
    assert device.read_output(0) == bytes([1] * 16)


def test_another_session_ends_this_one(loaded: Device, line):
    _ = Device(line, **PATIENCE).hello
    with pytest.raises(DeviceError, match="nothing of this conversation") as caught:
        loaded.invoke()
    assert caught.value.status == Status.SESSION
    assert "begin again" in str(caught.value.hint)


def test_a_reset_ends_the_session_and_is_told(start: Start):
    with start("tiny") as board, Device(SerialTransport(board.port), **PATIENCE) as device:
        device.write_input(0, A)
        device.reboot()
        assert device.hello.reset_cause is ResetCause.SOFTWARE
        device.invoke()
        assert device.read_output(0) == bytes([1] * 16)


def test_a_port_that_cannot_reboot_says_so(start: Start):
    with start("plain") as board, Device(SerialTransport(board.port), **PATIENCE) as device:
        with pytest.raises(DeviceError, match="UNSUPPORTED: this port cannot reboot"):
            device.reboot()
        assert device.hello.reset_cause is ResetCause.POWER_ON


def test_a_model_without_hooks_has_no_profile_but_runs(start: Start):
    with start("plain") as board, Device(SerialTransport(board.port), **PATIENCE) as device:
        assert not device.hello.has_profile
        with pytest.raises(DeviceError, match="built without profiling"):
            device.profile()
        assert device.invoke() == (607,)


@pytest.mark.parametrize("ask", [Device.invoke, Device.profile, Device.digests, Device.memory])
def test_a_model_that_did_not_start_says_so_whatever_is_asked(start: Start, ask):
    with start("broken") as board, Device(SerialTransport(board.port), **PATIENCE) as device:
        assert device.hello.model_status == Status.ARENA
        assert "the model did not start: error 2" in device.log()
        with pytest.raises(DeviceError, match="ARENA: the model did not start"):
            ask(device)


def test_a_failing_invoke_is_an_error_and_leaves_no_output(start: Start):
    with start("failing") as board, Device(SerialTransport(board.port), **PATIENCE) as device:
        with pytest.raises(DeviceError, match="STATE: the model's invoke failed"):
            device.invoke()
        with pytest.raises(DeviceError, match="has not run"):
            device.read_output(0)


def test_a_hook_called_for_other_steps_than_described_is_an_error(start: Start):
    with start("lying") as board, Device(SerialTransport(board.port), **PATIENCE) as device:
        for ask in (device.profile, device.digests):
            with pytest.raises(DeviceError, match="other steps than it describes"):
                ask()


def test_wrong_sizes_and_indices_are_refused_before_anything_is_sent(device: Device):
    with pytest.raises(InputError, match="input 0 takes 16 bytes but 15 were given"):
        device.write_input(0, A[:15])
    with pytest.raises(InputError, match="no input 2: it has 2"):
        device.write_input(2, A)
    with pytest.raises(InputError, match="no output -1"):
        device.read_output(-1)


@pytest.mark.parametrize(
    ("message", "payload", "cause"),
    [
        (Message.TENSOR, b"\2\0\0", "shorter or longer"),
        (Message.TENSOR, b"\0\2\0", "no such tensor"),
        (Message.STEP, b"\3\0", "no such step"),
        (Message.STEP, b"\0", "shorter or longer"),
        (Message.WRITE_INPUT, b"\0\0\0", "shorter or longer"),
        (Message.WRITE_INPUT, b"\2\0\0\0\0\0x", "no such input"),
        (Message.WRITE_INPUT, b"\0\0\x0f\0\0\0xy", "past the end of the input"),
        (Message.WRITE_INPUT, b"\0\0\xff\xff\xff\xffxy", "past the end of the input"),
        (Message.INVOKE, b"\x81\0\0\0", "more runs than one reply"),
        (Message.READ_OUTPUT, b"\2\0\0\0\0\0\1\0", "no such output"),
        (Message.READ_OUTPUT, b"\0\0\x10\0\0\0\1\0", "past the end of the output"),
        (Message.READ_OUTPUT, b"\1\0\0\0\0\0\1\4", "past the end of the output"),
        (Message.READ_OUTPUT, b"\0\0\xff\xff\xff\xff\2\0", "past the end of the output"),
        (Message.MEMORY, b"x", "shorter or longer"),
        (Message.LOG, b"", "shorter or longer"),
        (Message.REBOOT, b"x", "shorter or longer"),
    ],
)
def test_a_request_out_of_range_is_refused_with_its_cause(line, message, payload, cause):
    conversation = Conversation(line, run_timeout_s=5, **PATIENCE)
    conversation.begin()
    with pytest.raises(DeviceError, match=cause) as caught:
        conversation.request(message, payload)
    assert caught.value.status == Status.ARGUMENT


def test_memory_gives_the_arena_and_without_knowledge_no_stack(loaded: Device):
    memory = loaded.memory()
    assert memory.arena_bytes == 4096
    assert memory.stack_bytes is None, "AddressSanitizer's stack cannot be painted"
    assert loaded.read_output(0) == SUM


def test_a_model_that_knows_what_it_took_of_its_arena_says_that(start: Start):
    with start("sparing") as board, Device(SerialTransport(board.port), **PATIENCE) as device:
        assert device.hello.arena_bytes == 4096
        assert device.memory().arena_bytes == 1000


def test_the_painted_stack_shows_how_deep_an_invoke_goes(start: Start, compile_c):
    here = Path(__file__).parent
    firmware = here.parents[1] / "firmware"
    sources = [*firmware.glob("protocol/*.c"), *firmware.glob("runtime/*.c")]
    sources += [here / "stdio_board.c", here / "tiny_model.c"]
    with start(program=compile_c("plain_board", *sources, sanitize=False)) as board:
        device = Device(SerialTransport(board.port), **PATIENCE)
        device.invoke()  # lest the dynamic linker resolves functions on the painted stack
        stack_bytes = device.memory().stack_bytes
        assert stack_bytes is not None
        assert 2000 <= stack_bytes <= 2400  # tiny_model.c keeps 2000 bytes on the stack
        assert device.memory().stack_bytes == stack_bytes
        device.close()


def test_echo_returns_any_length(device: Device):
    sent = random.Random(4).randbytes(5000)
    assert device.echo(sent) == sent
    assert device.echo(b"") == b""


def test_the_log_tells_of_damaged_frames(start: Start):
    with start("tiny") as board, Device(SerialTransport(board.port), **PATIENCE) as device:
        assert device.log() == ""
        transport = device._transport
        for _ in range(5):
            transport.write(b"\0damaged\0")
        _ = device.echo(b"after it")
        lines = [f"damaged frames so far: {n}\n" for n in (1, 2, 4)]
        assert device.log() == "".join(lines)


def test_an_older_log_gives_way_to_the_newer(start: Start):
    with start("tiny") as board, Device(SerialTransport(board.port), **PATIENCE) as device:
        for _ in range(30):
            device._transport.write(b"\0damaged\0" * 40)
            _ = device.echo(b"after them")
        log = device.log()
        assert log.endswith("damaged frames so far: 1024\n")
        assert len(log) == 256


def wait_for(transport, want: int, timeout_s: float = 5.0) -> list[bytes]:
    """Return the next `want` good frames' bodies."""
    reader, found = FrameReader(), []
    while len(found) < want:
        received = transport.read(4096, timeout_s)
        assert received, f"only {len(found)} of {want} frames came"
        found += [event for event in reader.feed(received) if isinstance(event, bytes)]
    return found


def test_a_repeated_invoke_is_answered_again_but_not_run_again(start: Start):
    def frame(message: int, sequence: int, payload: bytes) -> bytes:
        return encode(Header(message, 0, sequence, 77).pack() + payload)

    with start("tiny") as board:
        line = SerialTransport(board.port)
        line.write(frame(Message.HELLO, 1, b"\1"))
        wait_for(line, 1)
        invoke = frame(Message.INVOKE, 2, b"\3\0\0\0")
        line.write(invoke * 3)
        busy, *replies = wait_for(line, 4)
        assert Header.parse(busy).status == Status.BUSY
        assert replies[0][8:] == (607).to_bytes(8, "little") * 3
        assert replies == [replies[0]] * 3
        # A notice in between does not make the board forget its last reply.
        line.write(b"\0damaged\0" + encode(Header(Message.ECHO, 0, 9, 78).pack()) + invoke)
        damaged, session, again = wait_for(line, 3)
        assert Header.parse(damaged).status == Status.DAMAGED
        assert Header.parse(session).status == Status.SESSION
        assert again == replies[0]
        # The same sequence number with other content is another request.
        line.write(frame(Message.INVOKE, 2, b"\1\0\0\0"))
        assert len(wait_for(line, 2)[1]) == 8 + 8
        line.close()


def test_another_version_is_named(line):
    line.write(encode(Header(Message.HELLO, 0, 1, 5).pack() + b"\7"))
    (reply,) = wait_for(line, 1)
    assert Header.parse(reply).status == Status.VERSION
    assert reply[8:] == b"\1"


def test_an_unknown_message_is_named(line):
    conversation = Conversation(line, run_timeout_s=5, **PATIENCE)
    conversation.begin()
    status, _ = conversation.exchange(Message.NONE)
    assert status == Status.UNKNOWN


STALLED_S = 0.5  # longer than EK_LINK_IDLE_MS in conftest.py


def test_a_frame_that_stalls_is_taken_when_it_goes_on(line):
    frame = encode(Header(Message.HELLO, 0, 1, 5).pack() + b"\1")
    for at in (1, 7, len(frame) - 1):
        line.write(frame[:at])
        time.sleep(STALLED_S)
        line.write(frame[at:])
        (reply,) = wait_for(line, 1)
        assert Header.parse(reply).status == Status.OK


@pytest.mark.parametrize("cut", [1, 7, -1])
def test_after_half_a_frame_and_silence_text_is_heard(start: Start, cut: int):
    with start("tiny") as board:
        line = SerialTransport(board.port)
        line.write(encode(Header(Message.HELLO, 0, 1, 5).pack() + b"\1")[:cut])
        time.sleep(STALLED_S)
        line.write(b"fly% \r\nhelp me% name%")
        said = b""
        while not said.endswith(b"m-name-dut-[stdio]\r\nm-ready\r\n"):
            received = line.read(4096, 5)
            assert received, said
            said += received
        assert b"m-[name profile" in said and b"fly" not in said
        assert Device(line, **PATIENCE).echo(b"frames too") == b"frames too"
        line.close()


def test_broken_text_within_a_stalled_frame_is_no_command(line):
    line.write(encode(Header(Message.HELLO, 0, 1, 5).pack() + b"\1"))
    wait_for(line, 1)
    frame = encode(Header(Message.ECHO, 0, 2, 5).pack() + b"na\1me%")
    line.write(frame[: frame.index(b"na")])
    time.sleep(STALLED_S)
    line.write(frame[frame.index(b"na") :])
    assert wait_for(line, 1)[0][8:] == b"na\1me%"


def test_text_within_a_frame_that_does_not_stall_is_no_command(device: Device):
    assert device.echo(b"\nname%\ninfer 1%\n") == b"\nname%\ninfer 1%\n"


def test_a_board_that_dies_in_mid_talk_is_a_link_error_not_a_hang(start: Start):
    with start("tiny") as board:
        device = Device(SerialTransport(board.port), **PATIENCE)
        _ = device.hello
        board.process.kill()
        board.process.wait()
        with pytest.raises(LinkError, match=r"vanished in the middle|stayed silent"):
            device.invoke()
        device.close()
        board.process.returncode = 0  # this end was ours


def test_a_port_in_use_is_refused(board, line):
    with pytest.raises(SerialPortError, match="in use by another program"):
        SerialTransport(board.port)


@pytest.mark.parametrize(
    ("model", "ticks"),
    [
        # of 600 that its steps take, 7 for a reading, and 7 more for each of three pauses
        pytest.param("long", (628, 628, 628), id="longer than the port's patience"),
        pytest.param("short", (628, 607, 607), id="short, as the first run shows"),
        pytest.param("tiny", (607, 607, 607), id="no watchdog"),
    ],
)
def test_a_run_that_would_starve_a_watchdog_is_paused_and_pauses_do_not_count(
    start: Start, model: str, ticks: tuple[int, ...]
):
    with start(model) as running, Device(SerialTransport(running.port), **PATIENCE) as device:
        device.write_input(0, A)
        device.write_input(1, B)
        assert device.invoke(count=3) == ticks
        assert device.read_output(0) == SUM
