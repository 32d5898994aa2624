"""A Pico that is plugged in with BOOTSEL held: a drive, and then what was copied there, running.

The drive is a directory; the chip is rp2040js, which boots the very UF2 that was copied.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from pathlib import Path
from types import TracebackType

from edgekit import boards, emulators
from edgekit.emulators import EmulatedBoard

INFO = "UF2 Bootloader v3.0\nModel: {model}\nBoard-ID: {board_id}\n"


class PlayedPico:
    """Use it in a `with` statement.

    Args:
        directory: where `drive/` is, and `port`, the serial port once the chip runs.
        board_id: what the drive says that it is.
        deaf: takes an image and does not start it, as a ROM does with one of another family.
        plays: the chip that starts; None: nothing does.
    """

    def __init__(
        self,
        directory: Path,
        *,
        board_id: str = "RPI-RP2",
        deaf: bool = False,
        plays: str | None = "pico-emulated",
    ) -> None:
        self.drive, self.port = directory / "drive", directory / "port"
        self._deaf, self._plays = deaf, plays
        self._running: EmulatedBoard | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self.drive.mkdir()
        text = INFO.format(model="Raspberry Pi RP2", board_id=board_id)
        (self.drive / "INFO_UF2.TXT").write_text(text)
        (self.drive / "INDEX.HTM").write_text("<html></html>")

    def _play(self) -> None:
        copied = self.drive / "firmware.uf2"
        while not self._stop.wait(0.05):
            if not self._deaf and _is_whole(copied):
                self._boot(copied)
                return

    def _boot(self, copied: Path) -> None:
        image = self.drive.with_name("image.uf2")
        shutil.copy(copied, image)
        shutil.rmtree(self.drive)
        if self._plays is not None:
            time.sleep(0.2)  # a chip needs a moment, too
            self._running = emulators.start(boards.load(self._plays), image)
            self.port.symlink_to(self._running.serial_port)

    def __enter__(self) -> PlayedPico:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(10)
        if self._running is not None:
            self._running.close()


def _is_whole(copied: Path) -> bool:
    """True if the last block is there: a ROM counts them."""
    with contextlib.suppress(OSError):
        content = copied.read_bytes()
        if len(content) >= 512 and len(content) % 512 == 0:
            return len(content) // 512 >= int.from_bytes(content[24:28], "little")
    return False
