"""Raspberry Pi's picotool, where it is installed: it writes, reads back and starts an image."""

from __future__ import annotations

import shutil
import subprocess

from edgekit.errors import FlashError
from edgekit.flash.uf2_image import Uf2Image
from edgekit.progress import Progress

_TIMEOUT_S = 180
#: What it says when no board waits for an image that it may speak with.
_NO_BOARD = "No accessible RP"


def load(image: Uf2Image, progress: Progress) -> bool:
    """Write and verify the image, and start it; False if there is no picotool, or no board for it.

    Raises:
        FlashError: picotool failed; with its words.
    """
    program = shutil.which("picotool")
    if program is None:
        return False
    progress("writing with picotool", 0, 0)
    command = [program, "load", "--verify", "--execute", str(image.path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FlashError(f"picotool did not end: {error}", hint="unplug the board") from error
    said = f"{done.stdout}\n{done.stderr}"
    if done.returncode == 0:
        return True
    if _NO_BOARD in said:
        return False
    last = [line.strip() for line in said.splitlines() if line.strip()] or ["without a word"]
    raise FlashError(
        f"picotool failed: {last[-1]}",
        hint="`picotool info` says what it sees; --drive DIR copies the image without it",
    )
