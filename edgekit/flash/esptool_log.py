"""What esptool says goes to a file in the cache; its progress bar becomes a Progress."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from edgekit import resources
from edgekit.errors import ToolMissingError, UserError

_LOGS_KEPT = 50


def require_esptool() -> None:
    """Import esptool.

    Raises:
        ToolMissingError: it is not installed.
    """
    try:
        import esptool  # noqa: F401
    except ImportError as error:
        raise ToolMissingError(
            f"esptool cannot be imported ({error}): it writes the flash memory of ESP32 boards",
            hint="pip install 'edgekit[esp32]'",
        ) from error


def new_log() -> Path:
    """A new empty file in the cache; the oldest of many go.

    Raises:
        UserError: the cache cannot be written.
    """
    logs = resources.cache() / "flash" / "logs"
    log = logs / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}.log"
    try:
        logs.mkdir(parents=True, exist_ok=True)
        log.touch()
    except OSError as error:
        raise UserError(
            f"the cache {resources.cache()} cannot be written: {error.strerror}",
            hint="set EDGEKIT_CACHE to a directory of yours",
        ) from error
    for old in sorted(logs.glob("*.log"))[:-_LOGS_KEPT]:
        old.unlink(missing_ok=True)
    return log


@contextlib.contextmanager
def heard_in(log: Path, on_bytes: Callable[[int, int], None]) -> Iterator[Callable[[str], None]]:
    """Send to `log` what esptool says meanwhile.

    Args:
        log: is appended to.
        on_bytes: told how many bytes of how many are written, as esptool's progress bar is.

    Yields:
        A function that writes a line of ours to the log.
    """
    from esptool.logger import EspLog
    from esptool.logger import log as esptool_log
    from esptool.reset import ResetStrategy

    before, warn_before = EspLog.instance, ResetStrategy.print_once
    with log.open("a", encoding="utf-8", errors="replace", buffering=1) as file:
        esptool_log.set_logger(_listener(file, on_bytes))
        ResetStrategy.print_once = esptool_log.warn  # it keeps the logger that was there at first
        try:
            yield lambda line: print(f"{time.strftime('%H:%M:%S')} {line}", file=file)
        finally:
            EspLog.instance, ResetStrategy.print_once = before, warn_before


def _listener(file: IO[str], on_bytes: Callable[[int, int], None]) -> Any:
    from esptool.logger import TemplateLogger

    class Listener(TemplateLogger):  # type: ignore[misc]  # untyped
        def print(self, *words: object, end: str = "\n", sep: str = " ", **_: object) -> None:
            print(*words, end=end, sep=sep, file=file)

        def note(self, message: str) -> None:
            print(f"note: {message}", file=file)

        def warning(self, message: str) -> None:
            print(f"warning: {message}", file=file)

        def error(self, message: str) -> None:
            print(f"error: {message}", file=file)

        def stage(self, finish: bool = False) -> None:
            del finish

        def progress_bar(self, cur_iter: int, total_iters: int, *_: object, **__: object) -> None:
            on_bytes(cur_iter, total_iters)

        def set_verbosity(self, verbosity: str) -> None:
            del verbosity

    return Listener()
