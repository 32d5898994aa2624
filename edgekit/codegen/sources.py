"""What an engine makes: a folder of C that can be dropped into any project."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit import resources

_OWN_NAME = re.compile(r"\bek_[a-z0-9_]+\b")
#: What a model library adds to ek_<name>.
_SUFFIXES = (
    "",
    "_init",
    "_input",
    "_invoke",
    "_output",
    "_invoke_hooked",
    "_arena_used",
    "_tflite",
)
_INCLUDE = re.compile(r'^#include "(edgekit/[a-z0-9_]+\.h)"', re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TflmNeeds:
    """What a model library of engine tflm needs of TensorFlow Lite Micro."""

    kernels: tuple[str, ...]  # stems of files in tensorflow/lite/micro/kernels, sorted


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryStep:
    """One step of a model library, as its ek_model describes it."""

    operator_index: int  # of its first operator in the .tflite
    name: str  # of that operator, e.g. "CONV_2D"
    kernel: str  # what computes it, e.g. "ek_conv_2d_s8" or "tflite::CONV_2D"
    macs: int
    shows_output: bool  # the device can give the digest of its output


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedSources:
    """A model library as text; compile every .c and .cc in it with the folder as include path."""

    model_name: str
    engine: str
    files: Mapping[str, str]  # relative path -> text
    arena_bytes: int
    input_bytes: int  # of all inputs together
    constant_bytes: int  # weights and other arrays that go to flash memory
    steps: tuple[LibraryStep, ...] = ()
    tflm: TflmNeeds | None = None  # None: it needs nothing but a C compiler


def library_files(
    kernels: Iterable[str],
    headers: Iterable[str],
    *,
    isa: Sequence[str] = (),
    firmware: Path | None = None,
) -> dict[str, str]:
    """The kernels' C files, and every edgekit header that they or `headers` include.

    Args:
        kernels: names of functions without `ek_`.
        headers: names of files in firmware/include/edgekit.
        isa: folders of firmware/kernels, the best first: the first that has a kernel gives it, and
            firmware/kernels itself gives the rest.
        firmware: another tree than edgekit's own.
    """
    firmware = firmware or resources.tree("firmware")
    folders = [firmware / "kernels" / name for name in isa] + [firmware / "kernels"]
    files = {
        f"{kernel}.c": next(
            path for folder in folders if (path := folder / f"{kernel}.c").is_file()
        ).read_text(encoding="utf-8")
        for kernel in sorted(set(kernels))
    }
    wanted = [f"edgekit/{header}" for header in headers]
    for text in files.values():
        wanted += _INCLUDE.findall(text)
    while wanted:
        header = wanted.pop()
        if header not in files:
            files[header] = (firmware / "include" / header).read_text(encoding="utf-8")
            wanted += _INCLUDE.findall(files[header])
    return files


def free_name(name: str) -> str:
    """`name`, or <name>_model where the symbols of a model of that name are edgekit's own.

    A model.tflite, for one, must not define `ek_model`, which is the type of all models.
    """
    taken = _own_names()
    while any(f"ek_{name}{suffix}" in taken for suffix in _SUFFIXES):
        name = f"{name}_model"
    return name


@functools.cache
def _own_names() -> frozenset[str]:
    """Every ek_ name and file stem in firmware/, in lower case as macros' twins."""
    names = set()
    for path in resources.tree("firmware").rglob("*.[ch]"):
        names.add(path.stem)
        names.update(_OWN_NAME.findall(path.read_text(encoding="utf-8").lower()))
    return frozenset(names)
