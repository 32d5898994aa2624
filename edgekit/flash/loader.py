"""A chip that listens to esptool: what is asked of it, and what is refused to it."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

from edgekit.errors import FlashError, WrongBoardError
from edgekit.flash.image import ERASED, FlashImage, size_text
from edgekit.flash.recorded_port import RecordedPort

_ERASE_S = 150.0  # esptool itself waits 120 s
_BLOCK_S = 45.0  # for one block of a write; esptool sends each up to three times
_ASK_S = 30.0
_ERASED_BYTES_PER_S = 20_000  # esptool's own guess, 40 s for a megabyte, with reserve
_MD5_BYTES_PER_S = 100_000  # esptool's own guess, 8 s for a megabyte, with reserve
_FLASH_END = 0x04  # esptool's serial protocol
_LAST_ANSWER_S = 0.3
_MISMATCHES = ("MD5 of file does not match", "Write failed, the written flash region is empty")
_REVISION = "requires chip revision"
_NO_FLASH = (0x000000, 0xFFFFFF)  # what is read where no flash memory answers


class MismatchError(FlashError):
    """What was written reads back differently."""


class Loader:
    """esptool's loader, in ROM or its stub, on a chip that was found to be the image's.

    Every method may raise whatever esptool raises on a noisy line; see attempts.py.
    """

    def __init__(self, esp: Any, port: RecordedPort) -> None:
        self._esp, self._port = esp, port
        self.flash_size_bytes: int | None = None

    @property
    def chip(self) -> str:
        """As esptool's --chip names it."""
        return chip_id(self._esp)

    @property
    def mac(self) -> str:
        """The chip's MAC address."""
        self._port.allow(_ASK_S, "reading the MAC address")
        return ":".join(f"{byte:02x}" for byte in self._esp.read_mac("BASE_MAC"))

    def refuse_locked(self) -> None:
        """Refuse a chip that would not start a plain image.

        Raises:
            WrongBoardError: it encrypts its flash memory, starts only signed images, or allows
                esptool next to nothing.
        """
        self._port.allow(_ASK_S, "reading the security settings")
        if self._esp.secure_download_mode:
            raise self._locked(
                "is in secure download mode", "flash memory cannot be verified there"
            )
        for what, why, locked in (
            (
                "encrypts its flash memory",
                "a plain image would not start",
                self._esp.get_flash_encryption_enabled,
            ),
            ("has secure boot", "it starts signed images only", self._esp.get_secure_boot_enabled),
        ):
            if locked() and locked():  # twice: a flipped bit must not condemn a board
                raise self._locked(what, why)

    def _locked(self, what: str, why: str) -> WrongBoardError:
        return WrongBoardError(
            f"the {self._esp.CHIP_NAME} at {self._port.name} {what}: {why}",
            hint="fuses cannot be undone: use another board, or Espressif's own signing tools",
        )

    def start_stub(self) -> None:
        """Load esptool's own loader into the chip's RAM and run it."""
        from esptool.cmds import run_stub

        self._port.allow(_ASK_S, "loading esptool's stub")
        self._esp = run_stub(self._esp)

    def change_baud(self, baud: int) -> None:
        """Go on at another speed."""
        self._port.allow(_ASK_S, "changing the speed")
        self._esp.change_baud(baud)

    def attach(self, image: FlashImage) -> None:
        """Switch the flash memory on and check that `image` has room in it.

        Raises:
            WrongBoardError: it is smaller than that the image was built for.
            FlashError: none answers.
        """
        from esptool.cmds import attach_flash, detect_flash_size
        from esptool.util import flash_size_bytes

        self._port.allow(_ASK_S, "looking at the flash memory")
        attach_flash(self._esp)
        if self._esp.flash_id(cache=False) in _NO_FLASH and self._esp.flash_id(cache=False) in (
            _NO_FLASH
        ):
            raise FlashError(
                f"the {self._esp.CHIP_NAME} at {self._port.name} answers, "
                "but its flash memory does not",
                hint="something is wired to the flash memory's pins, or the module is broken",
            )
        for _ in range(2):
            self._esp.flash_id(cache=False)
            self.flash_size_bytes = flash_size_bytes(detect_flash_size(self._esp))
            if self.flash_size_bytes is None or self.flash_size_bytes >= image.flash_size_bytes:
                return
        raise WrongBoardError(
            f"the board at {self._port.name} has {size_text(self.flash_size_bytes or 0)} of flash "
            f"memory, the image was built for {size_text(image.flash_size_bytes)} "
            f"(it fills {image.end:,} bytes)",
            hint=f"use a board with {size_text(image.flash_size_bytes)}, or build for the smaller",
        )

    def erase(self, at_least_bytes: int) -> None:
        """Erase all of the flash memory; `at_least_bytes` where its size is not known.

        Raises:
            MismatchError: it does not read as erased afterwards.
        """
        from esptool.cmds import erase_flash, erase_region

        size_bytes = self.flash_size_bytes or at_least_bytes
        self._port.allow(_ERASE_S + size_bytes / _ERASED_BYTES_PER_S, "erasing")
        if self._esp.IS_STUB:
            erase_flash(self._esp)
        else:
            erase_region(self._esp, 0, size_bytes)
        if not self.holds(0, bytes([ERASED]) * size_bytes):
            raise MismatchError("the flash memory does not read as erased")

    def holds(self, offset: int, content: bytes) -> bool:
        """True if flash memory has `content` at `offset`, by its MD5."""
        padded = padded_to_words(content)
        self._port.allow(_ASK_S + len(padded) / _MD5_BYTES_PER_S, "reading back")
        digest: str = self._esp.flash_md5sum(offset, len(padded))
        return digest.lower() == hashlib.md5(padded).hexdigest()

    def write(self, offset: int, content: bytes) -> None:
        """Erase what `content` needs, write it and compare its MD5.

        Raises:
            MismatchError: the MD5 differs.
            WrongBoardError: the chip is of a revision that the image is not for.
        """
        from esptool.cmds import write_flash
        from esptool.util import FatalError

        self.still_writing()
        try:
            write_flash(self._esp, [(offset, padded_to_words(content))], flash_size="keep")
        except FatalError as error:
            if str(error).startswith(_MISMATCHES):
                raise MismatchError(
                    f"what was written at {offset:#x} reads back differently"
                ) from error
            if _REVISION in str(error):
                raise WrongBoardError(
                    f"the {self._esp.CHIP_NAME} at {self._port.name} is of another revision than "
                    f"the image is for: {error}",
                    hint="build for it: CONFIG_ESP32…_REV_MIN in sdkconfig.defaults",
                ) from error
            raise

    def still_writing(self) -> None:
        """Another block went through: wait as long for the next."""
        self._port.allow(_BLOCK_S, "writing")

    def start_application(self) -> None:
        """Leave the loader for what is in flash memory.

        By the line RTS where there is one. A pseudo-terminal or a socket has none: there the chip
        is asked in-band, by FLASH_BEGIN of nothing and FLASH_END with its argument 0, "reboot" (see
        esptool's serial protocol). It may be gone before it answers.
        """
        self._port.allow(_ASK_S, "starting the application")
        if self._port.can_reset:
            self._esp.hard_reset()
        else:
            self._esp.flash_begin(0, 0)
            reboot = struct.pack("<I", 0)
            self._esp.check_command(
                "start the application", _FLASH_END, reboot, timeout=_LAST_ANSWER_S
            )


def chip_id(esp: Any) -> str:
    """As esptool's --chip names it, e.g. "esp32s3"."""
    from esptool.util import strip_chip_name

    return str(strip_chip_name(esp.CHIP_NAME))


def padded_to_words(content: bytes) -> bytes:
    """Flash memory is written in words of four bytes; esptool fills the last as we do."""
    return content + bytes([ERASED]) * (-len(content) % 4)
