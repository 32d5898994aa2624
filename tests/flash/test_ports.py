"""Which serial port is taken for a board, and what is said where that is not clear."""

from __future__ import annotations

import pytest

from edgekit import boards
from edgekit.boards import Board, Reach
from edgekit.errors import SerialPortError
from edgekit.flash import find_port
from edgekit.serial_ports import SerialPort, now_at


def port(path: str, usb: str | None, serial: str | None = None) -> SerialPort:
    vid, pid = (int(half, 16) for half in usb.split(":")) if usb else (None, None)
    return SerialPort(path=path, description="CP2102N", usb_vid=vid, usb_pid=pid, usb_serial=serial)


def board() -> Board:
    reach = Reach(kind="usb", usb=("10c4:ea60", "303a:1001"), baud=115200, source="test")
    return boards.load("host").model_copy(update={"reach": reach, "name": "ESP32-DevKitC"})


def find(asked: str, *ports: SerialPort) -> str:
    return find_port(asked, board, candidates=ports)


BRIDGE = port("/dev/ttyUSB0", "10c4:ea60", "0001")
TWIN = port("/dev/ttyUSB1", "10c4:ea60", "0002")
CLONE = port("/dev/ttyUSB2", "10c4:ea60", "0002")
OTHER = port("/dev/ttyACM0", "2341:0043", "75630")
NATIVE = port("/dev/ttyS0", None)


@pytest.mark.parametrize(
    ("there", "now"),
    [
        ((BRIDGE, TWIN), "/dev/ttyUSB0"),  # it never went away
        ((port("/dev/ttyUSB3", "10c4:ea60", "0001"), TWIN), "/dev/ttyUSB3"),
        ((port("/dev/ttyUSB3", "10c4:ea60"),), "/dev/ttyUSB3"),  # the only one of its kind
        ((TWIN, CLONE), None),  # two others of its kind
        ((OTHER, NATIVE), None),
        ((), None),
    ],
)
def test_a_port_that_comes_back_is_known_by_its_serial_number(
    there: tuple[SerialPort, ...], now: str | None
):
    assert now_at(BRIDGE, among=there) == now


def test_a_port_that_is_not_on_usb_has_nothing_to_be_known_by():
    assert now_at(NATIVE, among=(NATIVE,)) is None
    assert now_at(None) is None


@pytest.mark.parametrize("asked", ["/dev/ttyUSB7", "socket://localhost:5000", "COM3"])
def test_a_named_port_is_taken_as_it_is(asked: str):
    assert find(asked, BRIDGE) == asked


def test_the_only_port_with_a_usb_id_of_the_board_is_taken():
    assert find("auto", NATIVE, OTHER, BRIDGE) == "/dev/ttyUSB0"


def test_two_that_fit_are_listed_with_what_tells_them_apart():
    with pytest.raises(SerialPortError, match="2 serial ports may be the ESP32-DevKitC") as caught:
        find("auto", BRIDGE, TWIN, OTHER)
    assert "/dev/ttyUSB0  10c4:ea60  serial number 0001  CP2102N" in str(caught.value)
    assert caught.value.hint == "choose one: --port auto:0001 or --port auto:0002"
    assert caught.value.exit_code == 2


def test_those_that_a_serial_number_does_not_tell_apart_are_named_by_their_paths():
    with pytest.raises(SerialPortError) as caught:
        find("auto", TWIN, CLONE)
    assert caught.value.hint == "choose one: --port /dev/ttyUSB1 or --port /dev/ttyUSB2"


def test_a_serial_number_finds_its_port_whatever_its_usb_id():
    assert find("auto:75630", BRIDGE, OTHER) == "/dev/ttyACM0"


def test_a_serial_number_that_two_have_does_not_choose():
    with pytest.raises(SerialPortError, match="2 serial ports have the serial number 0002"):
        find("auto:0002", TWIN, CLONE)


def test_an_unknown_serial_number_lists_those_that_are_there():
    with pytest.raises(SerialPortError, match="no serial port has the serial number 9") as caught:
        find("auto:9", BRIDGE, NATIVE)
    assert "serial number 0001" in str(caught.value)


def test_a_board_with_an_unknown_bridge_can_be_named():
    with pytest.raises(SerialPortError, match=r"\(10c4:ea60, 303a:1001\); there are:") as caught:
        find("auto", OTHER, NATIVE)
    assert "--port /dev/ttyACM0" in str(caught.value.hint)


def test_without_any_port_there_is_a_list_of_what_to_check():
    with pytest.raises(SerialPortError, match="no board is connected") as caught:
        find("auto", NATIVE)
    for word in ("cable", "driver", "dialout"):
        assert word in str(caught.value.hint)
