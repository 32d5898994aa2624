"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from edgekit.errors import EdgekitError, UserError


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` so that a reader sees all of it or what was there before.

    A link stays a link; a device or pipe just gets the bytes.

    Raises:
        UserError: the file cannot be written.
        EdgekitError: the disk is full or broken.
    """
    try:
        path = path.resolve()
        if path.exists() and not path.is_file():
            path.write_bytes(content)
        else:
            _replace(path, content)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG):
            raise EdgekitError(f"cannot write {path}: {error.strerror}") from error
        raise unwritable(path, error.strerror or str(error)) from error


def refuse_unwritable(path: Path) -> None:
    """Say before the work is done that its result could not be written.

    Raises:
        UserError: `write_whole` would fail.
    """
    folder = path.resolve().parent
    if path.is_dir():
        raise unwritable(path, "it is a directory")
    if not folder.is_dir():
        raise unwritable(path, f"there is no directory {folder}")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise unwritable(path, "you are not allowed to")


def unwritable(path: Path, why: str) -> UserError:
    """The error of a file that cannot be written."""
    return UserError(f"cannot write {path}: {why}", hint="choose another file")


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
