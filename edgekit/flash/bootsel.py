"""A Pico that waits for an image: a USB drive with an INFO_UF2.TXT.

Its boot ROM is that drive; it takes a UF2 that is copied there, in whatever order the blocks come,
and starts it when the last one has come. So the drive goes away by itself, and that it does is the
sign that all of the image arrived. Source: RP2040 datasheet, 2.8.4; RP2350 datasheet, 5.5.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.errors import FlashError, UserError, WrongBoardError
from edgekit.flash.uf2_image import Uf2Image
from edgekit.progress import Progress

INFO = "INFO_UF2.TXT"
NAME = "firmware.uf2"

_CHUNK_BYTES = 32 * 1024
_GONE_S = 20.0  # for the ROM to write the last blocks and restart
_LOOK_S = 0.2
_LABELS = Path("/dev/disk/by-label")
_FIELD = re.compile(r"^(Board-ID|Model):\s*(.+?)\s*$", re.MULTILINE)
PRESS = "unplug the board, hold its button BOOTSEL, plug it in, let go: then it is a drive"


@dataclass(frozen=True, slots=True)
class Drive:
    """A mounted drive of a board that waits for an image."""

    path: Path
    board_id: str  # of INFO_UF2.TXT, e.g. "RPI-RP2"
    model: str  # e.g. "Raspberry Pi RP2"


def drives(mounted: Iterable[Path] | None = None) -> tuple[Drive, ...]:
    """All such drives among `mounted`; by default among what is mounted on this computer."""
    found = (_drive(path) for path in (_mounted() if mounted is None else mounted))
    return tuple(drive for drive in found if drive is not None)


def choose(found: Sequence[Drive], image: Uf2Image) -> Drive | None:
    """The drive that takes the image; None if there is none at all.

    Raises:
        WrongBoardError: what is there are other boards.
        UserError: several take it.
    """
    fitting = [drive for drive in found if drive.board_id == image.drive_id]
    if len(fitting) > 1:
        listed = ", ".join(str(drive.path) for drive in fitting)
        raise UserError(
            f"{len(fitting)} boards wait for an image: {listed}",
            hint=f"say which one: --drive {fitting[0].path}",
        )
    if fitting:
        return fitting[0]
    if found:
        other = found[0]
        raise WrongBoardError(
            f"the board that is the drive {other.path} is a {other.board_id} ({other.model}), "
            f"the image is for a {image.drive_id}",
            hint="plug the other board in, or build for this one: `edgekit boards`",
        )
    return None


def named(path: Path) -> Drive:
    """The drive that a person names.

    Raises:
        UserError: it is none.
    """
    drive = _drive(path)
    if drive is None:
        raise UserError(f"{path} is no drive of a Pico: it has no {INFO}", hint=PRESS)
    return drive


def unmounted_hint(drive_id: str) -> str | None:
    """How to mount a board that is there as a drive, but not mounted."""
    device = _LABELS / drive_id
    if not device.exists():
        return None
    return f"a board waits, but is not mounted: udisksctl mount -b {device}"


def write(drive: Drive, image: Uf2Image, progress: Progress) -> None:
    """Copy the image to the drive, and see the drive go.

    Raises:
        FlashError: the drive is full, read-only, went too early, or stays.
    """
    size = len(image.content)
    sent = 0
    try:
        free = os.statvfs(drive.path).f_bavail * os.statvfs(drive.path).f_frsize
        if free < size:
            raise FlashError(
                f"{drive.path} has {free:,} bytes free, the image needs {size:,}",
                hint="unplug the board and plug it in again, with BOOTSEL held down",
            )
        with (drive.path / NAME).open("wb", buffering=0) as file:
            while sent < size:
                sent += file.write(image.content[sent : sent + _CHUNK_BYTES])
                progress(f"copying to {drive.path}", sent, size)
            os.fsync(file.fileno())
    except OSError as error:
        if sent < size:  # else it may be the restart that we wait for
            raise FlashError(
                f"{drive.path}: {error.strerror or error}, after {sent:,} of {size:,} bytes",
                hint=f"nothing was started; {PRESS}",
            ) from error
    _wait_until_gone(drive, progress)


def _wait_until_gone(drive: Drive, progress: Progress) -> None:
    progress("waiting for the board to restart", 0, 0)
    until = time.monotonic() + _GONE_S
    while _drive(drive.path) is not None:
        if time.monotonic() > until:
            raise FlashError(
                f"{drive.path} has the image, but the board does not start it",
                hint="is it a UF2 for this chip? unplug the board, and try again with BOOTSEL held",
            )
        time.sleep(_LOOK_S)


def _drive(path: Path) -> Drive | None:
    try:
        text = (path / INFO).read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    told = dict(_FIELD.findall(text))
    if "Board-ID" not in told:
        return None
    return Drive(path=path, board_id=told["Board-ID"], model=told.get("Model", "of no model"))


def _mounted() -> list[Path]:
    """Where file systems of the kind that boot ROMs have are mounted."""
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # macOS
        volumes = Path("/Volumes")
        return sorted(volumes.iterdir()) if volumes.is_dir() else []
    fields = (line.split() for line in lines)
    return [Path(_unescaped(field[1])) for field in fields if field[2:3] == ["vfat"]]


def _unescaped(text: str) -> str:
    """A path of /proc/mounts, which has blanks as \\040."""
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), text)
