"""PlatformIO without a network: a core directory of ours, which has all that emulated boards need.

PlatformIO looks its packages up in a core directory and downloads what is not there. Ours lies in
edgekit's cache and has the platform `edgekit_emulated` (templates/platformio) and, as its package
tool-scons, the SCons of this Python environment. Real boards are never built with it: theirs is
the user's own.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import secrets
import shutil
import sys
import time
from pathlib import Path

from edgekit import resources
from edgekit.errors import ToolMissingError, UserError
from edgekit.project.context import PLATFORM

_SCONS = "tool-scons"  # PlatformIO's name for the package that runs builds
_NEVER_DAYS = 36500


def command() -> tuple[str, ...]:
    """What starts PlatformIO.

    Raises:
        ToolMissingError: its package is not installed.
    """
    if importlib.util.find_spec("platformio") is None:
        raise ToolMissingError("PlatformIO is not installed", hint="pip install 'edgekit[esp32]'")
    return (sys.executable, "-m", "platformio")


def quiet_environment() -> dict[str, str]:
    """The environment of every PlatformIO that edgekit runs: plain text, nothing sent home."""
    return {
        **os.environ,
        "LC_ALL": "C",
        "PYTHONUNBUFFERED": "1",
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
        "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
        "PLATFORMIO_NO_ANSI": "true",
        "PLATFORMIO_DISABLE_PROGRESSBAR": "true",
    }


def seeded() -> Path:
    """The core directory for emulated boards, made now if there is none yet.

    Raises:
        ToolMissingError: PlatformIO, or the SCons that it asks for, is not installed.
        UserError: the cache cannot be written.
    """
    command()
    files = _files()
    home = resources.cache().resolve() / "platformio"  # the links in it are absolute
    digest = hashlib.sha256(json.dumps([str(home), *sorted(files.items())]).encode()).hexdigest()
    core = home / f"core-{digest[:16]}"
    if core.is_dir():
        return core
    beside = core.with_name(f".{core.name}-{secrets.token_hex(4)}")
    try:
        for path, text in (files | _links(core)).items():
            (beside / path).parent.mkdir(parents=True, exist_ok=True)
            (beside / path).write_text(text, encoding="utf-8")
        beside.rename(core)
    except OSError as error:
        if not core.is_dir():  # else another process was faster
            raise UserError(
                f"the cache {resources.cache()} cannot be written: {error.strerror}",
                hint="set EDGEKIT_CACHE to a directory of yours",
            ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return core


def _files() -> dict[str, str]:
    """The two packages, path in the core directory -> text."""
    root = resources.tree("templates") / "platformio"
    paths = sorted(path for path in root.rglob("*") if path.suffix in (".py", ".json"))
    files = {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in paths}
    version = _scons_version()
    manifest = {"name": _SCONS, "version": version, "system": "*"}
    spec = {"owner": "platformio", "id": None, "name": _SCONS, "requirements": None, "uri": None}
    installed = {"type": "tool", "name": _SCONS, "version": version, "spec": spec}
    return files | {
        f"{_SCONS}/package.json": json.dumps(manifest),
        f"{_SCONS}/.piopm": json.dumps(installed),  # PlatformIO's own mark of a whole package
    }


def _links(core: Path) -> dict[str, str]:
    """How PlatformIO finds the packages, and its state, in which every question is answered."""
    now = int(time.time())
    state = {
        "last_version": importlib.metadata.version("platformio"),
        "last_check": {"platformio_upgrade": now, "prune_system": now},
        "settings": {
            "enable_telemetry": False,
            "check_platformio_interval": _NEVER_DAYS,
            "check_prune_system_threshold": 0,
        },
    }
    return {
        f"packages/{_SCONS}.pio-link": _link(core / _SCONS, owner="platformio"),
        f"platforms/{PLATFORM}.pio-link": _link(core / PLATFORM, owner=None),
        "appstate.json": json.dumps(state),
    }


def _link(target: Path, *, owner: str | None) -> str:
    spec = {
        "owner": owner,
        "id": None,
        "name": target.name,
        "requirements": None,
        "uri": f"symlink://{target}",
    }
    return json.dumps({"cwd": str(target.parent), "spec": spec})


def _scons_version() -> str:
    """Of SCons, as PlatformIO numbers its package: 4.11.1 is 4.41101.0.

    Raises:
        ToolMissingError: SCons is not installed, or PlatformIO asks for another.
    """
    from platformio.dependencies import get_core_dependencies
    from semantic_version import SimpleSpec, Version

    wanted = str(get_core_dependencies()[_SCONS])
    try:
        installed = importlib.metadata.version("scons")
    except importlib.metadata.PackageNotFoundError:
        installed = ""
    major, minor, patch = (int(part) for part in (installed or "0.0.0").split(".")[:3])
    version = f"4.{major}{minor:02}{patch:02}.0"
    if Version(version) not in SimpleSpec(wanted):
        digits = wanted.split(".")[1]
        needed = f"{digits[0]}.{int(digits[1:3])}.{int(digits[3:5])}"
        raise ToolMissingError(
            f"PlatformIO {importlib.metadata.version('platformio')} needs SCons {needed}, "
            + (f"{installed} is installed" if installed else "which is not installed"),
            hint=f"pip install scons=={needed}",
        )
    return version
