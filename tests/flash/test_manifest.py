"""What `flash.read` takes, and what it says of the rest."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from support.flash_images import image_for, write_build

from edgekit import flash
from edgekit.errors import ImageError
from edgekit.flash import ImagePart


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_build(image_for("esp32c3"), tmp_path / "project")


def edit(project: Path, **changes: Any) -> None:
    path = project / "build" / "flash.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("where", ["", "build", "build/flash.json"])
def test_a_project_its_build_and_its_manifest_give_the_same_image(project: Path, where: str):
    assert flash.read(project / where) == image_for("esp32c3")


def test_the_elf_lies_beside_the_manifest(project: Path):
    edit(project, elf="firmware.elf")
    assert flash.read(project).elf == project / "build" / "firmware.elf"


def test_a_changed_byte_is_found(project: Path):
    part = project / "build" / "app.bin"
    content = bytearray(part.read_bytes())
    content[5000] ^= 1
    part.write_bytes(content)
    with pytest.raises(ImageError, match=r"app\.bin is not what was built: its SHA-256 differs"):
        flash.read(project)


def test_a_cut_file_is_found(project: Path):
    part = project / "build" / "app.bin"
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(ImageError, match=r"app\.bin has 7,000 bytes, its manifest says 7,001"):
        flash.read(project)


def test_a_missing_part_is_named(project: Path):
    (project / "build" / "app.bin").unlink()
    with pytest.raises(ImageError, match=r"app\.bin cannot be read: No such file"):
        flash.read(project)


def test_a_project_that_was_not_built_says_how_to(tmp_path: Path):
    with pytest.raises(ImageError, match="it was not built") as caught:
        flash.read(tmp_path)
    assert "edgekit build" in str(caught.value.hint)


def test_no_such_project(tmp_path: Path):
    with pytest.raises(ImageError, match="there is no project or image"):
        flash.read(tmp_path / "nowhere")


def test_an_image_without_manifest_is_refused(tmp_path: Path):
    (tmp_path / "factory.bin").write_bytes(b"\xff")
    with pytest.raises(ImageError, match=r"factory\.json is missing"):
        flash.read(tmp_path / "factory.bin")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 2}, "has schema 2, this edgekit reads schema 1"),
        ({"parts": []}, "has no parts"),
        ({"chip": 3}, "chip: Input should be a valid string"),
        ({"speed": 3}, "speed: Extra inputs are not permitted"),
        ({"model_sha256": "abc"}, "model_sha256: String should match"),
        ({"flash_size_bytes": 0x10000}, "app.bin ends at 0x11b59, behind the end of 64 KiB"),
    ],
)
def test_a_malformed_manifest_says_where(project: Path, changes: dict[str, Any], message: str):
    edit(project, **changes)
    with pytest.raises(ImageError, match=r"flash\.json") as caught:
        flash.read(project)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", '"flash"'])
def test_what_is_no_manifest_is_refused(project: Path, text: str):
    (project / "build" / "flash.json").write_text(text)
    with pytest.raises(ImageError, match=r"flash\.json"):
        flash.read(project)


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ((0x9000, 0x9000), r"partitions.bin \(0x9000 to 0x9bb9\) runs into app.bin at 0x9000"),
        ((0x9000, 0x10004), "app.bin is to be written at 0x10004, within a sector"),
        ((0x10000, 0x11000), None),
        ((0x11000, 0x10000), "app.bin .* runs into partitions.bin"),
    ],
)
def test_parts_that_share_a_sector_are_refused(
    tmp_path: Path, offsets: tuple[int, int], message: str | None
):
    image = image_for("esp32")
    parts = tuple(
        ImagePart(offset=offset, name=part.name, content=part.content)
        for offset, part in zip(offsets, image.parts, strict=True)
    )
    project = write_build(dataclasses.replace(image, parts=parts), tmp_path / "project")
    if message is None:
        assert flash.read(project).parts == parts
    else:
        with pytest.raises(ImageError, match=message):
            flash.read(project)
