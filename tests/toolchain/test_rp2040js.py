"""Getting the emulator from an npm registry: one that runs here, with a package made here."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import json
import os
import shutil
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import Command, command, own_cache

from edgekit import boards, emulators
from edgekit.errors import EdgekitError, ToolMissingError
from edgekit.progress import silent
from edgekit.toolchain import rp2040js

__all__ = ["command", "own_cache"]

VERSION = "1.4.1"


def archive_of(text: str) -> bytes:
    """A package whose entry has that text, as npm packs it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        manifest = json.dumps({"name": "rp2040js", "version": VERSION, "type": "module"})
        for name, content in (("dist/esm/index.js", text), ("package.json", manifest)):
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content.encode()))
    return packed.getvalue()


def integrity_of(archive: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()


ARCHIVE = archive_of("export const made = 'here';\n")


class Registry(http.server.BaseHTTPRequestHandler):
    """Has the one package: what npm asks of it first, and its archive."""

    def do_GET(self) -> None:
        url = f"http://127.0.0.1:{self.server.server_address[1]}"
        tarball = f"/rp2040js/-/rp2040js-{VERSION}.tgz"
        if self.path == tarball:
            body = ARCHIVE
        elif self.path == "/rp2040js":
            dist = {"tarball": url + tarball, "integrity": integrity_of(ARCHIVE)}
            versions = {VERSION: {"name": "rp2040js", "version": VERSION, "dist": dist}}
            body = json.dumps({"name": "rp2040js", "versions": versions}).encode()
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        serving.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        monkeypatch.setenv("npm_config_registry", url)
        yield url
        server.shutdown()


@pytest.fixture(autouse=True)
def nothing_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, an empty home, and neither node nor npm; the empty PATH's directory."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in (rp2040js.ENVIRONMENT, "npm_config_registry", "NPM_CONFIG_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    return programs


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The lock file pins the package made here."""
    scripts = tmp_path / "scripts"
    shutil.copytree(rp2040js.scripts(), scripts)
    lock = scripts / "package-lock.json"
    lock.write_text(lock.read_text().replace(rp2040js.pinned().integrity, integrity_of(ARCHIVE)))
    monkeypatch.setattr(rp2040js, "scripts", lambda: scripts)
    rp2040js.pinned.cache_clear()
    yield
    rp2040js.pinned.cache_clear()


def in_cache() -> list[str]:
    folder = Path(os.environ["EDGEKIT_CACHE"]) / "npm"
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def test_the_lock_file_pins_what_package_json_asks_for_and_names_no_registry():
    package = json.loads((rp2040js.scripts() / "package.json").read_text())
    lock_text = (rp2040js.scripts() / "package-lock.json").read_text()
    assert package["dependencies"] == {"rp2040js": VERSION}
    assert package["engines"]["node"] == f">={rp2040js.OLDEST_NODE}.0.0"
    assert rp2040js.pinned().version == VERSION
    assert len(base64.b64decode(rp2040js.pinned().integrity.removeprefix("sha512-"))) == 64
    assert "http" not in lock_text


@pytest.mark.usefixtures("pinned")
def test_without_npm_the_package_comes_from_the_registry_and_is_said_to(registry: str):
    said: list[str] = []
    directory = rp2040js.fetched(lambda stage, done, total: said.append(stage))
    assert (directory / "dist/esm/index.js").read_text() == "export const made = 'here';\n"
    assert said == ["fetching rp2040js 1.4.1 from the npm registry"]
    assert rp2040js.fetched(lambda stage, done, total: said.append(stage)) == directory
    assert len(said) == 1
    assert in_cache() == ["rp2040js-1.4.1"]


@pytest.mark.usefixtures("pinned")
def test_npm_gets_it_where_there_is_one(registry: str, nothing_here: Path):
    found = {name: shutil.which(name, path=os.defpath) for name in ("npm", "node", "sh", "env")}
    if None in found.values():
        pytest.skip("needs npm")
    for name, path in found.items():
        (nothing_here / name).symlink_to(str(path))
    assert (rp2040js.fetched(silent) / "dist/esm/index.js").is_file()
    assert in_cache() == ["rp2040js-1.4.1"]


def test_another_package_than_the_pinned_one_is_refused_and_leaves_nothing(registry: str):
    with pytest.raises(
        EdgekitError, match=r"another rp2040js 1\.4\.1 than edgekit's lock file pins"
    ):
        rp2040js.fetched(silent)
    assert in_cache() == []


def test_a_registry_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    with pytest.raises(
        ToolMissingError, match=r"could not be fetched: http://127\.0\.0\.1:9/"
    ) as caught:
        rp2040js.fetched(silent)
    assert "--fetch" in str(caught.value.hint)
    assert in_cache() == []


def test_npms_configuration_says_which_registry(monkeypatch: pytest.MonkeyPatch):
    assert rp2040js.registry() == "https://registry.npmjs.org/"
    home = Path(os.environ["HOME"])
    home.mkdir()
    (home / ".npmrc").write_text(
        "; mine\n//a.example/:always-auth=true\nregistry = http://a.example/\n"
    )
    assert rp2040js.registry() == "http://a.example/"
    monkeypatch.setenv("npm_config_registry", "http://b.example/")
    assert rp2040js.registry() == "http://b.example/"


def test_a_directory_that_is_given_is_taken_and_never_written_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    given = tmp_path / "given"
    monkeypatch.setenv(rp2040js.ENVIRONMENT, str(given))
    with pytest.raises(ToolMissingError, match=r"not there in \$EDGEKIT_RP2040JS, .*given"):
        rp2040js.fetched(silent)
    (given / "dist/esm").mkdir(parents=True)
    (given / "dist/esm/index.js").write_text("")
    assert rp2040js.fetched(silent) == given


def program(folder: Path, name: str, says: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\necho {says}\n")
    (folder / name).chmod(0o755)


def test_a_node_that_is_missing_or_too_old_is_said_before_anything_runs(
    nothing_here: Path, tmp_path: Path
):
    board = boards.load("pico-emulated")
    with pytest.raises(ToolMissingError, match="needs node, which is not installed") as caught:
        emulators.start(board, tmp_path / "firmware.uf2")
    assert "nodejs" in str(caught.value.hint)
    program(nothing_here, "node", "v12.22.9")
    with pytest.raises(ToolMissingError, match=r"node 18 or newer, but .*/node is 12\.22\.9"):
        emulators.start(board, tmp_path / "firmware.uf2")


def test_an_emulator_that_is_missing_is_named_with_the_command_that_gets_it(
    nothing_here: Path, tmp_path: Path
):
    program(nothing_here, "node", "v18.20.4")
    with pytest.raises(ToolMissingError, match=r"needs npm's rp2040js 1\.4\.1") as caught:
        emulators.start(boards.load("pico-emulated"), tmp_path / "firmware.uf2")
    assert caught.value.hint == "edgekit doctor --board pico-emulated --fetch"


def test_the_doctor_names_both_and_fetches_when_told(
    command: Command, nothing_here: Path, registry: str, pinned: None
):
    done = command("doctor", "--board", "pico-emulated")
    assert done.code == 1
    assert "node, which is not installed" in done.stdout
    assert "edgekit doctor --board pico-emulated --fetch" in done.stdout
    program(nothing_here, "node", "v18.20.4")
    done = command("doctor", "--board", "pico-emulated", "--fetch")
    assert "fetching rp2040js 1.4.1 from the npm registry" in done.stderr
    assert "18.20.4" in done.stdout
    assert VERSION in done.stdout
    assert "--fetch" not in done.stdout
    command("doctor", "--fetch").said(2, "--fetch was given without --board")
