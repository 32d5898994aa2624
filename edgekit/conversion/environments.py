"""Python environments for converters that can't share ours: made on demand, in the cache."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import platform
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from edgekit import processes, resources
from edgekit.conversion import worker
from edgekit.errors import ToolMissingError
from edgekit.progress import Progress, silent

_PAUSE_S = 0.2  # between two looks at pip, or at a lock that another process holds
_UNUSED_AFTER_S = 30 * 24 * 3600.0
_UNFINISHED = ".unfinished-"
#: Settings of pip that would put packages elsewhere than into the environment.
_PIP_MISLEADS = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON")
_FETCHING = re.compile(r"^Collecting ([A-Za-z0-9_.-]+)", re.MULTILINE)
_INSTALLING = "Installing collected packages"
_INDEX = (
    "pip's own settings apply (PIP_INDEX_URL, PIP_FIND_LINKS, PIP_PROXY, PIP_CERT, pip.conf): "
    "check the network, or give pip an index that it can reach"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Environment:
    """What is installed, and how large that is."""

    title: str
    requirements: tuple[str, ...]
    size_bytes: int  # on disk, measured with CPU builds


_ONNX: Final = (
    "onnx==1.23.2",
    "onnxruntime==1.23.2; python_version < '3.11'",  # the last for 3.10
    "onnxruntime==1.32.0; python_version >= '3.11'",
)
_ENVIRONMENTS: Final = {
    "onnx": _Environment(title="ONNX", requirements=_ONNX, size_bytes=240_000_000),
    "pytorch": _Environment(
        title="PyTorch",
        requirements=(*_ONNX, "onnxscript==0.7.2", "torch==2.13.0"),
        size_bytes=1_150_000_000,
    ),
}


def environment(name: Literal["onnx", "pytorch"], *, progress: Progress = silent) -> str:
    """The Python of an environment with what a source needs; made at its first use.

    It lies in the cache, for this version of Python and these requirements, whole or not at all.
    Of two processes that need it, one makes it and the other waits. pip's settings (index, proxy,
    certificates) are the user's own.

    Raises:
        ToolMissingError: it cannot be made; the message names pip's log.
        UserError: the cache cannot be written.
    """
    wanted = _ENVIRONMENTS[name]
    directory = resources.cache() / "environments" / f"{name}-{_key(wanted)}"
    if not _is_whole(directory):
        log = worker.new_log(f"environment-{name}")  # first: it says so where nothing can be kept
        directory.parent.mkdir(parents=True, exist_ok=True)
        with _locked(directory.with_suffix(".lock"), wanted, progress):
            if not _is_whole(directory):
                _make(wanted, directory, log, progress)
                _drop_unused(directory)
            else:
                log.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        os.utime(directory)
    return str(_python(directory))


def _key(wanted: _Environment) -> str:
    """Another Python, machine or list of requirements needs another environment."""
    text = "\n".join((sys.base_prefix, platform.machine(), *wanted.requirements))
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"py{sys.version_info.major}{sys.version_info.minor}-{digest}"


def _python(directory: Path) -> Path:
    return directory / "bin" / "python"


def _is_whole(directory: Path) -> bool:
    """False also where the Python that it was made from is gone: then its link leads nowhere."""
    return _python(directory).exists()


@contextlib.contextmanager
def _locked(path: Path, wanted: _Environment, progress: Progress) -> Iterator[None]:
    """Hold the lock at `path`, which ends with the process that holds it, however that ends."""
    with path.open("wb") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    raise
            progress(f"waiting for another process that installs the {wanted.title} tools", 0, 0)
            time.sleep(_PAUSE_S)
        yield


def _make(wanted: _Environment, directory: Path, log: Path, progress: Progress) -> None:
    """Build beside `directory` and move it there in the end; its Python finds itself there too."""
    _check_space(wanted, directory.parent)
    for abandoned in directory.parent.glob(f"{_UNFINISHED}{directory.name}-*"):
        shutil.rmtree(abandoned, ignore_errors=True)  # we hold the lock: nobody works in it
    unfinished = directory.parent / f"{_UNFINISHED}{directory.name}-{secrets.token_hex(4)}"
    try:
        stage = f"installing the {wanted.title} tools"
        _run([sys.executable, "-I", "-m", "venv", str(unfinished)], wanted, log, progress, stage)
        pip = [str(_python(unfinished)), "-I", "-m", "pip", "--disable-pip-version-check"]
        install = [*pip, "install", "--no-input", "--progress-bar=off", *wanted.requirements]
        _run(install, wanted, log, progress, stage)
        shutil.rmtree(directory, ignore_errors=True)  # whatever is left of a broken one
        unfinished.rename(directory)
    finally:
        with processes.signals_later():
            shutil.rmtree(unfinished, ignore_errors=True)


def _check_space(wanted: _Environment, parent: Path) -> None:
    free = shutil.disk_usage(parent).free
    if free < wanted.size_bytes:
        raise ToolMissingError(
            f"the {wanted.title} tools need {wanted.size_bytes / 1e6:.0f} MB in {parent}, "
            f"where {free / 1e6:.0f} MB are free",
            hint="free some space, or set EDGEKIT_CACHE to a directory on another disk",
        )


def _run(
    command: list[str], wanted: _Environment, log: Path, progress: Progress, stage: str
) -> None:
    """Run a step of the installation, which does not outlive this call."""
    with log.open("ab") as output:
        process = processes.start(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in os.environ.items() if name not in _PIP_MISLEADS},
        )
        try:
            status = None
            while status is None:
                progress(*_how_far(log, stage))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    status = process.wait(_PAUSE_S)
        except BaseException:
            processes.end(process)
            raise
    if status != 0:
        raise _failure(wanted, log)


def _how_far(log: Path, stage: str) -> tuple[str, int, int]:
    """What pip is at, and how many packages it has come to; how many there will be it can't say."""
    said = log.read_text(encoding="utf-8", errors="replace")
    packages = _FETCHING.findall(said)
    if _INSTALLING in said:
        return f"{stage}: unpacking {len(packages)} packages", len(packages), len(packages)
    return (f"{stage}: {packages[-1]}" if packages else stage), len(packages), 0


def _failure(wanted: _Environment, log: Path) -> ToolMissingError:
    """The reason out of the log, in one sentence, and what to do about it."""
    said = log.read_text(encoding="utf-8", errors="replace")
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if "ERROR: " in line]
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "no output")
    reason, hint = (errors[-1] if errors else last).strip().rstrip("."), _INDEX
    if "No space left on device" in said or "Disk quota exceeded" in said:
        reason = "the disk is full"
        hint = "free some space, or set EDGEKIT_CACHE (and TMPDIR) to a directory on another disk"
    elif "ensurepip" in said:
        reason = f"{sys.executable} cannot make virtual environments"
        hint = "install Python's venv module (on Debian and Ubuntu the package python3-venv)"
    elif not errors:
        hint = "read the log, then try again: nothing half-made was kept"
    return ToolMissingError(
        f"the {wanted.title} tools could not be installed: {reason}; pip's log is {log}", hint=hint
    )


def _drop_unused(kept: Path) -> None:
    """Environments that no edgekit has used for a month; they are large."""
    for path in kept.parent.iterdir():
        with contextlib.suppress(OSError):
            old = time.time() - path.stat().st_mtime > _UNUSED_AFTER_S
            if old and path.is_dir() and path != kept and not path.name.startswith("."):
                shutil.rmtree(path, ignore_errors=True)
