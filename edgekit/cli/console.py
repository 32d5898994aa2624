"""How commands speak: results on stdout, progress and errors on stderr."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from edgekit import files
from edgekit.errors import EdgekitError
from edgekit.progress import FETCHING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from edgekit.progress import Progress

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GRACE_S = 10.0  # for ending what was started; another Ctrl-C in this time changes nothing


class _Ended(BaseException):
    """A signal asked this process to end. It is no Exception: nobody is to survive it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
        self.exit_code = 128 + number  # as a shell reports it


def guarded(command: Callable[[], object]) -> None:
    """Run `command`; end the process with its exit code, never with a traceback.

    SIGINT, SIGTERM and SIGHUP end it as an error would: what it started is ended and half-written
    files are removed. EDGEKIT_DEBUG=1 lets the traceback through.
    """
    try:
        _listen()
        _to_the_last_byte(command)
    except EdgekitError as error:
        if os.environ.get("EDGEKIT_DEBUG"):
            raise
        complain(str(error), error.hint)
        sys.exit(error.exit_code)
    except (_Ended, KeyboardInterrupt) as end:
        for number in _ENDING:  # what is left is to exit, which a third Ctrl-C shall not spoil
            signal.signal(number, signal.SIG_IGN)
        with contextlib.suppress(OSError):
            sys.stderr.write("\ninterrupted\n")
        sys.exit(end.exit_code if isinstance(end, _Ended) else 128 + signal.SIGINT)
    except BrokenPipeError:  # the reader of our output went away: `edgekit boards | head -1`
        _forget_output()
        sys.exit(0)
    except OSError as error:  # a full disk, no permission: not ours to mend, and no bug
        if os.environ.get("EDGEKIT_DEBUG"):
            raise
        _forget_output()
        where = f"{error.filename}: " if error.filename else ""
        complain(f"{where}{error.strerror or error}", "EDGEKIT_DEBUG=1 shows where this happened")
        sys.exit(1)
    except Exception as error:
        if os.environ.get("EDGEKIT_DEBUG"):
            raise
        complain(
            f"internal error: {type(error).__name__}: {error}",
            "this is a bug of edgekit: EDGEKIT_DEBUG=1 shows where; please report it",
        )
        sys.exit(1)


@contextlib.contextmanager
def ended_by_ctrl_c() -> Iterator[None]:
    """For what has no other end: there a Ctrl-C is no interruption, and the command succeeds."""
    try:
        yield
    except KeyboardInterrupt:
        pass
    except _Ended as end:
        if end.number != signal.SIGINT:
            raise


def _to_the_last_byte(command: Callable[[], object]) -> None:
    """Run `command`, and fail if what it printed does not reach its reader."""
    try:
        command()
    except SystemExit:  # how typer returns
        sys.stdout.flush()
        raise
    sys.stdout.flush()


def _forget_output() -> None:
    """What is still to be printed cannot be: the interpreter shall not try again as it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _listen() -> None:
    """Turn the signals that end a process into an exception, once: ending must not be cut short."""
    asked_at: float | None = None

    def end(number: int, _: object) -> None:
        nonlocal asked_at
        now = time.monotonic()
        if asked_at is None or now - asked_at > _GRACE_S:
            asked_at = now
            raise _Ended(number)

    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, end)


def complain(message: str, hint: str | None) -> None:
    """Say on stderr what went wrong, and what to try."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("error: ", "bold red"), message))
    if hint:
        console.print(Text.assemble((" hint: ", "bold cyan"), hint))


def stdout() -> Console:
    """Where results go."""
    from rich.console import Console

    return Console(highlight=False, markup=False)  # names may have brackets


@contextlib.contextmanager
def progress(stream: IO[str] | None = None) -> Iterator[Progress]:
    """A progress bar that vanishes when it is done; silent where there is no terminal.

    It is on `stream`, else on stderr. What is fetched from the network is a line there that stays.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    console = Console(file=stream, stderr=True)
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=None)

        def report(stage: str, done: int, total: int) -> None:
            if stage.startswith(FETCHING):
                console.print(stage, highlight=False)
            bar.update(task, description=stage, completed=done, total=total or None)

        yield report


@contextlib.contextmanager
def live(picture: Callable[[int], Table]) -> Iterator[bool]:
    """Show on stderr again and again what `picture` gives for that many lines, then remove it.

    Yields False, and shows nothing, where there is no terminal.
    """
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    if not console.is_terminal:
        yield False
        return
    with Live(get_renderable=lambda: picture(console.height), console=console, transient=True):
        yield True


def note(line: str) -> None:
    """One line on stderr, for those who have no terminal to see progress on."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def refuse_unwritable(path: Path | None) -> None:
    """Say before the work is done that its result could not be written; "-" is stdout.

    Raises:
        UserError: `write_file` would fail.
    """
    if path is not None and str(path) != "-":
        files.refuse_unwritable(path)


def write_file(path: Path, text: str) -> None:
    """Write `text` whole or not at all; "-" is stdout, and a device or pipe just gets it.

    Raises:
        UserError: the file cannot be written.
        EdgekitError: the disk is full or broken.
    """
    if str(path) == "-":
        sys.stdout.write(text)
    else:
        files.write_whole(path, text.encode())
