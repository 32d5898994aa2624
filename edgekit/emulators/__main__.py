"""python -m edgekit.emulators BOARD ELF [LINK]: a board that runs ELF.

With LINK it stays plugged in while it is used: what PlatformIO's target `upload` starts for an
emulated board (templates/platformio). LINK becomes a symbolic link to a serial port behind which
ELF runs. The board is unplugged when whoever opened the serial port has closed it, when nobody
opens it for half a minute, or when LINK is removed. Without LINK the serial port is the terminal.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import sys
import time
from pathlib import Path

from edgekit import boards, emulators
from edgekit.errors import EdgekitError

_PATIENCE_S = 30.0  # to be opened for the first time
_TICK_S = 0.05
_CHUNK_BYTES = 4096


def main() -> int:
    """Play the board; 0 when it was unplugged, else 1 with the reason on stderr."""
    board_id, elf, *link = sys.argv[1:]
    try:
        board = boards.load(board_id)
        emulators.prepare(board, lambda stage, done, total: print(stage, file=sys.stderr))
        if not link:
            command = emulators.command_for(board, Path(elf))
            environment = emulators.environment_for(board, command)
            os.execve(command[0], command, {**os.environ, **environment})
        with emulators.start(board, Path(elf)) as running:
            _serve(running, Path(link[0]))
    except EdgekitError as error:
        sys.stderr.write(f"Error: {error}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
        return 1
    return 0


def _serve(board: emulators.EmulatedBoard, link: Path) -> None:
    """Pass bytes on between the board and a second serial port, which shows when it is closed."""
    inner = os.open(board.serial_port, os.O_RDWR | os.O_NOCTTY)
    outer, slave = pty.openpty()
    name = os.ttyname(slave)
    os.close(slave)
    link.unlink(missing_ok=True)
    link.symlink_to(name)
    try:
        _pass_on(board, inner, outer, link, name)
    finally:
        with contextlib.suppress(OSError):
            if str(link.readlink()) == name:
                link.unlink()
        os.close(outer)
        os.close(inner)


def _pass_on(board: emulators.EmulatedBoard, inner: int, outer: int, link: Path, name: str) -> None:
    used, gives_up_at = False, time.monotonic() + _PATIENCE_S
    while _names(link, name):
        board.check_alive()
        is_open = not _hung_up(outer)
        if not is_open and (used or time.monotonic() > gives_up_at):
            return
        used |= is_open
        sources = [inner, outer] if is_open else [inner]
        for source in select.select(sources, [], [], _TICK_S)[0]:
            with contextlib.suppress(OSError):  # closed this very moment
                data = os.read(source, _CHUNK_BYTES)
                if is_open:
                    os.write(outer if source == inner else inner, data)
        if not is_open:
            time.sleep(_TICK_S)


def _names(link: Path, name: str) -> bool:
    try:
        return str(link.readlink()) == name
    except OSError:
        return False


def _hung_up(master: int) -> bool:
    """True while nobody has the other side of a pseudo-terminal open."""
    poll = select.poll()
    poll.register(master, 0)
    return any(events & select.POLLHUP for _, events in poll.poll(0))


if __name__ == "__main__":
    sys.exit(main())
