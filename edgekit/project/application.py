"""An application around a model, for a person to keep: what `edgekit new` writes.

src/, README.md and the build's own files are the person's from then on; lib/ is edgekit's, which
writes it anew when the model changes:

lib/ek_<model>/   the model library
lib/board/        boards built with CMake: port, start-up code, headers
lib/edgekit.json  what the application was made for
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgekit.codegen import render
from edgekit.errors import UserError
from edgekit.ir import DType, Tensor
from edgekit.project import arduino, esp32, espidf, library, pico
from edgekit.project.context import (
    CMakeContext,
    ProjectParts,
    cmake_context,
    definitions,
    linker_symbols,
)

_C_TYPES = {DType.FLOAT32: "float", DType.BOOL: "bool"}
_BOARD_FILES = (
    "include/edgekit/ek_port.h",
    "include/edgekit/ek_status.h",
    "ports/",
    "startup/",
    "runtime/ek_say.",
    "runtime/ek_port_defaults.c",
)
_TOOLCHAIN_FILE = "lib/toolchain.cmake"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationTensor:
    """An input or an output, as C sees it."""

    name: str
    c_type: str
    elements: int
    shape: str
    scale: str  # real = scale * (value - zero_point); empty if it is not quantised
    zero_point: int
    scale_billionths: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationContext:
    """templates/new/*.j2 and templates/new/*/*.j2."""

    title: str  # the application's, the name of its directory
    model_name: str
    macro: str  # EK_<NAME>
    board_id: str
    board_name: str
    framework: str  # empty for boards without a choice
    engine: str
    options: str  # of `edgekit build`, that make the same choices
    inputs: tuple[ApplicationTensor, ...]
    outputs: tuple[ApplicationTensor, ...]
    psram: bool
    stack_bytes: int
    baud: int
    usb: bool  # what it prints goes over the chip's own USB
    platformio: bool  # what builds it; else CMake
    chip: str  # esptool's name of it, for boards that it writes and CMake builds; or empty
    objcopy: str
    uf2: bool  # a chip whose boot ROM takes UF2 files
    linux: bool  # a computer of its own, reached over ssh
    toolchain_file: str  # empty: the host's own compiler
    run: str  # the command that runs an emulated board's image
    languages: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationFiles:
    """Path -> text; the paths of both are relative to the application."""

    own: Mapping[str, str]  # the person's, written once
    library: Mapping[str, str]  # in lib/


def files(
    parts: ProjectParts,
    *,
    title: str,
    engine: str,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    run: str,
) -> ApplicationFiles:
    """The whole application.

    Args:
        parts: as of the project of the link's server; `build_id` may be empty.
        title: the application's name.
        engine: what runs the model.
        inputs: of the model.
        outputs: of the model.
        run: the command that runs the image on an emulated board; empty for a real one.

    Raises:
        UserError: the board has no library for the engine.
        DoesNotFitError: the image does not fit into the board's flash memory.
    """
    board = parts.board
    facts = ApplicationContext(
        title=title,
        model_name=parts.model_name,
        macro=parts.main.macro,
        board_id=board.id,
        board_name=board.name,
        framework=board.framework,
        engine=engine,
        options=_options(parts, engine),
        inputs=tuple(map(_tensor, inputs)),
        outputs=tuple(map(_tensor, outputs)),
        psram=parts.arena_in_psram,
        stack_bytes=parts.stack_bytes,
        baud=board.reach.baud or 115200,
        usb=parts.link == "usb",
        platformio=board.platformio is not None,
        chip=board.esptool.chip if board.esptool is not None else "",
        objcopy=f"{board.toolchain}-objcopy",
        uf2=board.uf2 is not None and not run,
        linux=board.flash == "ssh",
        toolchain_file="" if board.toolchain == "host" else _TOOLCHAIN_FILE,
        run=run,
        languages="C",
    )
    made = _KINDS[board.framework if board.platformio is not None else "cmake"](parts, facts)
    shared = _rendered(facts, "", {"README.md": "README.md", "gitignore": ".gitignore"})
    return dataclasses.replace(made, own={**made.own, **shared})


def _cmake(parts: ProjectParts, facts: ApplicationContext) -> ApplicationFiles:
    if parts.tflm is not None:
        raise UserError(
            f"an application with engine {facts.engine} needs a board whose framework brings "
            f"TensorFlow Lite Micro; {facts.board_id} has none",
            hint="use engine aot, or `edgekit build` for a project of that engine",
        )
    within = library.folder(parts.model_name)
    tree = {f"{within}/{path}": text for path, text in parts.model_files.items()}
    tree |= {
        f"lib/board/{path}": text
        for path, text in parts.firmware_files.items()
        if path.startswith(_BOARD_FILES)
    }
    build = _build_of(parts, tree)
    fields = {field.name: getattr(build, field.name) for field in dataclasses.fields(build)}
    tree["lib/CMakeLists.txt"] = render("new/cmake/library.cmake.j2", **fields)
    if facts.toolchain_file:
        tree[facts.toolchain_file] = render("project/cmake/toolchain.cmake.j2", **fields)
    facts = dataclasses.replace(facts, languages=build.languages)
    own = _rendered(facts, "cmake", {"CMakeLists.txt": "CMakeLists.txt", "main.c": "src/main.c"})
    return ApplicationFiles(own=own, library=tree)


def _build_of(parts: ProjectParts, tree: Mapping[str, str]) -> CMakeContext:
    """How lib/ is compiled; its sources are relative to lib/."""
    board = parts.board
    build = cmake_context(tree, model_name=parts.model_name, board=board, options=parts.options)
    sources = [path.removeprefix("lib/") for path in build.firmware_sources]
    return dataclasses.replace(
        build,
        compile_flags=tuple(flag for flag in build.compile_flags if flag != "-Werror"),
        definitions=tuple(
            f"{name}={value}"
            for name, value in definitions(board, parts.options)
            if name != "EK_PROFILE"
        ),
        model_sources=tuple(path for path in sources if not path.startswith("board/")),
        firmware_sources=tuple(path for path in sources if path.startswith("board/")),
        linker_script=f"board/startup/{board.linker}.ld" if board.linker else "",
        linker_symbols=linker_symbols(board),
    )


def _espidf(parts: ProjectParts, facts: ApplicationContext) -> ApplicationFiles:
    build = espidf.context(parts, application=True)
    names = ("platformio.ini", "sdkconfig.defaults", "partitions.csv", "CMakeLists.txt")
    own = esp32.rendered("espidf", names, build)
    sources = {"main.c": "src/main.c", "main.cmake": "src/CMakeLists.txt"}
    own |= _rendered(facts, "espidf", sources)
    return ApplicationFiles(own=own, library=espidf.library_files(parts, build))


def _arduino(parts: ProjectParts, facts: ApplicationContext) -> ApplicationFiles:
    if parts.board.uf2 is not None:
        ini = pico.rendered("platformio.ini", pico.context(parts, application=True))
        own = _rendered(facts, "arduino", {"main.cpp": "src/main.cpp"}) | {"platformio.ini": ini}
        return ApplicationFiles(own=own, library=pico.library_files(parts))
    build = arduino.context(parts, application=True)
    own = esp32.rendered("arduino", ("platformio.ini", "partitions.csv"), build)
    own |= _rendered(facts, "arduino", {"main.cpp": "src/main.cpp"})
    return ApplicationFiles(own=own, library=arduino.library_files(parts))


_KINDS: Mapping[str, Callable[[ProjectParts, ApplicationContext], ApplicationFiles]] = {
    "cmake": _cmake,
    "espidf": _espidf,
    "arduino": _arduino,
}


def _rendered(facts: ApplicationContext, folder: str, names: Mapping[str, str]) -> dict[str, str]:
    fields = {field.name: getattr(facts, field.name) for field in dataclasses.fields(facts)}
    where = f"new/{folder}/" if folder else "new/"
    return {path: render(f"{where}{name}.j2", **fields) for name, path in names.items()}


def _options(parts: ProjectParts, engine: str) -> str:
    board, chosen = parts.board, parts.options
    words = [f"--board {board.id}"]
    if board.framework and board.framework != board.frameworks[0]:
        words.append(f"--framework {board.framework}")
    if engine != "aot":
        words.append(f"--engine {engine}")
    if chosen.stack_bytes is not None:
        words.append(f"--stack {chosen.stack_bytes}")
    if chosen.link not in (None, board.link):
        words.append(f"--link {chosen.link}")
    return " ".join(words)


def _tensor(tensor: Tensor) -> ApplicationTensor:
    quantized = tensor.quantization is not None
    scale = tensor.scale if quantized else 0.0
    return ApplicationTensor(
        name=tensor.name,
        c_type=_C_TYPES.get(tensor.dtype, f"{tensor.dtype.value}_t"),
        elements=tensor.elements,
        shape=", ".join(map(str, tensor.shape)),
        scale=f"{scale:.9g}" if quantized else "",
        zero_point=tensor.zero_point if quantized else 0,
        scale_billionths=round(scale * 1e9),
    )
