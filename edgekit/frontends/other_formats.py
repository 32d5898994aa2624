"""What a file that is not a .tflite may be, by its first bytes."""

from __future__ import annotations

_CONVERT = "make it INT8 first: edgekit convert MODEL -o MODEL.tflite --calibration DATA"

#: First bytes, name, what to do.
_MAGICS = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (a Keras .h5 model?)", _CONVERT),
    (b"\x1f\x8b", "gzip-compressed", "unpack it first"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself", "run: git lfs pull"),
    (b"<", "a web page or XML", "the download went wrong: fetch the file itself"),
    (b"\x80", "a Python pickle (an old PyTorch model?)", _CONVERT),
    (b"\x08\x01\x12", "a TensorFlow SavedModel (.pb)", _CONVERT),
    (b"\x08", "an ONNX model", _CONVERT),
)


def describe(content: bytes) -> tuple[str, str] | None:
    """(what the file is, what to do), or None if it is nothing that we know."""
    if content.startswith(b"PK\x03\x04"):
        return _archive(content), _CONVERT
    for magic, name, advice in _MAGICS:
        if content.startswith(magic):
            return name, advice
    if content.startswith(b"\n") and b"\n" in content[2:4]:
        return "a TensorFlow frozen graph (.pb)", _CONVERT
    if content[4:8] == b"ET12":
        return "an ExecuTorch program (.pte)", "export the model to .tflite instead"
    if b"unsigned char" in content[:4096]:
        return "C source with a model in it", "give the .tflite that it was made from"
    return None


def _archive(content: bytes) -> str:
    if b"model.weights.h5" in content:
        return "a zip archive: a Keras .keras model"
    if b"/data.pkl" in content:
        return "a zip archive: a PyTorch model"
    return "a zip archive"
