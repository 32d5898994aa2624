"""A folder of image or WAV files, in which sub-folders are classes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.conversion.dataset import images, sound
from edgekit.conversion.dataset.columns import check_memory, checked_labels
from edgekit.conversion.dataset.dataset import Dataset, spread
from edgekit.conversion.dataset.request import Request
from edgekit.errors import InputError
from edgekit.ir import Array, Tensor

_KINDS = {"image": images.SUFFIXES, "WAV": sound.SUFFIXES}

#: One sample of a file, float32 of the input's shape without the batch.
Reader = Callable[[Path], Array]


@dataclass(frozen=True, slots=True)
class _Found:
    """Files of one kind, in the order of their paths."""

    kind: str  # of _KINDS
    files: tuple[Path, ...]
    classes: tuple[str, ...]  # none if there are no sub-folders
    labels: Array | None


def from_folder(folder: Path, request: Request) -> Dataset:
    """A Dataset of the folder's files; files that are neither images nor WAV are passed over.

    Sub-folders are classes: label 0 is the first of their sorted names. Files and folders whose
    names begin with a dot do not count.

    Raises:
        InputError: there are no such files, several kinds, files beside sub-folders; one of them
            is damaged or of a form that is not read; or the model takes no such data.
    """
    found = _find(folder)
    tensor = request.only_input(f"{found.kind} files", str(folder))
    indices = spread(len(found.files), request.limit)
    check_memory(len(indices), request, str(folder))
    labels = None
    if found.labels is not None:
        if request.classes is not None and len(found.classes) > request.classes:
            raise InputError(
                f"{folder} has {len(found.classes)} sub-folders, but the model has "
                f"{request.classes} classes",
                hint=f"the first and last are {found.classes[0]!r} and {found.classes[-1]!r}",
            )
        labels = checked_labels(found.labels[indices], request, str(folder))
    read = _reader(found.kind, tensor, request)
    out = np.empty((len(indices), *tensor.shape[1:]), np.float32)
    stage = f"reading {found.kind} files"
    for done, index in enumerate(indices):
        request.progress(stage, done, len(indices))
        out[done] = read(found.files[index])
    request.progress(stage, len(indices), len(indices))
    notes: tuple[str, ...] = ()
    if len(indices) < len(found.files):
        notes = (f"{len(indices):,} of the {len(found.files):,} files of {folder}, evenly spaced",)
    return Dataset(
        inputs=(out,), labels=labels, name=str(folder), classes=found.classes, notes=notes
    )


def _reader(kind: str, tensor: Tensor, request: Request) -> Reader:
    if kind == "image":
        return images.reader(tensor, request.preprocessing)
    return sound.reader(tensor, request.preprocessing)


def _find(folder: Path) -> _Found:
    try:
        names = sorted(e.name for e in os.scandir(folder) if not e.name.startswith("."))
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror or error}") from error
    classes = tuple(name for name in names if (folder / name).is_dir())
    loose = [folder / name for name in names if name not in classes and _kind(Path(name))]
    groups = [_files(folder / name) for name in classes]
    if loose and any(groups):
        raise InputError(
            f"{folder} has files ({loose[0].name} …) beside sub-folders ({classes[0]} …): "
            "which class they are of is not said",
            hint="put them into sub-folders too",
        )
    files = loose or [file for group in groups for file in group]
    kinds = sorted({_kind(file) for file in files})
    if not files:
        suffixes = ", ".join((*sound.SUFFIXES, *images.SUFFIXES))
        raise InputError(f"{folder} has no image or WAV files", hint=f"those are read: {suffixes}")
    if len(kinds) > 1:
        raise InputError(f"{folder} has both image and WAV files", hint="keep one kind")
    if loose:
        return _Found(kinds[0], tuple(files), (), None)
    labels = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    return _Found(kinds[0], tuple(files), classes, labels)


def _files(folder: Path) -> list[Path]:
    """The files of a class, those in its own sub-folders too."""
    paths = []
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [Path(where, name) for name in names if not name.startswith(".")]
    return sorted(path for path in paths if _kind(path))


def _kind(path: Path) -> str:
    """The kind of a file by its suffix; empty for any other."""
    suffix = path.suffix.lower()
    return next((kind for kind, suffixes in _KINDS.items() if suffix in suffixes), "")
