"""A PlatformIO core directory with packages of the tests', as `pio pkg install` would leave it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from edgekit.toolchain import platformio_core

#: What the stand-in platform needs for board esp32dev with framework espidf: name -> version.
TOOLS = {
    "framework-espidf": "3.50503.0",
    "tool-esptoolpy": "2.41100.0",
    "toolchain-xtensa-esp-elf": "14.2.0+20251107",
}
_STAND_IN = Path(__file__).parent / "pio_packages" / "espressif32"


def make(core: Path, *, platform: bool = True, tools: Mapping[str, str] = TOOLS) -> Path:
    """Fill `core` with SCons and, as asked, with the platform and empty packages of `tools`."""
    seeded = platformio_core.seeded()
    _package(core / "packages" / "tool-scons", "tool", "tool-scons", _version(seeded))
    shutil.copy(seeded / "tool-scons" / "scons.py", core / "packages" / "tool-scons")
    shutil.copy(seeded / "appstate.json", core)
    for name, version in tools.items():
        _package(core / "packages" / name, "tool", name, version)
    if platform:
        target = core / "platforms" / "espressif32"
        shutil.copytree(_STAND_IN, target)
        _package(target, "platform", "espressif32", "6.13.0")
    return core


def _version(seeded: Path) -> str:
    return str(json.loads((seeded / "tool-scons" / "package.json").read_text())["version"])


def _package(path: Path, kind: str, name: str, version: str) -> None:
    path.mkdir(parents=True, exist_ok=True)
    owner = "espressif" if name.startswith("toolchain") else "platformio"
    spec = {"owner": owner, "id": None, "name": name, "requirements": None, "uri": None}
    mark = {"type": kind, "name": name, "version": version, "spec": spec}
    (path / ".piopm").write_text(json.dumps(mark))
    if kind == "tool":
        (path / "package.json").write_text(json.dumps({"name": name, "version": version}))
