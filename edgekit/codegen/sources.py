"""What an engine makes: a folder of C that can be dropped into any project."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgekit import resources

_INCLUDE = re.compile(r'^#include "(edgekit/[a-z0-9_]+\.h)"', re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedSources:
    """A model library as text; compile every .c in it with the folder as include path."""

    model_name: str
    engine: str
    files: Mapping[str, str]  # relative path -> text
    arena_bytes: int
    input_bytes: int  # of all inputs together


def library_files(kernels: Iterable[str], headers: Iterable[str]) -> dict[str, str]:
    """The kernels' C files, and every edgekit header that they or `headers` include."""
    firmware = resources.tree("firmware")
    files = {
        f"{kernel}.c": (firmware / "kernels" / f"{kernel}.c").read_text()
        for kernel in sorted(set(kernels))
    }
    wanted = [f"edgekit/{header}" for header in headers]
    for text in files.values():
        wanted += _INCLUDE.findall(text)
    while wanted:
        header = wanted.pop()
        if header not in files:
            files[header] = (firmware / "include" / header).read_text()
            wanted += _INCLUDE.findall(files[header])
    return files
