"""FlashImage -> flash memory, verified; again at another speed where the line is noisy.

Nothing that esptool says is taken as proof. The image is cut into segments; each is in flash memory
when the chip's MD5 of it is the image's, and the image is written when all of them were found there
in one pass after the last write. A request can be garbled so that it harms another place than the
one it was meant for: hence that pass, each time.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.errors import ImageError
from edgekit.flash.attempts import Attempt, DifferentError, Work, until_done
from edgekit.flash.esptool_log import require_esptool
from edgekit.flash.image import FlashImage, ImagePart
from edgekit.flash.loader import MismatchError
from edgekit.flash.options import FlashOptions, Written
from edgekit.progress import Progress, silent

_SEGMENT_BYTES = 256 * 1024  # what is written, verified and, after a failure, skipped at once
_PASSES = 2  # over the image within one attempt that ought to find all of it there
_HEADER_MAGIC, _HEADER_BYTES = b"\xe9", 24


@dataclass(frozen=True, slots=True)
class _Segment:
    part: ImagePart
    at: int  # within the part

    @property
    def offset(self) -> int:
        return self.part.offset + self.at

    @property
    def content(self) -> bytes:
        return self.part.content[self.at : self.at + _SEGMENT_BYTES]


def write(
    image: FlashImage,
    port: str,
    *,
    options: FlashOptions | None = None,
    progress: Progress = silent,
) -> Written:
    """Put `image` into the flash memory of the board behind `port`, verify it and start it.

    What is there already is not written again. A failed attempt is followed by a slower one, which
    goes on where that one failed.

    A serial port without DTR and RTS (a pseudo-terminal, a socket) works too: the chip behind it
    has to be in its loader already, and is asked in-band to start the application at the end: see
    Loader.start_application.

    Args:
        image: what read() gave.
        port: path or pyserial URL.
        options: how it is written.
        progress: is told of each step.

    Raises:
        SerialPortError: the port is missing, busy or refused.
        WrongBoardError: the chip is another, its flash memory too small, or locked.
        ImageError: the image's own header is for another chip.
        ToolMissingError: esptool is not installed.
        FlashError: no attempt succeeded; the message says what happened in each, and names the log.
    """
    _prepare(image)
    work = Work(image=image, port=port, options=options or FlashOptions(), progress=progress)
    return until_done(work, _write)


def verify(
    image: FlashImage,
    port: str,
    *,
    options: FlashOptions | None = None,
    progress: Progress = silent,
) -> Written:
    """Compare the flash memory of the board behind `port` with `image`, change nothing, start it.

    Raises: as write() does; FlashError names the parts that differ.
    """
    _prepare(image)
    work = Work(image=image, port=port, options=options or FlashOptions(), progress=progress)
    return until_done(work, _compare)


def _prepare(image: FlashImage) -> None:
    """Refuse what can be refused without a board.

    The boot loader's part says for which chip it is: its header's bytes 12 and 13.

    Source: esptool's "Firmware Image Format", extended file header.
    """
    require_esptool()
    from esptool.targets import CHIP_DEFS

    if image.chip not in CHIP_DEFS:
        raise ImageError(
            f"the image is for chip {image.chip!r}, which esptool does not know",
            hint=f"it knows: {', '.join(CHIP_DEFS)}",
        )
    target = CHIP_DEFS[image.chip]
    for part in image.parts:
        header = part.content[:_HEADER_BYTES]
        if part.offset != target.BOOTLOADER_FLASH_OFFSET or header[:1] != _HEADER_MAGIC:
            continue
        found = int.from_bytes(header[12:14], "little")
        if found != target.IMAGE_CHIP_ID:
            names = [c.CHIP_NAME for c in CHIP_DEFS.values() if found == c.IMAGE_CHIP_ID]
            raise ImageError(
                f"{part.name} is for {names[0] if names else f'chip number {found}'}, "
                f"but the image for {target.CHIP_NAME}",
                hint="build the firmware again for the right board",
            )


def _write(attempt: Attempt) -> None:
    work, loader = attempt.work, attempt.loader
    if work.options.erase and not work.erased:
        work.progress("erasing the flash memory", 0, 0)
        loader.erase(work.image.flash_size_bytes)
        work.erased = True
    for _ in range(_PASSES):
        missing = _missing(attempt)
        if not missing:
            return
        _write_segments(attempt, missing)
    if missing := _missing(attempt):
        raise MismatchError(f"{_names(missing)} read back differently than written")


def _write_segments(attempt: Attempt, segments: list[_Segment]) -> None:
    work, loader = attempt.work, attempt.loader
    total = sum(len(segment.content) for segment in segments)
    done = 0
    for segment in segments:

        def on_block(sent: int, to_send: int, now: _Segment = segment, done: int = done) -> None:
            loader.still_writing()
            done_now = len(now.content) * sent // max(to_send, 1)
            work.progress(f"writing {now.part.name}", done + done_now, total)

        work.on_block = on_block
        loader.write(segment.offset, segment.content)
        done += len(segment.content)
        work.written[segment.offset] = len(segment.content)


def _compare(attempt: Attempt) -> None:
    # Twice: a garbled reply proves nothing.
    if _missing(attempt) and (missing := _missing(attempt)):
        raise DifferentError(f"{_names(missing)} in the flash memory differs from the image")


def _missing(attempt: Attempt) -> list[_Segment]:
    """The segments that are not in flash memory."""
    work, total, done = attempt.work, attempt.work.image.size_bytes, 0
    missing = []
    for part in work.image.parts:
        for at in range(0, len(part.content), _SEGMENT_BYTES):
            segment = _Segment(part, at)
            work.progress("verifying", done, total)
            if not attempt.loader.holds(segment.offset, segment.content):
                missing.append(segment)
            done += len(segment.content)
    return missing


def _names(segments: list[_Segment]) -> str:
    return ", ".join(dict.fromkeys(segment.part.name for segment in segments))
