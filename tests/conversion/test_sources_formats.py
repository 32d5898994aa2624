"""A model file is what its content says, whatever its name is."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from edgekit.conversion import sources
from edgekit.conversion.sources import Format, recognise
from edgekit.errors import ModelError


def archive(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        for name in names:
            made.writestr(name, "{}")
    return content.getvalue()


#: ir_version 8, a producer, a graph, an opset: the outermost fields of an ONNX file.
ONNX = bytes([0x08, 8, 0x12, 2, 65, 66, 0x3A, 3, 1, 2, 3, 0x42, 2, 0x10, 13])


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (archive("metadata.json", "config.json", "model.weights.h5"), Format.KERAS),
        (b"\x89HDF\r\n\x1a\n" + bytes(64), Format.KERAS_HDF5),
        (b"\x1c\0\0\0TFL3" + bytes(64), Format.TFLITE),
        (ONNX, Format.ONNX),
        (ONNX[6:11] + ONNX[:6] + ONNX[11:], Format.ONNX),  # protobuf has no order
        (archive("m/archive_format", "m/models/model.json"), Format.PYTORCH),
        (archive("version", "serialized_exported_program.json"), Format.PYTORCH),
    ],
)
@pytest.mark.parametrize("name", ["model", "model.keras", "model.txt"])
def test_the_content_decides(tmp_path: Path, content: bytes, form: Format, name: str):
    path = tmp_path / name
    path.write_bytes(content)
    assert recognise(path) is form


def test_a_directory_with_a_graph_is_a_saved_model(tmp_path: Path):
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    assert recognise(tmp_path) is Format.SAVED_MODEL


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "a.keras", "empty"),
        (archive("config.json")[:-8], "a.keras", "damaged zip"),
        (archive("a/data.pkl", "a/version"), "a.pt", "torch.export"),
        (archive("readme.txt"), "a.zip", "zip archive"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a.bin", "Git LFS"),
        (b"<html>", "a.bin", "web page"),
        (b"hello", "a.bin", "no model that edgekit knows"),
        (b"hello", "a.h5", "damaged"),
        (ONNX[:-1], "a.onnx", "damaged"),
        (b"\x08\x01\x12\x02ab", "saved_model.pb", "give its directory"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, content: bytes, name: str, words: str):
    path = tmp_path / name
    path.write_bytes(content)
    refused(path, words)


def test_directories_that_are_no_saved_model_are_refused(tmp_path: Path):
    refused(tmp_path, "empty directory")
    (tmp_path / "notes.txt").touch()
    refused(tmp_path, "not a SavedModel")
    (tmp_path / "variables").mkdir()
    refused(tmp_path, "without its saved_model.pb")
    refused(tmp_path / "absent", "No such file")


def refused(path: Path, words: str) -> None:
    with pytest.raises(ModelError) as caught:
        sources.load(path)
    assert words in f"{caught.value} {caught.value.hint}"
    assert path.name in str(caught.value)


@pytest.mark.parametrize("source", [3, None, {"a": 1}, object, ("module",)])
def test_other_objects_are_no_models(source: object):
    with pytest.raises(ModelError, match="is no trained model"):
        sources.load(source)
