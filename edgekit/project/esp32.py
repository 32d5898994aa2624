"""What projects for ESP32 chips have in common, whatever the framework: flash memory, PSRAM, USB.

Flash memory, from its start: boot loader, partition table at 0x8000, settings, the application at
0x10000. The application's partition is sized to the image, rounded up to the pages of 64 KiB that
the chips map.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from edgekit.codegen import render
from edgekit.errors import DoesNotFitError
from edgekit.project.context import ProjectParts, definitions

USB_SERIAL_JTAG = "303a:1001"  # vendor and product that the chips' own USB says

_APP_OFFSET = 0x1_0000
_PAGE_BYTES = 64 * 1024
#: Room for code beside the model's constants. The sizes of frameworks and of TensorFlow Lite Micro
#: are estimates on the safe side: an unused part of a partition costs nothing.
_CODE_BYTES = {"espidf": 384 * 1024, "arduino": 640 * 1024}
_TFLM_CODE_BYTES = 320 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Esp32Context:
    """templates/project/espidf/*.j2, templates/project/arduino/*.j2."""

    model_name: str
    macro: str  # EK_<NAME>
    board_id: str
    version: str  # of edgekit and of this build
    chip: str  # as ESP-IDF and esptool name it
    platform: str
    platformio_board: str
    flash_megabytes: int
    clock_megahertz: int
    stack_bytes: int
    app_partition: str  # bytes, hexadecimal
    usb: bool  # the link is the chip's own USB
    has_usb: bool
    psram: bool  # the arena lies there
    baud: int
    optimisation: str  # of the compiler, for the model library
    definitions: tuple[str, ...]  # NAME=value, for every file
    model_sources: tuple[str, ...]  # relative to the library's folder
    sources: tuple[str, ...]  # relative to src/, beside main
    application: bool  # a person's own, to which the serial port belongs; else the link's server
    tflm: bool  # engine tflm
    tflm_component: str  # ESP-IDF: the component that is TensorFlow Lite Micro
    tflm_version: str  # ESP-IDF: which versions of it; empty: see the path
    tflm_path: str  # where it lies on this computer, or empty
    lib_deps: tuple[str, ...]  # Arduino: libraries for PlatformIO to fetch


def context(
    parts: ProjectParts,
    *,
    application: bool = False,
    tflm_component: str = "",
    tflm_version: str = "",
    tflm_path: str = "",
    lib_deps: tuple[str, ...] = (),
) -> Esp32Context:
    """What the templates of both frameworks see.

    Raises:
        DoesNotFitError: the image does not fit into the board's flash memory.
    """
    board, options, main = parts.board, parts.options, parts.main
    assert board.platformio is not None
    assert board.esptool is not None
    defined = dict(definitions(board, options))
    if application:
        del defined["EK_PROFILE"]  # a second copy of the model's calls, for the server
    return Esp32Context(
        model_name=parts.model_name,
        macro=main.macro,
        board_id=board.id,
        version=main.version,
        chip=board.esptool.chip,
        platform=board.platformio.platform,
        platformio_board=board.platformio.board,
        flash_megabytes=(board.flash_bytes or 0) >> 20,
        clock_megahertz=board.clock_hz // 1_000_000,
        stack_bytes=parts.stack_bytes,
        app_partition=f"{_app_partition_bytes(parts):#x}",
        usb=parts.link == "usb",
        has_usb=USB_SERIAL_JTAG in board.reach.usb,
        psram=parts.arena_in_psram,
        baud=board.reach.baud or 115200,
        optimisation=options.optimisation,
        definitions=tuple(f"{name}={value}" for name, value in defined.items()),
        model_sources=_sources(parts.model_files),
        sources=() if application else _sources(parts.firmware_files),
        application=application,
        tflm=parts.tflm is not None,
        tflm_component=tflm_component,
        tflm_version=tflm_version,
        tflm_path=tflm_path,
        lib_deps=lib_deps,
    )


def firmware_tree(parts: ProjectParts) -> dict[str, str]:
    """The link's server and the port, as PlatformIO wants them: headers in include/, C in src/."""
    return {
        path if path.startswith("include/") else f"src/{path}": text
        for path, text in parts.firmware_files.items()
    }


def rendered(folder: str, names: tuple[str, ...], facts: Esp32Context) -> dict[str, str]:
    """Templates of `templates/project/<folder>/`, by their names without .j2."""
    fields = dataclasses.asdict(facts)
    return {name: render(f"project/{folder}/{name}.j2", **fields) for name in names}


def _sources(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(path for path in paths if path.endswith((".c", ".cc", ".cpp"))))


def _app_partition_bytes(parts: ProjectParts) -> int:
    board, constants = parts.board, parts.model_bytes.constants
    code = _CODE_BYTES[board.framework] + (0 if parts.tflm is None else _TFLM_CODE_BYTES)
    free = (board.flash_bytes or 0) - _APP_OFFSET
    if constants > free:
        raise DoesNotFitError(
            board=board.id, memory="flash memory", needed_bytes=constants, free_bytes=free
        )
    pages = -(-(constants + code) // _PAGE_BYTES) * _PAGE_BYTES
    return min(pages, free // _PAGE_BYTES * _PAGE_BYTES)
