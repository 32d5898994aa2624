"""What a model file is, by its content; its name does not count."""

from __future__ import annotations

import enum
import zipfile
from pathlib import Path
from typing import BinaryIO

from edgekit.errors import ModelError
from edgekit.frontends import other_formats, schema

KNOWN = (
    "edgekit converts .keras, .h5, SavedModel directories, float .tflite, .onnx and "
    "programs of torch.export (.pt2)"
)
_HEAD_BYTES = 4096
_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"
#: ModelProto of onnx.proto: field -> wire type (0: varint, 2: length-delimited).
_ONNX_FIELDS = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
_ONNX_GRAPH = 7
_VARINT_BYTES = 10


class Format(enum.Enum):
    """A form in which a trained model arrives."""

    KERAS = "Keras model"
    KERAS_HDF5 = "Keras HDF5 model"
    SAVED_MODEL = "SavedModel"
    TFLITE = ".tflite"
    ONNX = "ONNX model"
    PYTORCH = "PyTorch program"


def recognise(path: Path) -> Format:
    """The format of the file or directory at `path`.

    Raises:
        ModelError: it cannot be read, or is nothing that can be converted.
    """
    try:
        if path.is_dir():
            return _directory(path)
        with path.open("rb") as file:
            return _file(path, file)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error


def _directory(path: Path) -> Format:
    if (path / "saved_model.pb").is_file():
        return Format.SAVED_MODEL
    if (path / "saved_model.pbtxt").is_file():
        raise ModelError(
            f"{path} is a SavedModel in text form", hint="save it again: model.export(directory)"
        )
    if not any(path.iterdir()):
        raise ModelError(f"{path} is an empty directory", hint=KNOWN)
    if (path / "keras_metadata.pb").is_file() or (path / "variables").is_dir():
        raise ModelError(
            f"{path} looks like a SavedModel without its saved_model.pb",
            hint="copy the whole directory again",
        )
    raise ModelError(
        f"{path} is a directory without saved_model.pb, so not a SavedModel", hint=KNOWN
    )


def _file(path: Path, file: BinaryIO) -> Format:
    head = file.read(_HEAD_BYTES)
    if not head:
        raise ModelError(f"{path.name} is empty", hint="fetch or save the model again")
    if head[4:8] == schema.IDENTIFIER:
        return Format.TFLITE
    if head.startswith(_HDF5):
        return Format.KERAS_HDF5
    if head.startswith(_ZIP):
        return _archive(path)
    if path.name == "saved_model.pb":
        raise ModelError(
            f"{path} is only the graph of a SavedModel", hint=f"give its directory: {path.parent}"
        )
    if _is_onnx(file):
        return Format.ONNX
    raise _unknown(path, head)


def _archive(path: Path) -> Format:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise ModelError(
            f"{path.name} is a damaged zip archive", hint="fetch or save the model again"
        ) from error
    if "config.json" in names:
        return Format.KERAS
    stems = {name.rpartition("/")[2] for name in names}
    if stems & {"archive_format", "serialized_exported_program.json"}:
        return Format.PYTORCH
    if "data.pkl" in stems:
        raise ModelError(
            f"{path.name} holds pickled PyTorch objects or TorchScript, not an exported program",
            hint="torch.export.save(torch.export.export(model, example_inputs), 'model.pt2')",
        )
    raise ModelError(f"{path.name} is a zip archive without a model that edgekit knows", hint=KNOWN)


def _unknown(path: Path, head: bytes) -> ModelError:
    known = other_formats.describe(head)
    if path.suffix in (".keras", ".h5", ".hdf5", ".tflite", ".onnx", ".pt2"):
        why = f"{path.name} is damaged: it does not begin as a {path.suffix} does"
        return ModelError(why, hint="fetch or save the model again")
    if known is None:
        return ModelError(f"{path.name} is no model that edgekit knows", hint=KNOWN)
    return ModelError(f"{path.name} looks like {known[0]}", hint=KNOWN)


def _is_onnx(file: BinaryIO) -> bool:
    """True if the file's outermost protobuf fields are those of an ONNX model, to its end."""
    size = file.seek(0, 2)
    position, found = 0, set()
    while position < size:
        tag, position = _varint(file, position)
        field, wire = tag >> 3, tag & 7
        if _ONNX_FIELDS.get(field) != wire:
            return False
        value, position = _varint(file, position)
        position += value if wire == 2 else 0
        found.add(field)
    return position == size and _ONNX_GRAPH in found


def _varint(file: BinaryIO, position: int) -> tuple[int, int]:
    """(the number at `position`, where it ends); 0 where there is none."""
    file.seek(position)
    value = 0
    for i, byte in enumerate(file.read(_VARINT_BYTES)):
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return value, position + i + 1
    return 0, position + _VARINT_BYTES
