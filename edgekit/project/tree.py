"""A source tree on disk, written so that it replaces an earlier one and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from edgekit.errors import UserError

MANIFEST = ".edgekit-files"  # what edgekit wrote, one path a line, so that it may replace it


def write(tree: Mapping[str, str], directory: Path) -> None:
    """Replace an earlier project; whatever else lies in the directory stays as it is.

    Interrupted at any moment, each file is whole or not there, and the manifest names at least all
    that is edgekit's, so that the next attempt succeeds.
    """
    for path in tree:
        if ".." in PurePosixPath(path).parts:
            raise ValueError(f"{path!r} leads out of the project")
    try:
        earlier = _earlier(directory)
        for path in tree:
            if path not in earlier and os.path.lexists(directory / path):
                raise UserError(
                    f"{directory / path} is in the way: edgekit did not write it",
                    hint="move it, or choose another directory",
                )
        directory.mkdir(parents=True, exist_ok=True)
        _place(directory / MANIFEST, _lines({*earlier, *tree}))
        for path in earlier - set(tree):
            (directory / path).unlink(missing_ok=True)
        for path, text in tree.items():
            _place(directory / path, text)
        _place(directory / MANIFEST, _lines(tree))
    except OSError as error:
        raise UserError(
            f"the project cannot be written to {directory}: {error.strerror}",
            hint="choose another directory",
        ) from error


def _earlier(directory: Path) -> set[str]:
    """The files of an earlier project, relative to its directory."""
    manifest = directory / MANIFEST
    if manifest.is_file():
        listed = (PurePosixPath(line) for line in manifest.read_text("utf-8").splitlines())
        return {str(path) for path in listed if not path.is_absolute() and ".." not in path.parts}
    if directory.exists() and not directory.is_dir():
        raise UserError(f"{directory} is no directory", hint="choose a new or an empty directory")
    if directory.is_dir() and any(directory.iterdir()):
        raise UserError(
            f"{directory} is not empty and not a project of edgekit",
            hint="choose a new or an empty directory",
        )
    return set()


def _lines(paths: Iterable[str]) -> str:
    return "".join(f"{path}\n" for path in sorted(paths))


def _place(target: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.part")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
