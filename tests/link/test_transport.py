"""Serial ports, boards in memory, and lines with faults."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgekit import serial_ports
from edgekit.errors import LinkError, LinkTimeoutError, SerialPortError
from edgekit.link import (
    Device,
    FakeBoard,
    Fault,
    FaultRates,
    FaultyTransport,
    MemoryTransport,
    PipeTransport,
    SerialTransport,
)


@pytest.fixture
def pair() -> Iterator[tuple[int, str]]:
    """The board's end of a pseudo-terminal, and the host's name for it."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(slave)


def test_a_url_opens_as_well_as_a_path():
    transport = SerialTransport("loop://")
    transport.write(b"hello")
    assert transport.read(3, 1) == b"hel"
    assert transport.read(100, 1) == b"lo"
    transport.close()
    transport.close()


def test_a_read_returns_what_is_there_and_does_not_wait_for_more(pair: tuple[int, str]):
    master, name = pair
    transport = SerialTransport(name)
    os.write(master, b"abc")
    started = time.monotonic()
    assert b"abc".startswith(transport.read(100, 5))
    assert time.monotonic() - started < 2
    os.close(master)
    transport.close()


def test_silence_ends_a_read_in_time(pair: tuple[int, str]):
    master, name = pair
    transport = SerialTransport(name)
    started = time.monotonic()
    assert transport.read(100, 0.2) == b""
    assert 0.15 < time.monotonic() - started < 2
    os.close(master)
    transport.close()


def test_what_was_said_before_the_port_was_opened_is_not_read(pair: tuple[int, str]):
    master, name = pair
    os.write(master, b"boot banner")
    transport = SerialTransport(name)
    assert transport.read(100, 0.1) == b""
    os.close(master)
    transport.close()


def test_a_cable_pulled_out_is_a_link_error(pair: tuple[int, str]):
    master, name = pair
    transport = SerialTransport(name)
    os.close(master)
    with pytest.raises(LinkError, match=f"{name} vanished in the middle") as caught:
        transport.read(100, 1)
    assert "cable" in str(caught.value.hint)
    with pytest.raises(LinkError, match="vanished"):
        transport.write(b"x")
    transport.close()
    with pytest.raises(LinkError, match="vanished"):
        transport.write(b"x")


def test_a_missing_port_is_named_with_what_to_do():
    with pytest.raises(SerialPortError, match="there is no serial port /dev/ttyNONE7") as caught:
        SerialTransport("/dev/ttyNONE7")
    assert "edgekit ports" in str(caught.value.hint)
    assert caught.value.exit_code == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_port_without_permission_names_the_group(pair: tuple[int, str]):
    master, name = pair
    Path(name).chmod(0)
    with pytest.raises(SerialPortError, match=f"not allowed to open {name}") as caught:
        SerialTransport(name)
    assert "dialout" in str(caught.value.hint)
    os.close(master)


def test_the_hint_for_a_refused_port_names_the_group():
    error = serial_ports.refusal("/dev/ttyUSB0", PermissionError(13, "Permission denied"))
    assert str(error) == "you are not allowed to open /dev/ttyUSB0"
    assert "dialout" in str(error.hint)


def test_a_port_in_use_says_so(pair: tuple[int, str]):
    master, name = pair
    transport = SerialTransport(name)
    with pytest.raises(SerialPortError, match=f"{name} is in use by another program"):
        SerialTransport(name)
    transport.close()
    os.close(master)


@pytest.mark.parametrize("port", ["nonsense://x", "/dev/null", "/tmp"])
def test_what_is_no_serial_port_is_refused(port: str):
    with pytest.raises(SerialPortError, match="cannot be opened as a serial port"):
        SerialTransport(port)


def test_a_socket_on_which_nobody_listens_is_refused():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"socket://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(SerialPortError, match="nothing listens at"):
            SerialTransport(url)


def test_a_board_behind_a_socket_is_spoken_to_as_any_other(fake_board: FakeBoard):
    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            while received := connection.recv(4096):
                connection.sendall(fake_board(received))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        url = f"socket://127.0.0.1:{listener.getsockname()[1]}"
        with Device(SerialTransport(url)) as device:
            device.write_input(0, bytes(3000))
            assert device.read_output(0) if device.invoke() else None
        server.join(10)
        assert not server.is_alive()


def test_a_board_that_takes_no_bytes_is_a_timeout_not_a_hang(pair: tuple[int, str]):
    master, name = pair
    transport = SerialTransport(name)
    transport._serial.write_timeout = 0.2
    with pytest.raises(LinkTimeoutError, match="took no more bytes"):
        transport.write(bytes(1 << 20))
    os.close(master)
    transport.close()


def test_nothing_happens_on_a_line_without_faults():
    line = FaultyTransport(MemoryTransport(lambda sent: sent))
    line.write(bytes(range(256)))
    assert line.read(1000, 1) == bytes(range(256))
    assert line.fault_count == 0


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.DROP, b"abd"),
        (Fault.DOUBLE, b"abccd"),
        (Fault.CUT, b"ab"),
    ],
)
def test_a_fault_strikes_at_its_position(fault: Fault, expected: bytes):
    sent: list[bytes] = []
    line = FaultyTransport(MemoryTransport(lambda b: sent.append(b) or b""), sent_at={2: fault})
    line.write(b"abcd")
    line.write(b"efgh")
    assert sent == [expected, b"efgh"]
    assert line.fault_count == 1


def test_flipped_and_inserted_bytes_are_one_bit_and_one_byte_away():
    received = FaultyTransport(
        MemoryTransport(lambda sent: sent), received_at={0: Fault.FLIP, 2: Fault.INSERT}
    )
    received.write(b"abc")
    spoiled = received.read(8, 1)
    assert (spoiled[0] ^ ord("a")).bit_count() == 1
    assert spoiled[1:2] + spoiled[3:] == b"bc"


def test_a_seed_repeats_its_faults_and_another_has_others():
    def spoil(seed: int) -> bytes:
        rates = FaultRates(drop=0.05, flip=0.05, double=0.05, insert=0.05)
        line = FaultyTransport(MemoryTransport(lambda sent: sent), seed=seed, sent=rates)
        line.write(bytes(1000))
        return line.read(10**6, 1)

    assert spoil(1) == spoil(1) != spoil(2)


def test_a_faulty_line_never_returns_more_than_was_asked_for():
    line = FaultyTransport(MemoryTransport(lambda s: s), received=FaultRates(double=1.0))
    line.write(bytes(100))
    assert len(line.read(10, 1)) <= 10


def test_serial_ports_are_listed_with_their_usb_ids():
    for port in serial_ports.connected():
        assert port.path
    pico = serial_ports.SerialPort(
        path="/dev/ttyACM0", description="Pico", usb_vid=0x2E8A, usb_pid=0xA, usb_serial="1"
    )
    assert pico.usb_id == "2e8a:000a"
    soldered = serial_ports.SerialPort(
        path="/dev/ttyS0", description="UART", usb_vid=None, usb_pid=None, usb_serial=None
    )
    assert soldered.usb_id is None


def test_importing_the_link_loads_nothing_heavy():
    code = "import sys, edgekit.link; print([m for m in ('serial', 'numpy') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.stdout == "[]\n", run.stderr


@pytest.fixture
def cat() -> Iterator[subprocess.Popen[bytes]]:
    """A program that says what it hears."""
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def _of(process: subprocess.Popen[bytes]) -> PipeTransport:
    assert process.stdin is not None
    assert process.stdout is not None
    return PipeTransport(process.stdout.fileno(), process.stdin.fileno(), name="cat")


def test_a_pipe_carries_bytes_both_ways(cat: subprocess.Popen[bytes]):
    pipe = _of(cat)
    assert pipe.read(10, timeout_s=0.01) == b""
    sent = bytes(range(256)) * 16
    pipe.write(sent)
    received = b""
    while len(received) < len(sent):
        received += pipe.read(1000, timeout_s=5)
    assert received == sent
    pipe.close()
    assert cat.poll() is None


def test_a_program_that_ends_is_said(cat: subprocess.Popen[bytes]):
    pipe = _of(cat)
    cat.kill()
    with pytest.raises(LinkError, match="cat ended in the middle"):
        pipe.read(1, timeout_s=5)
    with pytest.raises(LinkError, match="cat ended in the middle"):
        pipe.write(bytes(100_000))


def test_a_program_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("edgekit.link.transport._WRITE_TIMEOUT_S", 0.05)
    output, input = os.pipe()
    try:
        with pytest.raises(LinkTimeoutError, match="deaf took no more bytes"):
            PipeTransport(output, input, name="deaf").write(bytes(1 << 20))
    finally:
        os.close(output)
        os.close(input)
