"""The npm package that plays an RP2040: where it is, and how it comes here.

templates/rp2040js has the lock file that pins it: its version, and the digest of its one file. It
needs nothing else of npm, so where there is no npm, the file is fetched from the same registry and
held against the same digest.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edgekit import resources
from edgekit.errors import EdgekitError, ToolMissingError
from edgekit.progress import Progress, silent

NAME = "rp2040js"
ENVIRONMENT = "EDGEKIT_RP2040JS"  # a directory with the package, in place of the cache's
GET = "edgekit doctor --board pico-emulated --fetch"
OLDEST_NODE = 18  # as the package says of itself

_DEFAULT_REGISTRY = "https://registry.npmjs.org/"
_ENTRY = PurePosixPath("dist/esm/index.js")
_TIMEOUT_S = 60.0
_MOST_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Pinned:
    """What the lock file says of the package."""

    version: str
    integrity: str  # "sha512-" and the digest in base64


def scripts() -> Path:
    """Where the programs and the lock file lie."""
    return resources.tree("templates") / NAME


@functools.cache
def pinned() -> Pinned:
    """The version that edgekit was tried with."""
    lock = json.loads((scripts() / "package-lock.json").read_text(encoding="utf-8"))
    package = lock["packages"][f"node_modules/{NAME}"]
    return Pinned(version=package["version"], integrity=package["integrity"])


def found() -> Path | None:
    """The package's directory: of $EDGEKIT_RP2040JS, else of the cache; None if it is not there."""
    given = os.environ.get(ENVIRONMENT)
    directory = Path(given) if given else _cached()
    return directory if (directory / _ENTRY).is_file() else None


def required() -> Path:
    """The package's directory.

    Raises:
        ToolMissingError: it is not there; it names the command that gets it.
    """
    directory = found()
    if directory is None:
        given = os.environ.get(ENVIRONMENT)
        where = f" in ${ENVIRONMENT}, {given}" if given else ""
        raise ToolMissingError(
            f"pico-emulated needs npm's {NAME} {pinned().version}, which is not there{where}",
            hint=GET,
        )
    return directory


def fetched(progress: Progress = silent) -> Path:
    """The package's directory, after getting it if it is not there.

    Raises:
        ToolMissingError: $EDGEKIT_RP2040JS names a directory without it, or the registry cannot be
            reached.
        EdgekitError: what came is not what the lock file pins.
    """
    if found() is None and not os.environ.get(ENVIRONMENT):
        progress(f"fetching {NAME} {pinned().version} from the npm registry", 0, 0)
        _fetch()
    return required()


def node() -> str:
    """The program that runs the package.

    Raises:
        ToolMissingError: it is not installed, too old, or does not run.
    """
    hint = "install Debian's nodejs: sudo scripts/install-debian-packages pico"
    path = shutil.which("node")
    if path is None:
        raise ToolMissingError("pico-emulated needs node, which is not installed", hint=hint)
    version = _version_of(path)
    if int(version.partition(".")[0]) < OLDEST_NODE:
        raise ToolMissingError(
            f"pico-emulated needs node {OLDEST_NODE} or newer, but {path} is {version}", hint=hint
        )
    return path


@functools.cache
def _version_of(path: str) -> str:
    try:
        asked = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolMissingError(f"{path} does not run: {error}", hint="reinstall nodejs") from error
    version = re.search(r"\d+\.\d+\.\d+", asked.stdout)
    if version is None:
        raise ToolMissingError(
            f"{path} --version says {asked.stdout.strip()!r}", hint="reinstall nodejs"
        )
    return version.group()


def _cached() -> Path:
    return resources.cache() / "npm" / f"{NAME}-{pinned().version}"


def _fetch() -> None:
    """Put the package into the cache: whole or not at all."""
    target = _cached()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as scratch:
        directory = Path(scratch)
        npm = shutil.which("npm")
        package = _by_npm(npm, directory) if npm is not None else _by_hand(directory)
        if not (package / _ENTRY).is_file():
            raise EdgekitError(f"{NAME} {pinned().version} came without its {_ENTRY}")
        shutil.rmtree(target, ignore_errors=True)
        package.replace(target)


def _by_npm(npm: str, directory: Path) -> Path:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(scripts() / name, directory)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        subprocess.run(
            command, cwd=directory, capture_output=True, text=True, timeout=300, check=True
        )
    except subprocess.CalledProcessError as error:
        words = error.stderr.strip()[-500:] or f"exit code {error.returncode}"
        raise _unreachable(f"npm ci: {words}") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise _unreachable(str(error)) from error
    return directory / "node_modules" / NAME


def _by_hand(directory: Path) -> Path:
    url = f"{registry().rstrip('/')}/{NAME}/-/{NAME}-{pinned().version}.tgz"
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as reply:
            archive = reply.read(_MOST_BYTES)
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise _unreachable(f"{url}: {error}") from error
    unpack(archive, directory)
    return directory / "package"


def unpack(archive: bytes, directory: Path) -> None:
    """Write the files of the package's .tgz below `directory`.

    Raises:
        EdgekitError: its digest is not the pinned one.
    """
    kind, _, digest = pinned().integrity.partition("-")
    if base64.b64encode(hashlib.new(kind, archive).digest()).decode() != digest:
        raise EdgekitError(
            f"the registry sent another {NAME} {pinned().version} than edgekit's lock file pins",
            hint="something on the way changes files: try another network or registry",
        )
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar.getmembers():
            if member.isfile():  # the digest vouches for the names too
                path = directory / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                content = tar.extractfile(member)
                assert content is not None
                path.write_bytes(content.read())


def registry() -> str:
    """The registry that npm's configuration names: environment, ~/.npmrc, else the public one."""
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        if os.environ.get(name):
            return os.environ[name]
    try:
        lines = (Path.home() / ".npmrc").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError, RuntimeError):
        return _DEFAULT_REGISTRY
    settings = (line.partition("=") for line in lines if not line.lstrip().startswith(("#", ";")))
    named = [value.strip() for key, _, value in settings if key.strip() == "registry"]
    return named[-1] if named and named[-1] else _DEFAULT_REGISTRY


def _unreachable(why: str) -> ToolMissingError:
    return ToolMissingError(
        f"{NAME} {pinned().version} could not be fetched: {why}",
        hint=f"with a network: {GET}; or name a directory that has it in ${ENVIRONMENT}",
    )
