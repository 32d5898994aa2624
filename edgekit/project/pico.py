"""The tree that PlatformIO builds with arduino-pico, the Arduino core of RP2040 and RP2350.

platformio.ini
lib/ek_<model>/   the model library
include/edgekit/  headers
src/              main.cpp, runtime, protocol, the port
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from edgekit.codegen import render
from edgekit.errors import UserError
from edgekit.project import library
from edgekit.project.context import ProjectParts, definitions

_BAUD = 115200
#: Serial is the chip's own USB in arduino-pico, Serial1 is UART0 on GPIO0 and GPIO1.
_LINKS = {"usb": (), "uart": ("EK_LINK_SERIAL=Serial1", "EK_LINK_UART=1")}


@dataclass(frozen=True, slots=True, kw_only=True)
class PicoContext:
    """templates/project/pico/*.j2."""

    model_name: str
    macro: str  # EK_<NAME>
    board_id: str
    version: str  # of edgekit and of this build
    platform: str
    platformio_board: str
    mcu: str  # empty: that of PlatformIO's board
    clock_hz: int
    baud: int
    optimisation: str  # of the compiler
    definitions: tuple[str, ...]  # NAME=value, for every file
    application: bool  # a person's own, to which the serial port belongs; else the link's server
    tflm: bool  # engine tflm
    lib_deps: tuple[str, ...]  # libraries for PlatformIO to fetch


def files(parts: ProjectParts) -> dict[str, str]:
    """The whole tree: path -> text.

    Raises:
        UserError: engine tflm without a library.
    """
    facts = context(parts)
    tree = {
        path if path.startswith("include/") else f"src/{path}": text
        for path, text in parts.firmware_files.items()
    }
    tree |= library_files(parts)
    tree["platformio.ini"] = rendered("platformio.ini", facts)
    tree["src/main.cpp"] = rendered("main.cpp", facts)
    return tree


def context(parts: ProjectParts, *, application: bool = False) -> PicoContext:
    """What the templates see.

    Raises:
        UserError: engine tflm without a library, which arduino-pico does not bring.
    """
    board, options, main = parts.board, parts.options, parts.main
    assert board.platformio is not None
    defined = dict(definitions(board, options))
    if application:
        del defined["EK_PROFILE"]  # a second copy of the model's calls, for the server
    return PicoContext(
        model_name=parts.model_name,
        macro=main.macro,
        board_id=board.id,
        version=main.version,
        platform=board.platformio.platform,
        platformio_board=board.platformio.board,
        mcu=board.platformio.mcu,
        clock_hz=board.clock_hz,
        baud=board.reach.baud or _BAUD,
        optimisation=options.optimisation,
        definitions=(
            *(f"{name}={value}" for name, value in defined.items()),
            *(() if application else _LINKS[parts.link]),
        ),
        application=application,
        tflm=parts.tflm is not None,
        lib_deps=_lib_deps(parts),
    )


def library_files(parts: ProjectParts) -> dict[str, str]:
    """The model library as PlatformIO's library finder wants it."""
    flags = () if parts.tflm is None else ("-DTF_LITE_STATIC_MEMORY",)
    return library.files(parts, flags=(parts.options.optimisation, *flags))


def rendered(name: str, facts: PicoContext) -> str:
    """A template of templates/project/pico/, by its name without .j2."""
    return render(f"project/pico/{name}.j2", **dataclasses.asdict(facts))


def _lib_deps(parts: ProjectParts) -> tuple[str, ...]:
    if parts.tflm is None:
        return ()
    named = parts.options.tflm_library
    if named is None:
        raise UserError(
            f"{parts.board.id}: arduino-pico brings no TensorFlow Lite Micro",
            hint="name one: --tflm-library DIR, or a library as PlatformIO writes it, such as "
            "spaziochirale/Chirale_TensorFLowLite",
        )
    path = Path(named).expanduser()
    return (f"symlink://{path.resolve().as_posix()}" if path.is_dir() else named,)
