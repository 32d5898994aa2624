"""What PlatformIO would write to flash memory, and where.

Source: PlatformIO's build metadata, `pio run --target idedata` (platformio/builder/tools/
piointegration.py): `prog_path`, and in `extra` the `flash_images` and the `application_offset` that
the builders of platform espressif32 put there for debuggers to flash with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from edgekit.errors import BuildError
from edgekit.toolchain.artefacts import FlashPart

_DEFAULT_OFFSET = "0x10000"  # platform-espressif32 6.13.0, platform.py: where none is said


def read(lines: Iterable[str], *, uf2: bool = False) -> tuple[Path, tuple[FlashPart, ...]]:
    """The directory of the build, and its parts by their offsets.

    Args:
        lines: the output of `pio run --target idedata`.
        uf2: the board is a USB drive, and its only part a UF2.

    Raises:
        BuildError: it does not say, a part is missing, or two overlap.
    """
    document = next((line for line in lines if line.startswith("{")), None)
    try:
        metadata = json.loads(document or "")
        elf = Path(metadata["prog_path"])
        if uf2:
            _check([(0, elf.with_suffix(".uf2"))])
            return elf.parent, (FlashPart(offset=0, path=elf.with_suffix(".uf2")),)
        extra = metadata["extra"]
        images = [(image["offset"], image["path"]) for image in extra["flash_images"]]
        images.append((extra.get("application_offset", _DEFAULT_OFFSET), elf.with_suffix(".bin")))
        parts = sorted((int(str(offset), 0), Path(path)) for offset, path in images)
    except (ValueError, LookupError, TypeError) as error:
        raise BuildError(
            "PlatformIO does not say what belongs in flash memory",
            hint="`pio run --target idedata` in the project shows what it says",
        ) from error
    _check(parts)
    return elf.parent, tuple(FlashPart(offset=offset, path=path) for offset, path in parts)


def _check(parts: list[tuple[int, Path]]) -> None:
    for _, path in parts:
        if not path.is_file():
            raise BuildError(f"PlatformIO built no {path.name}", hint=f"it should be {path}")
    for (offset, path), (following, other) in pairwise(parts):
        end = offset + path.stat().st_size
        if end > following:
            raise BuildError(
                f"{path.name} at {offset:#x} ends at {end:#x}, "
                f"{end - following:,} bytes inside {other.name} at {following:#x}",
                hint="the partition table has no room for it: choose larger partitions",
            )
