"""What went wrong with a board, in words: what happened, which evidence there is, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgekit.errors import FlashError, WrongBoardError
from edgekit.flash.image import FlashImage

_TROUBLE = "For troubleshooting steps visit"


def sentence_of(error: Exception) -> str:
    """What esptool says, in one line."""
    text = str(error).partition(_TROUBLE)[0].strip() or type(error).__name__
    return " ".join(text.split())


def wrong_chip(port: str, found: str, image: FlashImage) -> WrongBoardError:
    """The chip is not the image's."""
    from esptool.util import expand_chip_name

    return WrongBoardError(
        f"the board at {port} is an {expand_chip_name(found)}, the image is for an "
        f"{expand_chip_name(image.chip)} ({image.board_id})",
        hint="choose another --port, or build the model for this board: see `edgekit boards`",
    )


def press_buttons(image: FlashImage) -> str:
    """What a person is to do so that the chip listens."""
    return "hold BOOT, press RESET or EN, let go of BOOT"


def no_answer(
    port: str, image: FlashImage, tried: Sequence[str], heard: bytes, log: Path
) -> FlashError:
    """No loader answered at all."""
    return FlashError(
        f"no ESP32 listens at {port}, tried: {'; '.join(tried)}; the log is {log}",
        hint=press_buttons(image),
    )


def gave_up(port: str, failures: Sequence[str], log: Path) -> FlashError:
    """Every attempt failed."""
    lines = "".join(f"\n  {failure}" for failure in failures)
    return FlashError(
        f"the board at {port} failed in {len(failures)} attempts:{lines}\nesptool's log is {log}",
        hint="try a shorter cable, another USB port without a hub, and a stronger supply",
    )


def lost(port: str, why: str, failures: Sequence[str], log: Path) -> FlashError:
    """The port vanished and did not come back."""
    return FlashError(
        f"{port} vanished while the board was written, and did not come back: {why} "
        f"({failures[-1]}); the log is {log}",
        hint="plug the board in again and repeat: what was written already is kept",
    )
