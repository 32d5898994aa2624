"""Runs the workers: converters whose stacks are too large, too loud or too strange for us."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edgekit import processes, resources
from edgekit.errors import ConversionError, ModelError, ToolMissingError, UserError
from edgekit.progress import Progress, silent

_RUN = Path(__file__).parent / "workers" / "run.py"
_PAUSE_S = 0.1  # between two looks at the worker
_LOGS_KEPT = 64
_ABANDONED_AFTER_S = 24 * 3600.0


def run_worker(
    name: str,
    arguments: Sequence[str],
    *,
    python: str = sys.executable,
    progress: Progress = silent,
    stage: str,
) -> dict[str, Any]:
    """Run `workers/<name>.py` in a process of its own and return its facts.

    Its output goes to a file, which the facts name as "log". It ends with this call, however that
    ends.

    Args:
        name: the worker's module, e.g. "from_keras".
        arguments: of its function `convert`.
        python: the interpreter; another one than ours does not see our PYTHONPATH.
        progress: told of `stage` again and again while the worker runs.
        stage: what is being done, e.g. "converting kws.keras".

    Raises:
        ModelError: the worker refused the model.
        ToolMissingError: a package that the worker needs is not installed.
        ConversionError: anything else went wrong; it names the log.
    """
    log = new_log(name)
    with scratch() as directory:
        reply = directory / "reply.json"
        isolated = [] if python == sys.executable else ["-I"]
        command = [python, *isolated, "-X", "utf8", str(_RUN), name, str(reply), *arguments]
        status = _run(command, log, progress, stage)
        answer = _read(reply)
    if answer is None:
        answer = {"failed": _end_of(status, log), "hint": None}
    for key, error in (("refused", ModelError), ("missing", ToolMissingError)):
        if key in answer:
            raise error(answer[key], hint=answer["hint"])
    if "failed" in answer:
        message = f"{stage} failed: {answer['failed']}; its log is {log}"
        raise ConversionError(message, hint=answer["hint"])
    return {**answer["facts"], "log": str(log)}


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A directory in the cache's file system, gone afterwards whatever happens.

    Raises:
        UserError: the cache cannot be written.
    """
    directory = resources.cache() / "conversion" / f".unfinished-{secrets.token_hex(8)}"
    try:
        try:
            directory.mkdir(parents=True)
            _drop_abandoned(directory.parent)
        except OSError as error:
            raise _unwritable(error) from error
        yield directory
    finally:
        with processes.signals_later():
            shutil.rmtree(directory, ignore_errors=True)


def new_log(name: str) -> Path:
    """A new empty file in the cache for what a converter says; the oldest of many go.

    Raises:
        UserError: the cache cannot be written.
    """
    logs = resources.cache() / "conversion" / "logs"
    log = logs / f"{time.strftime('%Y%m%d-%H%M%S')}-{name}-{secrets.token_hex(3)}.log"
    try:
        logs.mkdir(parents=True, exist_ok=True)
        log.touch()
    except OSError as error:
        raise _unwritable(error) from error
    for old in sorted(logs.glob("*.log"))[:-_LOGS_KEPT]:
        old.unlink(missing_ok=True)
    return log


def _unwritable(error: OSError) -> UserError:
    return UserError(
        f"the cache {resources.cache()} cannot be written: {error.strerror}",
        hint="set EDGEKIT_CACHE to a directory of yours",
    )


def _drop_abandoned(parent: Path) -> None:
    """Scratch directories of processes that were killed."""
    for path in parent.glob(".unfinished-*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED_AFTER_S:
                shutil.rmtree(path, ignore_errors=True)


def _run(command: list[str], log: Path, progress: Progress, stage: str) -> int:
    """The exit status of `command`, which does not outlive this call."""
    with log.open("ab") as output:
        try:
            process = processes.start(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        except OSError as error:
            message = f"cannot start {command[0]}: {error.strerror or error}"
            raise ConversionError(f"{stage} failed: {message}") from error
        try:
            while True:
                progress(stage, 0, 0)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process.wait(_PAUSE_S)
        except BaseException:
            processes.end(process)
            raise


def _read(reply: Path) -> dict[str, Any] | None:
    """What the worker replied; None if it died before."""
    try:
        answer: dict[str, Any] = json.loads(reply.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return answer


def _end_of(status: int, log: Path) -> str:
    """How a worker ended that left no reply."""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    if status < 0:
        return f"the converter was ended by signal {-status}"
    return f"the converter ended with status {status}" + (f" ({said})" if said else "")
