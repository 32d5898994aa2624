"""The plugin by which QEMU's user mode counts instructions, made for the QEMU that is here."""

from __future__ import annotations

import functools
import hashlib
import re
import subprocess
import tempfile
from pathlib import Path

from edgekit import boards, resources
from edgekit.errors import ToolMissingError
from edgekit.toolchain.compiler import find_compiler

_SOURCE = "instruction_counter.c"
#: QEMU 9 refuses plugins of interface 1, and older ones know no other.
_INTERFACES = ((9, 2), (0, 1))
_FLAGS = ("-std=c99", "-O2", "-fPIC", "-shared", "-Wall", "-Wextra")
_VERSION = re.compile(r"version (\d+)\.")
_COMPILE_TIMEOUT_S = 300


def instruction_counter(qemu: str) -> Path:
    """The plugin for the program `qemu`, compiled unless that was done before.

    Raises:
        ToolMissingError: there is no C compiler, or none that makes it.
    """
    return _compiled(qemu, resources.cache() / "plugins")


@functools.cache
def _compiled(qemu: str, directory: Path) -> Path:
    source = resources.tree("templates") / "qemu-plugin" / _SOURCE
    compiler = find_compiler(boards.load("host"))
    flags = (*_FLAGS, f"-DPLUGIN_API={_interface_of(qemu)}")
    parts = (source.read_text(encoding="utf-8"), compiler.banner, *compiler.command, *flags)
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    plugin = directory / f"instruction_counter-{digest}.so"
    if plugin.is_file():
        return plugin
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        made = Path(scratch) / "made.so"
        command = [*compiler.command, *flags, str(source), "-o", str(made)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_COMPILE_TIMEOUT_S)
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["without a word"]
            raise ToolMissingError(
                f"{compiler} does not make QEMU's instruction counter: {said[-1]}",
                hint="install Debian's gcc: sudo scripts/install-debian-packages host",
            )
        made.replace(plugin)  # whole, whoever else makes it too
    return plugin


def _interface_of(qemu: str) -> int:
    """Which version of QEMU's interface for plugins the program has."""
    asked = subprocess.run([qemu, "--version"], capture_output=True, text=True, timeout=60)
    found = _VERSION.search(asked.stdout)
    major = int(found[1]) if found else 0
    return next(interface for since, interface in _INTERFACES if major >= since)
