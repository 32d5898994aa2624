"""What the project templates see: facts, already computed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgekit.boards import Board
from edgekit.project.options import ProjectOptions

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
SECTIONS = ("-ffunction-sections", "-fdata-sections")
SANITIZERS = (
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
)
TOOLCHAIN_FILE = "toolchain.cmake"


@dataclass(frozen=True, slots=True, kw_only=True)
class MainContext:
    """templates/project/main.c.j2."""

    model_name: str
    macro: str  # EK_<NAME>
    board_id: str
    version: str  # of edgekit, a "+", and the build id, as semantic versioning has it


@dataclass(frozen=True, slots=True, kw_only=True)
class CMakeContext:
    """templates/project/cmake/*.j2. Paths are relative to the project."""

    model_name: str
    board_id: str
    compiler: str
    languages: str  # "C", or "C ASM"
    toolchain_file: str  # empty: the host's own compiler
    isa_flags: tuple[str, ...]
    compile_flags: tuple[str, ...]
    definitions: tuple[str, ...]
    link_flags: tuple[str, ...]
    model_sources: tuple[str, ...]
    firmware_sources: tuple[str, ...]
    include_directories: tuple[str, ...]
    linker_script: str  # empty: the toolchain's own
    linker_symbols: tuple[str, ...]


def cmake_context(
    paths: Iterable[str], *, model_name: str, board: Board, options: ProjectOptions
) -> CMakeContext:
    """The build of a tree that consists of `paths`."""
    sources = sorted(path for path in paths if path.endswith((".c", ".S")))
    return CMakeContext(
        model_name=model_name,
        board_id=board.id,
        compiler=f"{board.toolchain}-gcc",
        languages="C ASM" if any(path.endswith(".S") for path in sources) else "C",
        toolchain_file="" if board.toolchain == "host" else TOOLCHAIN_FILE,
        isa_flags=board.isa_flags,
        compile_flags=_compile_flags(options),
        definitions=_definitions(board, options),
        link_flags=("-Wl,--gc-sections", *(SANITIZERS if options.sanitize else ())),
        model_sources=tuple(path for path in sources if path.startswith("model/")),
        firmware_sources=tuple(path for path in sources if not path.startswith("model/")),
        include_directories=(
            "firmware/include",
            "firmware/runtime",
            "firmware/protocol",
            "model",
        ),
        linker_script=f"firmware/startup/{board.linker}.ld" if board.linker else "",
        linker_symbols=_linker_symbols(board),
    )


def compiler_flags(board: Board, options: ProjectOptions) -> tuple[str, ...]:
    """Every flag that decides what code the compiler makes, in the order in which it sees them."""
    definitions = (f"-D{definition}" for definition in _definitions(board, options))
    return (*board.isa_flags, *_compile_flags(options), *definitions)


def _compile_flags(options: ProjectOptions) -> tuple[str, ...]:
    sanitizers = SANITIZERS if options.sanitize else ()
    return ("-std=c99", options.optimisation, "-g", *SECTIONS, *WARNINGS, *sanitizers)


def _definitions(board: Board, options: ProjectOptions) -> tuple[str, ...]:
    pairs = [("EK_PROFILE", "1")]
    if board.clock_hz:
        pairs.append(("EK_CLOCK_HZ", f"{board.clock_hz}u"))
    return tuple(f"{name}={value}" for name, value in (*pairs, *board.defines, *options.defines))


def _linker_symbols(board: Board) -> tuple[str, ...]:
    flash, ram = board.memory("flash"), board.memory("ram")
    if flash is None or ram is None:
        return ()
    return (
        f"ek_flash_start={flash.start:#x}",
        f"ek_flash_bytes={flash.size_bytes:#x}",
        f"ek_ram_start={ram.start:#x}",
        f"ek_ram_bytes={ram.size_bytes:#x}",
        f"ek_stack_bytes={board.stack_bytes:#x}",
    )
