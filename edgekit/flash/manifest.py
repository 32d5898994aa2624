"""A project directory, a flash.json or a merged image -> FlashImage, each byte checked.

flash.json lies beside the files that a build made:

    {"schema": 1, "board", "framework", "chip", "flash_size_bytes", "model_name", "model_sha256",
     "build_id", "elf", "parts": [{"offset", "file", "bytes", "sha256"}, …]}

In place of "chip", which esptool writes, boards that are a USB drive have "uf2": {"family_id",
"board_id"}: uf2_image.py.

A merged image has its manifest beside it, under its own name with the ending .json; that one has
"image": {"file", "bytes", "sha256"} as well, and its parts lie at their offsets in that file. File
names are relative to the manifest.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edgekit.errors import ImageError
from edgekit.flash.image import FlashImage, ImagePart, arrange

SCHEMA = 1
MANIFEST = "flash.json"

_SHA256 = r"^[0-9a-f]{64}$"
_BUILD_FIRST = "build it first: edgekit build MODEL --board BOARD -o DIR"
_BUILD_AGAIN = "build the firmware again"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    file: str = Field(min_length=1)
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=_SHA256)


class _PartEntry(_Entry):
    offset: int = Field(ge=0)


class _Uf2Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    family_id: int = Field(ge=0, lt=1 << 32)
    board_id: str


class Manifest(BaseModel):
    """What a flash.json says."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    schema_: int = Field(alias="schema")
    board: str
    framework: str
    chip: str = ""
    uf2: _Uf2Entry | None = None
    flash_size_bytes: int = Field(gt=0)
    model_name: str
    model_sha256: str = Field(pattern=_SHA256)
    build_id: str
    elf: str | None = None
    image: _Entry | None = None  # of a merged image
    parts: list[_PartEntry]


def read(path: Path) -> FlashImage:
    """The image at `path`.

    Args:
        path: a project directory whose build/ has a flash.json, that directory, a flash.json, or a
            merged image with its manifest beside it.

    Raises:
        ImageError: there is none, its manifest is malformed, or a file is not what the manifest
            says; it names the file and what is wrong.
    """
    manifest_path = find(path)
    manifest = parse(manifest_path)
    if not manifest.chip:
        raise ImageError(
            f"{manifest_path}: the image is no one that esptool writes",
            hint="`edgekit flash` puts UF2 images on their boards; they are merged already",
        )
    if manifest.image is None:
        parts = [part_of(entry, manifest_path.parent) for entry in manifest.parts]
    else:
        parts = _from_merged(manifest.image, manifest.parts, manifest_path.parent)
    return FlashImage(
        board_id=manifest.board,
        framework=manifest.framework,
        chip=manifest.chip,
        parts=arrange(parts, flash_size_bytes=manifest.flash_size_bytes, source=str(manifest_path)),
        flash_size_bytes=manifest.flash_size_bytes,
        model_name=manifest.model_name,
        model_sha256=manifest.model_sha256,
        build_id=manifest.build_id,
        elf=None if manifest.elf is None else manifest_path.parent / manifest.elf,
    )


def find(path: Path) -> Path:
    """The manifest that `path` means; raises ImageError if there is none."""
    if path.is_dir():
        for candidate in (path / "build" / MANIFEST, path / MANIFEST):
            if candidate.is_file():
                return candidate
        raise ImageError(f"{path} has no build/{MANIFEST}: it was not built", hint=_BUILD_FIRST)
    if not path.is_file():
        raise ImageError(f"there is no project or image {path}", hint=_BUILD_FIRST)
    if path.suffix == ".json":
        return path
    beside = path.with_suffix(".json")
    if not beside.is_file():
        raise ImageError(
            f"{path} has no manifest beside it: {beside.name} is missing",
            hint="give the project's directory, or an image that `edgekit merge` wrote",
        )
    return beside


def parse(path: Path) -> Manifest:
    """Read a manifest; raises ImageError if it is malformed."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ImageError(f"{path} cannot be read: {error}", hint=_BUILD_AGAIN) from error
    if isinstance(document, dict) and document.get("schema") != SCHEMA:
        raise ImageError(
            f"{path} has schema {document.get('schema')!r}, this edgekit reads schema {SCHEMA}",
            hint="build the firmware with this edgekit",
        )
    try:
        return Manifest.model_validate(document)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in problem["loc"]) or "as a whole"
        raise ImageError(f"{path}: {where}: {problem['msg']}", hint=_BUILD_AGAIN) from error


def part_of(entry: _PartEntry, folder: Path) -> ImagePart:
    """A part's file; raises ImageError if it is not what the manifest says."""
    return ImagePart(
        offset=entry.offset, name=Path(entry.file).name, content=_checked(entry, folder)
    )


def _from_merged(image: _Entry, parts: list[_PartEntry], folder: Path) -> list[ImagePart]:
    merged = _checked(image, folder)
    found = []
    for entry in parts:
        content = merged[entry.offset : entry.offset + entry.bytes]
        _compare(entry, content, f"{entry.file} in {folder / image.file}")
        found.append(ImagePart(offset=entry.offset, name=entry.file, content=content))
    return found


def _checked(entry: _Entry, folder: Path) -> bytes:
    """The content of a file that is what its manifest says."""
    path = folder / entry.file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}", hint=_BUILD_AGAIN) from error
    _compare(entry, content, str(path))
    return content


def _compare(entry: _Entry, content: bytes, name: str) -> None:
    if len(content) != entry.bytes:
        raise ImageError(
            f"{name} has {len(content):,} bytes, its manifest says {entry.bytes:,}",
            hint=_BUILD_AGAIN,
        )
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise ImageError(
            f"{name} is not what was built: its SHA-256 differs from its manifest",
            hint=_BUILD_AGAIN,
        )
