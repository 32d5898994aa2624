"""MLPerf Tiny's text commands, beside the frames."""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from edgekit.errors import DeviceError
from edgekit.link import Device, SerialTransport

Start = Callable[..., AbstractContextManager]

SCALE = struct.unpack("<f", struct.pack("<f", 0.3910152316))[0]
ZERO_POINT = 92
INPUT_BYTES = 640


class Terminal:
    """A person, or MLPerf's runner, at the serial port."""

    def __init__(self, transport: SerialTransport) -> None:
        self._transport = transport
        self._pending = b""

    def lines(self) -> list[str]:
        """Return the lines up to the next m-ready."""
        while b"m-ready\r\n" not in self._pending:
            received = self._transport.read(4096, 10)
            assert received, f"no m-ready after {self._pending!r}"
            self._pending += received
        answer, self._pending = self._pending.split(b"m-ready\r\n", 1)
        return answer.decode().split("\r\n")[:-1]

    def ask(self, command: str) -> list[str]:
        self._transport.write(command.encode())
        return self.lines()

    def load(self, payload: bytes) -> None:
        assert self.ask(f"db load {len(payload)}%") == [f"m-[Expecting {len(payload)} bytes]"]
        for at in range(0, len(payload), 31):
            answer = self.ask(f"db {payload[at : at + 31].hex()}%")
        assert answer == ["m-load-done"]


@pytest.fixture
def terminal(start: Start, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    with start(request.param) as board:
        transport = SerialTransport(board.port)
        opened = Terminal(transport)
        opened.ask("name%")  # the greeting, if it was not thrown away when the port was opened
        transport.write(b"timestamp%")
        while not opened.lines()[-1:][0].startswith("m-lap-us-"):
            pass
        yield opened
        transport.close()


def results(line: str) -> list[float]:
    found = re.fullmatch(r"m-results-\[(-?\d+\.\d{3}(?:,-?\d+\.\d{3})*)\]", line)
    assert found, line
    return [float(number) for number in found[1].split(",")]


@pytest.mark.parametrize("terminal", ["vww01"], indirect=True)
def test_the_simple_commands_answer_as_the_runner_expects(terminal: Terminal):
    assert terminal.ask("name%") == ["m-name-dut-[stdio]"]
    profile, model = terminal.ask("profile%")
    assert profile == "m-profile-[ULPMark for tinyML Firmware V0.0.1]"
    assert model == "m-model-[vww01]"
    assert re.fullmatch(r"m-lap-us-\d+", terminal.ask("timestamp%")[0])
    assert terminal.ask("help%")
    assert terminal.ask("fly me%") == ["e-[Unknown command: fly]"]
    assert terminal.ask("%") == ["e-[Unknown command: ]"]
    assert terminal.ask("\r\nname%") == ["m-name-dut-[stdio]"]
    assert terminal.ask("results%") == ["e-[No results]"]
    assert terminal.ask(81 * "x" + "%") == ["e-[The command is longer than 80 characters]"]
    assert terminal.ask(80 * "x" + "%") == [f"e-[Unknown command: {80 * 'x'}]"]


@pytest.mark.parametrize("terminal", ["vww01"], indirect=True)
def test_pixels_lose_128_and_results_are_dequantised(terminal: Terminal):
    pixels = random.Random(1).randbytes(INPUT_BYTES)
    terminal.load(pixels)
    printed = terminal.ask("db print%")
    assert printed == ["m-buffer-" + "-".join(f"{p:02x}" for p in pixels)]
    answer = terminal.ask("infer 3 2%")
    assert answer[:3] == ["m-warmup-start-2", "m-warmup-done", "m-infer-start-3"]
    start, end = (int(line.removeprefix("m-lap-us-")) for line in answer[3:5])
    assert end > start
    assert answer[5] == "m-infer-done"
    expected = [f"{(min(p - 128 + 4, 127) - ZERO_POINT) * SCALE:.3f}" for p in pixels]
    assert answer[6] == f"m-results-[{','.join(expected)}]"
    assert terminal.ask("results%") == [answer[6]]


@pytest.mark.parametrize("terminal", ["ad01"], indirect=True)
def test_floats_are_quantised_and_the_anomaly_score_is_the_mean_squared_error(terminal: Terminal):
    dice = random.Random(2)
    floats = [dice.uniform(-60, 10) for _ in range(INPUT_BYTES)]
    terminal.load(struct.pack(f"<{INPUT_BYTES}f", *floats))
    quantised = [max(-128, min(127, round(x / SCALE) + ZERO_POINT)) for x in floats]
    (printed,) = terminal.ask("db print%")
    assert printed == "m-buffer-" + "-".join(f"{q & 0xFF:02x}" for q in quantised)
    (score,) = results(terminal.ask("infer 1 0%")[-1])
    errors = [(min(q + 4, 127) - q) * SCALE for q in quantised]
    assert score == pytest.approx(sum(e * e for e in errors) / INPUT_BYTES, abs=0.001)


@pytest.mark.parametrize("terminal", ["ad01"], indirect=True)
def test_raw_bytes_are_taken_as_they_are_where_the_model_has_no_pixels(terminal: Terminal):
    raw = random.Random(3).randbytes(INPUT_BYTES)
    terminal.load(raw)
    assert terminal.ask("db print%") == ["m-buffer-" + "-".join(f"{b:02x}" for b in raw)]


@pytest.mark.parametrize("terminal", ["ad16"], indirect=True)
def test_int16_is_loaded_as_it_is_and_dequantised(terminal: Terminal):
    raw = random.Random(4).randbytes(INPUT_BYTES)
    assert terminal.ask("db load 1280%") == ["e-[The model's input has 640 bytes]"]
    terminal.load(raw)
    output = bytes(min(b + 4, 127) & 0xFF for b in struct.unpack(f"<{INPUT_BYTES}b", raw))
    expected = [f"{q / 4096:.3f}" for q in struct.unpack(f"<{INPUT_BYTES // 2}h", output)]
    answer = terminal.ask("infer 1 0%")[-1]
    assert answer == f"m-results-[{','.join(expected)}]"


@pytest.mark.parametrize("terminal", ["vww01"], indirect=True)
def test_what_cannot_be_right_is_refused_and_changes_nothing(terminal: Terminal):
    assert terminal.ask("db load 639%") == ["e-[The model's input has 640 bytes]"]
    assert terminal.ask("db load -1%") == ["e-[The model's input has 640 bytes]"]
    assert terminal.ask("db 00%") == ["e-[These are more bytes than expected]"]
    terminal.ask("db load 640%")
    assert terminal.ask("db 0%") == ["e-[db takes pairs of hexadecimal digits]"]
    assert terminal.ask("db 0g%") == ["e-[db takes pairs of hexadecimal digits]"]
    assert terminal.ask("db 00112233%") == []
    for bad in ("infer 0%", "infer x%", "infer 1 x%", "infer 99999999%"):
        assert terminal.ask(bad) == ["e-[infer takes a count and a warm-up count]"]


@pytest.mark.parametrize("terminal", ["broken"], indirect=True)
def test_a_model_that_did_not_start_says_so_in_text_too(terminal: Terminal):
    for command in ("infer 1%", "results%", "db load 16%", "db print%"):
        assert terminal.ask(command) == ["e-[The model did not start]"]


@pytest.mark.parametrize("terminal", ["vww01"], indirect=True)
def test_text_and_frames_take_turns_and_a_changed_input_ends_the_session(terminal: Terminal):
    device = Device(terminal._transport, timeout_s=0.3, min_bytes_per_s=1e6)
    device.write_input(0, bytes(INPUT_BYTES))
    assert terminal.ask("name%") == ["m-name-dut-[stdio]"]
    device.invoke()
    terminal._transport.write(b"na")
    assert device.read_output(0) == bytes([4] * INPUT_BYTES)
    assert terminal.ask("me%") == ["e-[Unknown command: me]"]  # a frame ends what was begun
    terminal.ask("infer 1 0%")
    with pytest.raises(DeviceError, match="nothing of this conversation"):
        device.read_output(0)


def test_the_board_greets_as_the_runner_expects(start: Start, stdio_board):
    import subprocess

    run = subprocess.run([stdio_board, "tiny"], input=b"", capture_output=True, timeout=20)
    assert re.fullmatch(
        rb"m-timestamp-mode-performance\r\nm-lap-us-\d+\r\nm-init-done\r\nm-ready\r\n", run.stdout
    )
