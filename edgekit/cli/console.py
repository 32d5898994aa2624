"""How commands speak: results on stdout, progress and errors on stderr."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.errors import EdgekitError, UserError

if TYPE_CHECKING:
    from rich.console import Console

    from edgekit.pipeline import Progress

INTERRUPTED = 130  # as a shell reports a process ended by Ctrl-C


def guarded(command: Callable[[], object]) -> None:
    """Run `command`; end the process with its exit code, never with a traceback.

    EDGEKIT_DEBUG=1 lets the traceback through.
    """
    try:
        command()
    except EdgekitError as error:
        if os.environ.get("EDGEKIT_DEBUG"):
            raise
        _complain(str(error), error.hint)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of our output went away: `edgekit boards | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("EDGEKIT_DEBUG"):
            raise
        _complain(
            f"internal error: {type(error).__name__}: {error}",
            "this is a bug of edgekit: EDGEKIT_DEBUG=1 shows where; please report it",
        )
        sys.exit(1)


def _complain(message: str, hint: str | None) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("error: ", "bold red"), message))
    if hint:
        console.print(Text.assemble((" hint: ", "bold cyan"), hint))


def stdout() -> Console:
    """Where results go."""
    from rich.console import Console

    return Console(highlight=False)


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress bar on stderr that vanishes when it is done; silent where there is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    console = Console(stderr=True)
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
            bar.update(task, description=stage, completed=done, total=total or None)

        yield report


def write_file(path: Path, text: str) -> None:
    """Write `text` whole or not at all; "-" is stdout.

    Raises:
        UserError: the file cannot be written.
    """
    if str(path) == "-":
        sys.stdout.write(text)
        return
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
