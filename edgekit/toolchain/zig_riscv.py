"""`zig cc` in the place of riscv64-unknown-elf-gcc, for boards of 32 bits.

The package ziglang is a whole Clang, but it does not know GCC's --specs, names CPUs its own way,
and for a target without an operating system it has no <string.h>; the functions themselves (memcpy
and so on) are in its compiler-rt. Its linker takes no --defsym and does not look for the script's
entry. So the board's flags are translated, and the symbols go to the top of the linker script.
CMake runs this file as a program, once for each source file and once to link: it imports nothing
that takes time.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

_MARCH = re.compile(r"-march=rv32i([a-z]*)")
_SYMBOL = re.compile(r"-Wl,--defsym=(\w+)=(\w+)")
_SCRIPT = re.compile(r"-T(.+)")
_ENTRY = re.compile(r"^ENTRY\((\w+)\)", re.MULTILINE)
_TARGET = ("-target", "riscv32-freestanding-none")
_C_LIBRARIES = ("riscv32-linux-musl", "generic-musl")  # a 32-bit C library's headers


def package() -> Path | None:
    """The directory of the package ziglang; None if it is not installed."""
    spec = importlib.util.find_spec("ziglang")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def arguments_for_zig(arguments: Sequence[str], *, zig: Path, directory: Path) -> list[str]:
    """Arguments that riscv64-unknown-elf-gcc would take, as `zig cc` takes them.

    Args:
        zig: the directory of the package ziglang.
        directory: where the linker script that knows its symbols is written, if there is one.
    """
    headers = zig / "lib" / "libc" / "include"
    includes = [word for name in _C_LIBRARIES for word in ("-isystem", str(headers / name))]
    return [*_TARGET, *includes, *_translated(arguments, directory)]


def _translated(arguments: Sequence[str], directory: Path) -> Iterator[str]:
    symbols = [found.groups() for word in arguments if (found := _SYMBOL.fullmatch(word))]
    for argument in arguments:
        march, script = _MARCH.fullmatch(argument), _SCRIPT.fullmatch(argument)
        if march is not None:
            yield "-mcpu=generic_rv32" + "".join(f"+{extension}" for extension in march[1])
        elif script is not None and symbols:
            yield from _script_with(symbols, Path(script[1]), directory)
        elif not argument.startswith("--specs=") and not _SYMBOL.fullmatch(argument):
            yield argument


def _script_with(
    symbols: Iterable[tuple[str, ...]], script: Path, directory: Path
) -> Iterator[str]:
    """The script with `symbols` at its top, and its entry."""
    text = script.read_text(encoding="utf-8")
    path = directory / script.name
    lines = "".join(f"{name} = {value};\n" for name, value in symbols)
    path.write_text(lines + text, encoding="utf-8")
    yield f"-T{path}"
    yield from (f"-Wl,--entry={name}" for name in _ENTRY.findall(text))


def main() -> None:
    """Become zig."""
    zig = package()
    if zig is None:
        sys.exit("the package ziglang is no longer installed")
    program = str(zig / "zig")
    words = arguments_for_zig(sys.argv[1:], zig=zig, directory=Path.cwd())
    os.execv(program, [program, "cc", *words])


if __name__ == "__main__":
    main()
