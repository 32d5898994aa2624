"""Everything but ports and start-up code compiles, without a warning, for every CPU we speak of.

What is wanted is the compiler's opinion, not its code.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.compiled import NEON_IN_C
from support.firmware import EVERY_BOARD, ready

from edgekit import resources, toolchain
from edgekit.project.context import WARNINGS

FIRMWARE = resources.tree("firmware")
PORTABLE = sorted(
    path
    for folder in ("kernels", "protocol", "runtime")
    for path in (FIRMWARE / folder).rglob("*.c")
    if path.parent.name != "neon"
)
NEON = sorted((FIRMWARE / "kernels" / "neon").glob("*.c"))  # needs the compiler's <arm_neon.h>


def opinion(*command: str | Path) -> str:
    """What the compiler says; empty is praise."""
    done = subprocess.run(
        [
            *map(str, command),
            *("-std=c99", "-O2", *WARNINGS, "-pedantic"),
            *(f"-I{FIRMWARE / folder}" for folder in ("include", "runtime", "protocol")),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.stderr or ("" if done.returncode == 0 else f"exit code {done.returncode}")


@pytest.mark.parametrize("profile", [0, 1])
@pytest.mark.parametrize("board_id", EVERY_BOARD)
def test_the_boards_compiler_has_no_complaint(board_id: str, profile: int):
    board = ready(board_id)
    compiler = toolchain.find_compiler(board).command
    flags = (*board.isa_flags, f"-DEK_PROFILE={profile}", "-fsyntax-only")
    sources = [*PORTABLE, *(NEON if "neon" in board.isa else ())]
    assert opinion(*compiler, *flags, *sources) == ""


@pytest.mark.slow
@pytest.mark.parametrize("source", [*PORTABLE, *NEON], ids=lambda path: path.name)
def test_clang_has_no_complaint_on_the_host(source: Path, tmp_path: Path):
    pytest.importorskip("ziglang")
    made = tmp_path / "made.o"  # zig compiles one file at a time, and not to /dev/null
    compiler = (sys.executable, "-m", "ziglang", "cc", f"-I{NEON_IN_C}")
    assert opinion(*compiler, "-c", source, "-o", made) == ""
