"""Full disks, damaged caches, directories that are somebody's: nothing is lost."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.command import Command
from support.small_models import float_edges

import edgekit
from edgekit.frontends import tflite_writer
from edgekit.pipeline import BuiltFirmware, CompiledModel

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.is_char_device(), reason="this system has no /dev/full")

# ---- --json ------------------------------------------------------------------------------------


@needs_full
def test_a_full_disk_is_a_failure_and_the_device_stays_one(command: Command, model: Path):
    command("run", model, "--runs", 2, "--json", FULL).failed(1, "/dev/full", "No space")
    assert FULL.is_char_device()


@needs_full
@pytest.mark.parametrize("words", [("boards",), ("--help",), ("run", "MODEL", "--json", "-")])
def test_results_that_do_not_reach_their_reader_are_a_failure(model: Path, words: tuple[str, ...]):
    command = [sys.executable, "-m", "edgekit", *(str(model) if w == "MODEL" else w for w in words)]
    with FULL.open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: No space left on device")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_json_file_is_replaced_through_a_link_and_keeps_its_mode(
    command: Command, model: Path, tmp_path: Path
):
    (tmp_path / "old.json").write_text("old")
    (tmp_path / "old.json").chmod(0o600)
    (tmp_path / "link.json").symlink_to("old.json")
    assert command("run", model, "--runs", 2, "--json", tmp_path / "link.json").code == 0
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "old.json").read_text())["schema"] == 1
    assert stat.S_IMODE((tmp_path / "old.json").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "old.json"]


def test_a_json_file_that_cannot_be_is_refused_before_the_work(
    command: Command, tmp_path: Path, model: Path
):
    progress_free = tmp_path / "nothing.tflite"  # it is not even asked for
    command("run", progress_free, "--json", tmp_path).said(2, str(tmp_path), "is a directory")
    command("run", model, "--json", tmp_path / "no" / "m.json").said(2, "there is no directory")


# ---- -o ----------------------------------------------------------------------------------------


def test_the_project_and_its_image_are_kept(command: Command, model: Path, tmp_path: Path):
    out = tmp_path / "out"
    assert command("build", model, "-o", out).code == 0
    image = out / "build" / "firmware.elf"
    assert os.access(image, os.X_OK)
    assert str(image) in command("build", model, "-o", out).stdout
    assert list(out.rglob(".*.part")) == []


def test_files_of_others_are_left_alone(command: Command, model: Path, tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    command("build", model, "-o", tmp_path).said(2, "is not empty and not a project of edgekit")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_files_that_a_person_added_to_a_project_survive_the_next(
    command: Command, model: Path, other_model: Path, tmp_path: Path
):
    out = tmp_path / "out"
    assert command("build", model, "-o", out).code == 0
    (out / "model" / "mine.txt").write_text("mine")
    assert command("build", other_model, "-o", out).code == 0
    assert (out / "model" / "mine.txt").read_text() == "mine"
    assert (out / "model" / "ek_other.c").is_file()
    assert not (out / "model" / "ek_dense.c").exists()


def test_a_foreign_file_in_the_way_is_not_overwritten(
    command: Command, model: Path, other_model: Path, tmp_path: Path
):
    out = tmp_path / "out"
    assert command("build", model, "-o", out).code == 0
    mine = out / "model" / "ek_other.c"
    mine.write_text("mine")
    command("build", other_model, "-o", out).said(2, str(mine), "edgekit did not write it")
    assert mine.read_text() == "mine"
    assert (out / "model" / "ek_dense.c").is_file()


def test_a_manifest_cannot_have_files_elsewhere_deleted(
    command: Command, model: Path, tmp_path: Path
):
    out, victim = tmp_path / "out", tmp_path / "victim.txt"
    out.mkdir()
    victim.write_text("mine")
    (out / ".edgekit-files").write_text(f"../victim.txt\n{victim}\n")
    assert command("build", model, "-o", out).code == 0
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/edgekit", "out-with-file-in-build"])
def test_a_place_that_cannot_hold_a_project_is_named(
    command: Command, model: Path, tmp_path: Path, place: str
):
    (tmp_path / "file").write_text("mine")
    where = tmp_path / place
    if place == "out-with-file-in-build":
        assert command("build", model, "-o", where).code == 0
        for path in (where / "build").iterdir():
            path.unlink()
        (where / "build").rmdir()
        (where / "build").write_text("mine")
    command("build", model, "-o", where).said(2, str(where), "director")
    assert (tmp_path / "file").read_text() == "mine"


# ---- the cache ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil",
    [
        "cut elf",
        "other json",
        *(pytest.param(s, marks=pytest.mark.slow) for s in ("no elf", "cut json", "no json")),
    ],
)
def test_a_damaged_cache_entry_is_built_anew(
    compiled: CompiledModel, built: BuiltFirmware, spoil: str
):
    whole = built.image.elf.read_bytes()
    what = built.image.elf if spoil.endswith("elf") else built.image.elf.with_name("image.json")
    content = what.read_bytes()
    what.unlink()
    if not spoil.startswith("no"):
        what.write_bytes(content[: len(content) // 2] if spoil.startswith("cut") else b"[1, 2]")
    again = edgekit.build(compiled).image
    assert again == built.image
    assert len(again.elf.read_bytes()) == len(whole)
    with edgekit.connect(BuiltFirmware(model=compiled, image=again)) as device:
        assert device.hello.model_name == "dense"


def test_a_damaged_cache_of_the_reference_does_no_harm(
    command: Command, model: Path, own_cache: Path
):
    assert command("verify", model, "--board", "host").code == 0
    for path in (own_cache / "oracle").glob("*.npz"):
        path.write_bytes(path.read_bytes()[:50])
    assert "0 differ" in command("verify", model, "--board", "host").stdout


@pytest.mark.parametrize("kind", ["a file", "no place"])
def test_a_cache_that_cannot_be_written_is_named(
    command: Command, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
):
    (tmp_path / "file").write_text("mine")
    cache = tmp_path / "file" if kind == "a file" else Path("/proc/edgekit")
    monkeypatch.setenv("EDGEKIT_CACHE", str(cache))
    command("run", model).said(2, f"the cache {cache} cannot be written", "EDGEKIT_CACHE")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_without_permission_is_named(
    command: Command, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tmp_path.chmod(0o500)
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path))
    command("run", model).said(2, "Permission denied", "EDGEKIT_CACHE")


def test_no_home_is_needed(model: Path, tmp_path: Path):
    environment = {k: v for k, v in os.environ.items() if k not in ("HOME", "EDGEKIT_CACHE")}
    environment["XDG_CACHE_HOME"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "edgekit", "run", str(model), "--runs", "2"],
        env=environment,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["edgekit"]


# ---- inputs ------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def edges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "edges.tflite"
    path.write_bytes(tflite_writer.write(float_edges()))
    return path


def test_float_edges_and_labels_give_an_accuracy(command: Command, edges: Path, tmp_path: Path):
    x = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x, y=np.arange(12) % 3)
    done = command("run", edges, "--inputs", tmp_path / "x.npz", "--json", "-")
    assert done.code == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["verify"]["compared_bytes"] == 12 * 3 * 4
    assert document["verify"]["mismatched_bytes"] == 0
    assert document["accuracy"]["metric"] == "top-1"
    assert document["accuracy"]["samples"] == 12
    assert 0 <= document["accuracy"]["value"] <= 1


@pytest.mark.parametrize("value", [np.nan, -np.inf, 1e300])
def test_inputs_that_are_no_numbers_are_refused(
    command: Command, edges: Path, tmp_path: Path, value: float
):
    x = np.full((2, 4), value)
    np.savez(tmp_path / "x.npz", x=x)
    command("run", edges, "--inputs", tmp_path / "x.npz").said(2, "x.npz", "not finite")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04zip", b"# a text", b"\x80\x04pickle"])
def test_a_file_that_is_no_npz_is_refused_without_advice_to_unpickle_it(
    command: Command, model: Path, tmp_path: Path, content: bytes
):
    (tmp_path / "x.npz").write_bytes(content)
    done = command("run", model, "--inputs", tmp_path / "x.npz")
    done.said(2, "x.npz is no .npz file", "savez")
    assert "pickle" not in done.stderr


@pytest.mark.parametrize("inputs", ["many", "3.5", "1e3", "99999999999", "0", "-1"])
def test_a_number_of_inputs_that_cannot_be_is_refused(command: Command, model: Path, inputs: str):
    command("run", model, f"--inputs={inputs}").said(2, inputs.replace("99999999999", "99,999"))
