"""edgekit monitor: on a log, on a pipe, on a port that vanishes and comes back."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import Command
from support.guru import Guru, xtensa_panic
from support.talking_port import TalkingPort

from edgekit.errors import SerialPortError, UserError
from edgekit.link import Device, FakeBoard, MemoryTransport
from edgekit.link.frame import encode
from edgekit.pipeline import monitoring
from edgekit.pipeline.monitoring import Seen, monitor, serial_chunks
from edgekit.serial_ports import SerialPort

LIMIT_S = 30.0


@pytest.fixture
def port(tmp_path: Path) -> Iterator[TalkingPort]:
    talking = TalkingPort(tmp_path / "ttyBOARD")
    yield talking
    talking.vanish()


def listening(port: TalkingPort, **options: object) -> Iterator[Seen]:
    """What is seen at the port, once it is listened to."""
    seen = monitor(serial_chunks(str(port.path)), for_s=LIMIT_S, **options)  # type: ignore[arg-type]
    assert "listening to" in next(seen).text
    return seen


def crash_lines(guru: Guru) -> list[str]:
    return [
        "fault: store prohibited, core 0",
        "operator: step 1, operator #5 CONV_2D",
        "likely: a null pointer was written",
    ]


# ---- logs --------------------------------------------------------------------------------------


def test_a_log_is_shown_and_its_crash_decoded_where_it_ends(
    command: Command, xtensa: Guru, tmp_path: Path
):
    log = tmp_path / "crash.log"
    before, after = "I (30) boot: ESP-IDF v5.5\r\n", "ets Jul 29 2019 12:21:46\r\n"
    log.write_bytes((before + xtensa_panic(xtensa) + after).encode())
    done = command("monitor", "--input", log, "--elf", xtensa.elf)
    assert done.code == 0 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == before.strip() and lines[-1] == after.strip()
    for line in crash_lines(xtensa):
        assert f"  | {line}" in lines
    use = f"  | at   0x{xtensa.store:08x} use+0xb ({xtensa.source}:{xtensa.line('fault')})"
    assert use in lines
    assert lines.index("Rebooting...") < lines.index(use) < len(lines) - 1


def test_a_log_from_a_pipe_is_decoded(xtensa: Guru):
    done = subprocess.run(
        [sys.executable, "-m", "edgekit", "monitor", "--input", "-", "--elf", str(xtensa.elf)],
        input=xtensa_panic(xtensa).encode(),
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0 and done.stderr == b""
    assert b"  | operator: step 1, operator #5 CONV_2D\n" in done.stdout


def test_without_an_elf_the_cause_is_told(command: Command, xtensa: Guru, tmp_path: Path):
    log = tmp_path / "crash.log"
    log.write_text(xtensa_panic(xtensa))
    done = command("monitor", "--input", log)
    assert done.code == 0
    assert "  | likely: a null pointer was written\n" in done.stdout
    assert f"  | at   0x{xtensa.store:08x}\n" in done.stdout


def test_once_ends_after_the_first_crash(command: Command, xtensa: Guru, tmp_path: Path):
    log = tmp_path / "crash.log"
    log.write_text((xtensa_panic(xtensa) + "hello\n" * 20) * 3)
    done = command("monitor", "--input", log, "--elf", xtensa.elf, "--once")
    assert done.stdout.count("  | likely: ") == 1
    assert command("monitor", "--input", log, "--elf", xtensa.elf).stdout.count("| likely: ") == 3


def test_timestamps_stand_before_every_line(command: Command, tmp_path: Path):
    log = tmp_path / "a.log"
    log.write_bytes(b"one\ntwo" + encode(bytes(8)) + b"three")
    lines = command("monitor", "--input", log, "--timestamps").stdout.splitlines()
    assert [line[25:] for line in lines] == [
        "one",
        "two",
        "[frame: NONE request, 8 bytes]",
        "three",
    ]
    assert all(line.startswith("20") and line[10] == " " and line[19] == "." for line in lines)


def test_bytes_that_are_no_text_are_shown_as_such(command: Command, tmp_path: Path):
    log = tmp_path / "a.log"
    log.write_bytes(b"\x1b[0;31mred\x1b[0m \xff\x07 \xc3\xa4\n" + b"x" * 9000)
    out = command("monitor", "--input", log).stdout
    assert out.splitlines()[0] == "\x1b[0;31mred\x1b[0m \\xff\\x07 ä"
    assert out.count("x" * 100) and out.replace("\n", "").endswith("x" * 9000)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--input", "nothing.log"), "nothing.log cannot be read"),
        (("--input", "a.log", "--port", "/dev/ttyACM0"), "--port and --input"),
        (("--input", "a.log", "--elf", "nothing.elf"), "nothing.elf cannot be read"),
        (("--input", "a.log", "--elf", "a.log"), "a.log is no ELF"),
        (("--input", "a.log", "--elf", "."), "holds no firmware.elf"),
        (("--port", "/dev/ttyNOPE"), "there is no serial port /dev/ttyNOPE"),
    ],
)
def test_a_mistake_is_one_sentence(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
):
    (tmp_path / "a.log").write_text("hello\n")
    monkeypatch.chdir(tmp_path)
    command("monitor", *words).failed(2, said)


def test_the_elf_of_a_project_is_found(xtensa: Guru, tmp_path: Path):
    elf = tmp_path / "build" / "firmware.elf"
    elf.parent.mkdir()
    elf.write_bytes(xtensa.elf.read_bytes())
    assert monitoring.find_elf(tmp_path) == elf
    newer = tmp_path / ".pio" / "build" / "esp32" / "firmware.elf"
    newer.parent.mkdir(parents=True)
    newer.write_bytes(b"")
    os.utime(newer, (time.time() + 5, time.time() + 5))
    assert monitoring.find_elf(tmp_path) == newer
    with pytest.raises(UserError, match=r"holds no firmware\.elf"):
        monitoring.find_elf(xtensa.source.parents[1])


# ---- ports -------------------------------------------------------------------------------------


def test_text_comes_line_by_line_and_a_prompt_without_its_end(port: TalkingPort):
    seen = listening(port)
    port.say(b"one\r\ntwo\r\nm-ready> ")
    assert [s.text for s in itertools.islice(seen, 3)] == ["one\n", "two\n", "m-ready> "]
    port.say(b"yes\r\n")
    assert next(seen).text == "yes\n"
    seen.close()  # type: ignore[attr-defined]


def test_a_port_that_vanishes_is_waited_for(port: TalkingPort):
    seen = listening(port)
    for turn in range(2):
        port.say(b"hello %d\r\n" % turn)
        assert next(seen).text == f"hello {turn}\n"
        port.vanish()
        assert next(seen).text == f"{port.path} vanished; waiting for it to come back"
        time.sleep(0.3)
        port.appear()
        assert next(seen).text == f"{port.path} is back"
    port.say(b"again\r\n")
    assert next(seen).text == "again\n"
    seen.close()  # type: ignore[attr-defined]


def test_half_a_line_and_half_a_crash_are_told_when_the_port_vanishes(
    port: TalkingPort, xtensa: Guru
):
    seen = listening(port, elf=xtensa.elf)
    panic = xtensa_panic(xtensa).partition("Backtrace")[0]
    port.say(panic.encode() + b"Backtr")
    time.sleep(0.2)
    texts = []
    for one in seen:
        texts.append(one)
        if one.kind == "crash":
            break
    assert one.diagnosis is not None and one.diagnosis.frames[0].function == "use"
    assert any(one.text.startswith("Backtr") for one in texts)
    seen.close()  # type: ignore[attr-defined]


def test_a_crash_is_told_when_the_board_says_no_more(port: TalkingPort, xtensa: Guru):
    seen = listening(port, elf=xtensa.elf, once=True)
    port.say(xtensa_panic(xtensa).replace("Rebooting...\r\n", "").encode())
    told = list(seen)
    assert told[-1].kind == "crash"
    assert all(line in told[-1].text for line in crash_lines(xtensa))


def test_it_ends_after_so_many_seconds(port: TalkingPort):
    began = time.monotonic()
    assert len(list(monitor(serial_chunks(str(port.path)), for_s=0.5))) == 1
    assert 0.5 <= time.monotonic() - began < 5


def test_it_ends_in_time_while_the_port_is_away(port: TalkingPort):
    seen = monitor(serial_chunks(str(port.path)), for_s=1.0)
    next(seen)
    port.vanish()
    assert [one.kind for one in seen] == ["note"]


def test_frames_are_shown_by_name_and_text_between_them_as_text(port: TalkingPort):
    seen = listening(port)
    port.say(b"boot" + encode(b"\x85\0" + bytes(14)) + b"more\r\n")
    assert [s.text for s in itertools.islice(seen, 3)] == [
        "boot\n",
        "[frame: INVOKE reply, 16 bytes]",
        "more\n",
    ]
    seen.close()  # type: ignore[attr-defined]


def test_a_board_that_says_it_runs_another_build_gets_no_lines(port: TalkingPort, xtensa: Guru):
    board = FakeBoard(
        inputs=[], outputs=[], run=lambda inputs: [], model_name="kws", build_id="0123456789abcdef"
    )
    passed = bytearray()

    def tapped(sent: bytes) -> bytes:
        answer = board(sent)
        passed.extend(answer)
        return answer

    build_id = Device(MemoryTransport(tapped)).hello.build_id
    assert build_id == "0123456789abcdef"
    seen = listening(port, elf=xtensa.elf, once=True)
    port.say(bytes(passed) + xtensa_panic(xtensa).encode())
    told = list(seen)
    assert f"the board runs build {build_id} of 'kws'" in told[1].text
    assert told[-1].diagnosis is not None and told[-1].diagnosis.frames == ()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_cleanly(port: TalkingPort, number: signal.Signals):
    with subprocess.Popen(
        [sys.executable, "-m", "edgekit", "monitor", "--port", str(port.path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert b"listening to" in running.stdout.readline()
        port.say(b"hello\r\n")
        assert running.stdout.readline() == b"hello\n"
        running.send_signal(number)
        _, errors = running.communicate(timeout=20)
    if number == signal.SIGINT:
        assert (running.returncode, errors) == (0, b"")
    else:
        assert running.returncode == 128 + number and b"Traceback" not in errors


# ---- which port --------------------------------------------------------------------------------


def usb(path: str, usb_id: str, serial: str | None = None) -> SerialPort:
    vid, pid = (int(part, 16) for part in usb_id.split(":"))
    return SerialPort(path=path, description="x", usb_vid=vid, usb_pid=pid, usb_serial=serial)


def test_the_one_board_that_is_connected_is_found():
    built_in = SerialPort(
        path="/dev/ttyS0", description="", usb_vid=None, usb_pid=None, usb_serial=None
    )
    assert monitoring.only_port([built_in, usb("/dev/ttyUSB0", "1234:5678")]) == "/dev/ttyUSB0"
    with pytest.raises(SerialPortError, match="no board is connected by USB"):
        monitoring.only_port([built_in])
    several = [usb("/dev/ttyUSB0", "1234:5678"), usb("/dev/ttyUSB1", "1234:5679")]
    with pytest.raises(SerialPortError, match=r"ttyUSB0 .*ttyUSB1"):
        monitoring.only_port(several)


def test_a_device_that_comes_back_under_another_name_is_known_by_its_serial_number():
    known = usb("/dev/ttyACM0", "303a:1001", "F4:12")
    now = [usb("/dev/ttyACM1", "303a:1001", "F4:12"), usb("/dev/ttyACM2", "303a:1001", "AA:00")]
    assert monitoring.other_paths("/dev/ttyACM0", known, now) == ("/dev/ttyACM1",)
    nameless = usb("/dev/ttyACM0", "303a:1001")
    assert monitoring.other_paths("/dev/ttyACM0", nameless, now) == ()
    assert monitoring.other_paths("/dev/ttyACM0", None, now) == ()
