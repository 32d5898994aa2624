"""Boards as a user names them, and which of them may be one."""

import pytest

from edgekit import boards
from edgekit.boards import Board
from edgekit.errors import BoardError, UserError
from edgekit.pipeline import Target, Where, placed, targets
from edgekit.pipeline.targets import may_be_one


def ids(named):
    return [target.board.id for target in targets(named)]


def linux_board(board_id: str) -> Board:
    """A real one that ssh reaches."""
    host = boards.load("host")
    reach = host.reach.model_copy(update={"kind": "ssh"})
    return host.model_copy(
        update={"id": board_id, "flash": "ssh", "emulator": None, "reach": reach}
    )


def test_ids_patterns_and_all():
    assert ids(["host"]) == ["host"]
    assert ids(["qemu-cortex-m3*", "host"]) == ["qemu-cortex-m3", "qemu-cortex-m33", "host"]
    emulated = [board.id for board in boards.all_boards() if board.emulated]
    assert ids(["all"]) == emulated
    assert "host" not in emulated


def test_a_place_stands_behind_the_id():
    one, two = targets(["esp32@/dev/ttyUSB0", "esp32-c3@socket://10.0.0.2:99"])
    assert one.where == Where(port="/dev/ttyUSB0")
    assert two.where == Where(port="socket://10.0.0.2:99")


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (["host", "host"], "host was given twice"),
        (["qemu-*", "qemu-cortex-m4"], "qemu-cortex-m4 was given twice"),
        (["esp32@/dev/ttyUSB0", "esp32@/dev/ttyUSB1"], "esp32 was given at two places"),
        (["host@/dev/ttyUSB0"], "it is at no port"),
        (["quemu-*"], "no board matches 'quemu-"),
        ([], "no board was named"),
    ],
)
def test_mistakes_are_said(named, words):
    with pytest.raises(UserError, match=words):
        targets(named)


def test_an_unknown_board_is_said():
    with pytest.raises(BoardError, match="no board 'qemu-cortex-m5'"):
        targets(["host", "qemu-cortex-m5"])


def test_one_place_is_for_the_only_board_that_needs_it():
    where = Where(port="/dev/ttyUSB0")
    at = placed(targets(["host", "esp32", "esp32-c3@/dev/ttyUSB1"]), where)
    assert [target.where.port for target in at] == ["auto", "/dev/ttyUSB0", "/dev/ttyUSB1"]
    assert placed(targets(["host"]), Where()) == targets(["host"])
    with pytest.raises(UserError, match="for esp32 and esp32-c3 at once"):
        placed(targets(["host", "esp32", "esp32-c3"]), where)
    with pytest.raises(UserError, match="no board here needs one"):
        placed(targets(["host", "qemu-cortex-m4", "esp32@/dev/ttyUSB1"]), where)


@pytest.mark.parametrize(
    ("a", "b", "may"),
    [
        ("esp32@/dev/null", "esp32-c3@/dev/zero", False),
        ("esp32@/dev/null", "esp32-c3@/dev/../dev/null", True),
        ("esp32", "esp32-c3@/dev/null", True),  # auto may find any
        ("esp32@auto:A1", "esp32-c3@auto:B2", False),
        ("esp32@auto:A1", "esp32-c3@/dev/null", True),
        ("host", "esp32", False),
        ("qemu-cortex-m3", "qemu-cortex-m4", False),
    ],
)
def test_two_runs_on_what_may_be_one_board_are_kept_apart(a, b, may):
    first, second = targets([a, b])
    assert may_be_one(first, second) is may
    assert may_be_one(second, first) is may


def test_linux_boards_are_told_apart_by_their_host():
    def at(board_id: str, host: str | None) -> Target:
        return Target(board=linux_board(board_id), where=Where(host=host))

    assert may_be_one(at("rpi-4", "pi@a"), at("rpi-5", "pi@a"))
    assert may_be_one(at("rpi-4", None), at("rpi-5", None))
    assert not may_be_one(at("rpi-4", "pi@a"), at("rpi-5", "pi@b"))
    assert not may_be_one(at("rpi-4", "pi@a"), targets(["esp32"])[0])
