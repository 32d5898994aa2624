"""Finished builds, found again by the digest of everything that went into them."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from edgekit import processes, resources
from edgekit.errors import UserError

_KEPT = 256  # builds; the least recently used go first
_OBJECTS_KEPT = 4096  # of libraries; likewise
_ABANDONED_AFTER_S = 24 * 3600.0
_UNFINISHED = ".unfinished-"
_REMOVE_ATTEMPTS = 100
_REMOVE_PAUSE_S = 0.05


def find(key: str) -> Path | None:
    """The directory of a finished build."""
    directory = resources.cache() / "builds" / key
    if not directory.is_dir():
        return None
    with contextlib.suppress(OSError):
        os.utime(directory)
    return directory


def store(directory: Path, key: str) -> Path:
    """Move a finished build in, all at once; another process may have been faster."""
    target = resources.cache() / "builds" / key
    try:
        directory.rename(target)
    except OSError:
        if not target.is_dir():
            raise
    _drop_oldest(target.parent)
    return target


def forget(key: str) -> None:
    """Drop a build that is no longer whole."""
    shutil.rmtree(resources.cache() / "builds" / key, ignore_errors=True)


@contextlib.contextmanager
def workshop() -> Iterator[Path]:
    """A scratch directory in the cache's file system, gone afterwards whatever happens.

    Raises:
        UserError: the cache cannot be written.
    """
    builds = resources.cache() / "builds"
    try:
        builds.mkdir(parents=True, exist_ok=True)
        _drop_abandoned(builds)
    except OSError as error:
        raise _unwritable(error) from error
    # named before it is made, so that no signal can come between the two
    directory = builds / f"{_UNFINISHED}{secrets.token_hex(8)}"
    try:
        try:
            directory.mkdir()
        except OSError as error:
            raise _unwritable(error) from error
        yield directory
    finally:
        with processes.signals_later():
            _remove(directory)


def _unwritable(error: OSError) -> UserError:
    return UserError(
        f"the cache {resources.cache()} cannot be written: {error.strerror}",
        hint="set EDGEKIT_CACHE to a directory of yours",
    )


def objects() -> Path:
    """The directory of a library's compiled objects, rid of those that were not used for longest.

    Raises:
        UserError: the cache cannot be written.
    """
    directory = resources.cache() / "objects"
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(error) from error
    for path in sorted(directory.iterdir(), key=_age)[_OBJECTS_KEPT:]:
        path.unlink(missing_ok=True)
    return directory


def keep_log(text: str, key: str) -> Path:
    """Keep the output of a build that failed."""
    log = resources.cache() / "failed" / f"{key[:16]}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(text, encoding="utf-8")
    return log


def _remove(directory: Path) -> None:
    """Also while compilers that were told to end still write into it."""
    for _ in range(_REMOVE_ATTEMPTS):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
        time.sleep(_REMOVE_PAUSE_S)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _drop_abandoned(builds: Path) -> None:
    """Scratch directories of processes that were killed."""
    for path in builds.glob(f"{_UNFINISHED}*"):
        if _age(path) > _ABANDONED_AFTER_S:
            shutil.rmtree(path, ignore_errors=True)


def _drop_oldest(builds: Path) -> None:
    finished = [path for path in builds.iterdir() if not path.name.startswith(_UNFINISHED)]
    for path in sorted(finished, key=_age)[_KEPT:]:
        shutil.rmtree(path, ignore_errors=True)
