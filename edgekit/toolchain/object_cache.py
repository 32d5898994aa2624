"""Compile a source file of a library, or take its object from where an earlier build left it.

A library such as TensorFlow Lite Micro takes minutes to compile, and most of it is the same for
every model. CMake runs this file, by its path, in front of the compiler: it may import nothing but
the standard library. Its environment names the two things that it needs.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

#: A JSON file: path of a source -> digest of it, of all that it includes, and of the compiler.
DIGESTS = "EDGEKIT_OBJECT_DIGESTS"
#: The directory that keeps objects.
CACHE = "EDGEKIT_OBJECT_CACHE"

_WITH_A_VALUE = ("-o", "-MF", "-MT", "-MQ")
_OF_PLACES = ("-ffile-prefix-map=", "-fdebug-prefix-map=", "-fmacro-prefix-map=")


def main(command: list[str]) -> int:
    """Do what `command`, a compiler with its arguments, would do; its exit code."""
    try:
        source, target = command[command.index("-c") + 1], command[command.index("-o") + 1]
        digest = json.loads(Path(os.environ[DIGESTS]).read_text(encoding="utf-8"))[source]
        kept = Path(os.environ[CACHE]) / _key(command, digest)
    except (ValueError, LookupError, OSError):
        return subprocess.call(command)
    if not _take(kept, Path(target)):
        code = subprocess.call(command)
        if code == 0:
            with contextlib.suppress(OSError):  # a cache that cannot be written does no harm
                _keep(Path(target), kept)
        return code
    _write_dependencies(command, source)
    return 0


def _key(command: list[str], digest: str) -> str:
    """Of all that decides what the object holds; where the files lie does not."""
    deciding = []
    arguments = iter(command[1:])
    for argument in arguments:
        if argument in _WITH_A_VALUE:
            next(arguments)
        elif not argument.startswith(_OF_PLACES):
            deciding.append(argument)
    return hashlib.sha256(json.dumps([digest, deciding]).encode()).hexdigest()


def _take(kept: Path, target: Path) -> bool:
    """Copy an object from the cache; its last 32 bytes are the digest of the others."""
    try:
        content = kept.read_bytes()
    except OSError:
        return False
    body, digest = content[:-32], content[-32:]
    if hashlib.sha256(body).digest() != digest:
        return False
    target.write_bytes(body)
    with contextlib.suppress(OSError):
        os.utime(kept)
    return True


def _keep(target: Path, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=kept.parent, prefix=".part-")
    try:
        body = target.read_bytes()
        with os.fdopen(handle, "wb") as file:
            file.write(body + hashlib.sha256(body).digest())
        shutil.move(beside, kept)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _write_dependencies(command: list[str], source: str) -> None:
    """The file that Ninja reads after a compiler has run."""
    if "-MF" in command:
        target = command[command.index("-o") + 1]
        path = command[command.index("-MF") + 1]
        Path(path).write_text(f"{target}: {source}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
