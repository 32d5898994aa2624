"""An application that a person built -> what `edgekit flash` can put on its board."""

from __future__ import annotations

from pathlib import Path

from edgekit.errors import ImageError, UserError
from edgekit.pipeline import application

_ELF = Path("build", "application.elf")


def made_flashable(source: Path) -> Path:
    """`source`, or the UF2 of the Pico application that it is, written anew from what CMake built.

    Args:
        source: what the user wants to have flashed: a project, an image, or an application.

    Raises:
        ImageError: the application was not built.
        BuildError: it was not linked as the board's boot ROM wants it.
        DoesNotFitError: it is larger than the board's flash memory.
        UserError: other tools write this application to its board, or nothing can be written here.
    """
    if not application.is_one(source):
        return source
    board = application.board_of(source)
    if board.platformio is not None:
        raise UserError(
            f"{source} is an application that PlatformIO builds and writes to the board",
            hint=f"cd {source} && pio run --target upload",
        )
    if board.uf2 is None:
        raise UserError(
            f"{source} is an application for {board.id}, which this command does not write",
            hint="its README.md says how to build and run it",
        )
    elf = source / _ELF
    if not elf.is_file():
        raise ImageError(
            f"{source} was not built: there is no {_ELF}",
            hint="its README.md says how; `cmake --build build` is the last step",
        )
    from edgekit.toolchain import uf2  # reading ELF is for those who build

    image = elf.with_suffix(".uf2")
    uf2.write_file(elf, board, image)
    return image
