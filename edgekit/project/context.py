"""What the project templates see: facts, already computed."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from edgekit.boards import Board
from edgekit.codegen import TflmNeeds
from edgekit.project import placement
from edgekit.project.options import ProjectOptions
from edgekit.project.tflm_library import TflmSources

C_STANDARD = "-std=c99"
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
_BAUD = 115200
SECTIONS = ("-ffunction-sections", "-fdata-sections")
SANITIZERS = (
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
)
TOOLCHAIN_FILE = "toolchain.cmake"
#: C++ of generated model libraries and of TensorFlow Lite Micro.
CXX_FLAGS = ("-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics")
PLATFORM = "edgekit_emulated"  # templates/platformio: PlatformIO's platform for emulated boards


@dataclass(frozen=True, slots=True, kw_only=True)
class MainContext:
    """templates/project/main.c.j2."""

    model_name: str
    macro: str  # EK_<NAME>
    board_id: str
    version: str  # of edgekit, a "+", and the build id, as semantic versioning has it


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBytes:
    """How much memory a model library takes."""

    arena: int = 0
    inputs: int = 0  # all together: the link keeps a copy of them
    constants: int = 0  # in flash memory


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectParts:
    """All that a project is made of, whatever builds it.

    Every kind of tree is a module with a function `files(parts)` that gives path -> text.
    """

    model_files: Mapping[str, str]  # the model library; the folder is its include path
    model_name: str  # a C identifier in lower case
    firmware_files: Mapping[str, str]  # what the board needs of firmware/, by its path in there
    board: Board
    options: ProjectOptions
    tflm: TflmNeeds | None  # of TensorFlow Lite Micro; None: the model library needs none
    tflm_sources: (
        TflmSources | None
    )  # what that is; None: the board's framework or PlatformIO has it
    build_id: str  # empty while it is computed, from the other files
    model_bytes: ModelBytes = ModelBytes()

    @property
    def link(self) -> Literal["uart", "usb"]:
        """What carries the link."""
        return self.options.link or self.board.link

    @property
    def arena_in_psram(self) -> bool:
        """True if the arena goes to PSRAM: the board has it, and too little RAM."""
        place = self.board.arena_memory(self.model_bytes.arena, self.model_bytes.inputs)
        return place is not None and place.kind == "psram"

    @property
    def stack_bytes(self) -> int:
        """Of the task that runs the model."""
        return self.options.stack_bytes or self.board.stack_bytes

    @property
    def main(self) -> MainContext:
        """What templates/project/main.c.j2 sees."""
        return MainContext(
            model_name=self.model_name,
            macro=f"EK_{self.model_name.upper()}",
            board_id=self.board.id,
            version=f"{importlib.metadata.version('edgekit')}+{self.build_id}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CMakeContext:
    """templates/project/cmake/*.j2. Paths are relative to the project."""

    model_name: str
    board_id: str
    compiler: str
    languages: str  # "C", with "CXX" or "ASM" where there are such sources
    toolchain_file: str  # empty: the host's own compiler
    system: str  # CMake's word for what runs on the board: "Linux", or "Generic": nothing
    isa_flags: tuple[str, ...]
    c_flags: tuple[str, ...]  # for C alone
    compile_flags: tuple[str, ...]
    definitions: tuple[str, ...]
    link_flags: tuple[str, ...]
    model_sources: tuple[str, ...]
    firmware_sources: tuple[str, ...]
    include_directories: tuple[str, ...]
    linker_script: str  # empty: the toolchain's own
    linker_symbols: tuple[str, ...]
    cxx_compiler: str
    cxx_flags: tuple[str, ...]  # for C++ alone
    library_directory: str  # of TensorFlow Lite Micro, absolute; empty: it is not needed
    library_sources: tuple[str, ...]  # relative to it, as are the directories that it includes
    library_include_directories: tuple[str, ...]
    library_definitions: tuple[str, ...]  # for it, and for all that includes its headers
    target_suffix: str  # of the model library's targets: linker scripts know by it what is for RAM


def cmake_context(
    paths: Iterable[str],
    *,
    model_name: str,
    board: Board,
    options: ProjectOptions,
    library: TflmSources | None = None,
) -> CMakeContext:
    """The build of a tree that consists of `paths`, and perhaps of TensorFlow Lite Micro."""
    sources = sorted(path for path in paths if path.endswith((".c", ".cc", ".S")))
    assembles = any(path.endswith(".S") for path in sources)
    return CMakeContext(
        model_name=model_name,
        board_id=board.id,
        compiler=f"{board.toolchain}-gcc",
        languages="C" + " CXX" * (library is not None) + " ASM" * assembles,
        toolchain_file="" if board.toolchain == "host" else TOOLCHAIN_FILE,
        system="Linux" if board.runs_linux else "Generic",
        isa_flags=board.isa_flags,
        c_flags=(C_STANDARD,),
        compile_flags=_compile_flags(options),
        cxx_compiler=f"{board.toolchain}-g++",
        cxx_flags=CXX_FLAGS if library is not None else (),
        library_directory="" if library is None else library.directory.as_posix(),
        library_sources=() if library is None else library.sources,
        library_include_directories=() if library is None else library.include_directories,
        library_definitions=_library_definitions(library),
        definitions=tuple(f"{name}={value}" for name, value in definitions(board, options)),
        link_flags=_link_flags(board, options),
        model_sources=tuple(path for path in sources if path.startswith("model/")),
        firmware_sources=tuple(path for path in sources if not path.startswith("model/")),
        include_directories=(
            "firmware/include",
            "firmware/runtime",
            "firmware/protocol",
            "model",
        ),
        linker_script=f"firmware/startup/{board.linker}.ld" if board.linker else "",
        linker_symbols=linker_symbols(board),
        target_suffix=placement.target_suffix(options),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformIOContext:
    """templates/project/platformio/emulated.ini.j2."""

    model_name: str
    board_id: str
    platform: str
    flags: tuple[str, ...]  # for every C file; the board's manifest has those of its core
    cxx_flags: tuple[str, ...]  # for C++ alone
    link_flags: tuple[str, ...]
    baud: int


def platformio_context(parts: ProjectParts) -> PlatformIOContext:
    """The build of a board without a framework."""
    definitions_ = (f"-D{name}={value}" for name, value in definitions(parts.board, parts.options))
    return PlatformIOContext(
        model_name=parts.model_name,
        board_id=parts.board.id,
        platform=PLATFORM,
        flags=(C_STANDARD, *_compile_flags(parts.options), *definitions_),
        cxx_flags=() if parts.tflm_sources is None else CXX_FLAGS,
        link_flags=_link_flags(parts.board, parts.options),
        baud=parts.board.reach.baud or _BAUD,
    )


def _library_definitions(library: TflmSources | None) -> tuple[str, ...]:
    if library is None:
        return ()
    return tuple(f"{name}={value}" for name, value in library.definitions)


def compiler_flags(
    board: Board, options: ProjectOptions, library: TflmSources | None = None
) -> tuple[str, ...]:
    """The flags of ours that decide what code the compiler makes, in the order it sees them.

    A framework adds its own to them, and chooses the language and the sections.
    """
    flags = (
        (options.optimisation, *WARNINGS)
        if board.platformio is not None
        else (*board.isa_flags, C_STANDARD, *_compile_flags(options))
    )
    pairs = definitions(board, options)
    if library is not None:
        flags, pairs = (*flags, *CXX_FLAGS), (*pairs, *library.definitions)
    return (*flags, *(f"-D{name}={value}" for name, value in pairs))


def _compile_flags(options: ProjectOptions) -> tuple[str, ...]:
    sanitizers = SANITIZERS if options.sanitize else ()
    return (options.optimisation, "-g", *SECTIONS, *WARNINGS, *sanitizers)


def _link_flags(board: Board, options: ProjectOptions) -> tuple[str, ...]:
    return (
        "-Wl,--gc-sections",
        *(("-static",) if board.runs_linux else ()),  # whatever C library is there
        *(SANITIZERS if options.sanitize else ()),
    )


def definitions(board: Board, options: ProjectOptions) -> tuple[tuple[str, str], ...]:
    """Macros for every C file, as (name, value)."""
    pairs = [("EK_PROFILE", "1")]
    if board.clock_hz:
        pairs.append(("EK_CLOCK_HZ", f"{board.clock_hz}u"))
    return (*pairs, *board.defines, *options.defines)


def linker_symbols(board: Board) -> tuple[str, ...]:
    """What the linker scripts of firmware/startup have to be told of the board's memories."""
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
