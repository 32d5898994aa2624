"""What went wrong with a board, in words: what happened, which evidence there is, what to do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from edgekit import boot_messages
from edgekit.boot_messages import STRAPPING, Finding, Kind
from edgekit.errors import FlashError, WrongBoardError
from edgekit.flash.image import FlashImage

_TROUBLE = "For troubleshooting steps visit"
_QUOTED_CHARACTERS = 60
_PRINTABLE_SHARE = 0.8  # of what is text rather than noise

#: How the two buttons are labelled. Source: Espressif's user guides of ESP32-DevKitC,
#: ESP32-S3-DevKitC-1, ESP32-C3-DevKitM-1 and ESP32-C6-DevKitC-1.
_BUTTONS = {
    "esp32": ("BOOT", "EN"),
    "esp32s3": ("BOOT", "RST"),
    "esp32c3": ("BOOT", "RST"),
    "esp32c6": ("BOOT", "RST"),
}
_ANY_BUTTONS = ("BOOT", "RESET or EN")

#: What flash memory holds is no reason why a loader in ROM does not answer.
_WHY_NO_LOADER: frozenset[Kind] = frozenset(
    ("another-chip", "brown-out", "wrong-boot-mode", "download-mode", "started")
)

_LINE_HINT = (
    "use a shorter cable and a USB port without a hub, unplug what is wired to the board's "
    "serial pins; --baud 115200 begins slowly"
)
_MEMORY_HINT = (
    "supply more current (another USB port or cable); if it stays so, the flash memory is worn or "
    "broken: try another board"
)


def sentence_of(error: Exception) -> str:
    """What esptool says, in one line."""
    text = str(error).partition(_TROUBLE)[0].strip() or type(error).__name__
    return " ".join(text.split())


def wrong_chip(port: str, found: str, image: FlashImage) -> WrongBoardError:
    """The chip is not the image's."""
    return WrongBoardError(
        f"the board at {port} is an {chip_name(found)}, the image is for an "
        f"{chip_name(image.chip)} (board {image.board_id})",
        hint="choose another --port, or build the model for this board: see `edgekit boards`",
    )


def chip_name(chip: str) -> str:
    """As people write it, e.g. "ESP32-C3"."""
    from esptool.util import expand_chip_name

    return str(expand_chip_name(chip))


def press_buttons(chip: str) -> str:
    """What a person is to do so that the chip listens to esptool."""
    boot, reset = _BUTTONS.get(chip, _ANY_BUTTONS)
    pin = f" ({STRAPPING[chip].boot_pin})" if chip in STRAPPING else ""
    return (
        f"hold {boot}{pin}, press and release {reset}, let go of {boot}; where the board has no "
        f"buttons, connect {STRAPPING[chip].boot_pin if chip in STRAPPING else 'the boot pin'} "
        "to GND while it is reset"
    )


def what_it_says(
    heard: bytes, chip: str, *, about: Collection[Kind] = ()
) -> tuple[str, tuple[Finding, ...]]:
    """One sentence on bytes that came from a board, and what was recognised in them.

    Args:
        heard: the bytes.
        chip: that they ought to come from.
        about: the findings that matter, where there are any of these.
    """
    text = heard.decode("utf-8", errors="replace")
    findings = boot_messages.decode(text, chip=chip)
    findings = tuple(finding for finding in findings if finding.kind in about) or findings
    if findings:
        return "; ".join(str(finding) for finding in findings[:3]), findings
    if not heard:
        return "nothing was received", ()
    printable = sum(c.isascii() and (c.isprintable() or c in "\r\n\t") for c in text)
    if printable < _PRINTABLE_SHARE * len(text):
        return f"{len(heard):,} bytes were received, but no text: noise, or another speed", ()
    said = max((line.strip() for line in text.splitlines()[-3:]), key=len)  # the last may be cut
    return f"a firmware runs there; it said {said[:_QUOTED_CHARACTERS]!r}", ()


def no_answer(
    port: str, image: FlashImage, tried: Sequence[str], heard: bytes, log: Path
) -> FlashError:
    """No loader answered at all."""
    says, findings = what_it_says(heard, image.chip, about=_WHY_NO_LOADER)
    advice = [finding.advice for finding in findings if finding.advice]
    if any(finding.kind == "download-mode" for finding in findings):
        advice.append("the chip speaks but does not hear: check the wire to its RX pin")
    else:
        advice.append(press_buttons(image.chip))
    if not heard:
        advice.append("check that the cable carries data and that this is the board's port")
    return FlashError(
        f"no {chip_name(image.chip)} listens at {port}: {says}. "
        f"Tried: {', '.join(tried)}. esptool's log is {log}",
        hint="; ".join(dict.fromkeys(advice)),
    )


def gave_up(port: str, failures: Sequence[str], mismatch: bool, log: Path) -> FlashError:
    """Every attempt failed, the last because of what was read back or of the line."""
    lines = "".join(f"\n  {number}. {failure}" for number, failure in enumerate(failures, 1))
    return FlashError(
        f"the board at {port} could not be flashed in {len(failures)} attempts:{lines}\n"
        f"esptool's log is {log}",
        hint=_MEMORY_HINT if mismatch else _LINE_HINT,
    )


def lost(port: str, why: str, log: Path) -> FlashError:
    """The port vanished and did not come back."""
    return FlashError(
        f"{port} vanished while the board was flashed, and did not come back: {why}; "
        f"esptool's log is {log}",
        hint="plug the board in and flash it again: what was written already is kept",
    )
