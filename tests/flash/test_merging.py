"""One file for a factory line."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from esptool.cmds import merge_bin
from support.flash_images import image_for

from edgekit import flash
from edgekit.errors import ImageError, UserError

CHIPS = ("esp32", "esp32s3", "esp32c3", "esp32c6")


@pytest.mark.parametrize("chip", CHIPS)
def test_the_merged_image_is_esptools(chip: str):
    image = image_for(chip, sizes=(3001, 7001, 5000))
    reference = merge_bin([(part.offset, part.content) for part in image.parts], chip)
    assert flash.merge(image) == reference


def test_the_merged_image_gives_the_same_parts_again(tmp_path: Path):
    image = image_for("esp32c3")
    manifest = flash.write_merged(image, tmp_path / "factory.bin")
    assert manifest == tmp_path / "factory.json"
    assert flash.read(tmp_path / "factory.bin") == image
    assert flash.read(manifest) == image


def test_the_manifest_has_a_digest_of_everything(tmp_path: Path):
    image = image_for("esp32c3")
    document = json.loads(flash.write_merged(image, tmp_path / "factory.bin").read_text())
    merged = dataclasses.replace(image.parts[0], content=(tmp_path / "factory.bin").read_bytes())
    assert document["image"]["sha256"] == merged.sha256
    assert [part["sha256"] for part in document["parts"]] == [p.sha256 for p in image.parts]
    assert (document["board"], document["chip"]) == (image.board_id, "esp32c3")
    assert document["model_sha256"] == image.model_sha256


@pytest.mark.parametrize("at", [0, 0x9000, 0x10000, 0x11B58])
def test_a_changed_byte_is_found_wherever_it_is(tmp_path: Path, at: int):
    merged = tmp_path / "factory.bin"
    flash.write_merged(image_for("esp32c3"), merged)
    content = bytearray(merged.read_bytes())
    content[at] ^= 0x80
    merged.write_bytes(content)
    with pytest.raises(ImageError, match=r"factory\.bin is not what was built"):
        flash.read(merged)


def test_an_image_that_would_be_its_own_manifest_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match="manifest and the image at once"):
        flash.write_merged(image_for("esp32"), tmp_path / "factory.json")


def test_nothing_is_left_where_nothing_can_be_written(tmp_path: Path):
    (tmp_path / "factory.json").mkdir()
    with pytest.raises(UserError, match="cannot write"):
        flash.write_merged(image_for("esp32"), tmp_path / "factory.bin")
    assert not (tmp_path / "factory.bin").exists()
