"""What may be chosen of how an image is written, and what writing it gave."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: Speeds of the serial line, the fastest first; a noisy line is tried again at the next.
BAUD_STEPS = (921600, 460800, 230400, 115200)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashOptions:
    """How an image is written."""

    baud: int = BAUD_STEPS[0]  # to begin with
    erase: bool = False  # all of the flash memory first
    #: Let esptool load its own loader into RAM: faster than the one in ROM, and able to erase.
    stub: bool = True
    button_wait_s: float = 0.0  # for a person to press the buttons, when no reset helps
    reappear_s: float = 8.0  # for a port that vanished, as those on USB do when a chip restarts


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPart:
    """One part, verified in flash memory by its MD5."""

    name: str
    offset: int
    size_bytes: int
    written_bytes: int  # 0: it was there already


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An image that is in flash memory: every byte of it was compared by MD5."""

    port: str
    chip: str  # as esptool names it, e.g. "esp32s3"
    mac: str  # of the chip, e.g. "24:0a:c4:00:01:10"; empty where it could not be read
    flash_size_bytes: int | None  # of the board; None where its flash memory is not known
    baud: int  # at which it succeeded
    parts: tuple[WrittenPart, ...]
    failures: tuple[str, ...]  # of attempts before, one sentence each
    seconds: float
    log: Path  # all that esptool said

    @property
    def written_bytes(self) -> int:
        """How much had to be written."""
        return sum(part.written_bytes for part in self.parts)
