from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.firmware import EVERY_BOARD, ready

from edgekit import boards, resources, toolchain
from edgekit.project.context import WARNINGS


@pytest.mark.parametrize("optimisation", ["-O0", "-O2", "-Os"])
@pytest.mark.parametrize("board_id", EVERY_BOARD)
def test_the_port_to_copy_compiles_for(board_id: str, optimisation: str, tmp_path: Path):
    board = ready(board_id)
    firmware = resources.tree("firmware")
    command = [
        *toolchain.find_compiler(board).command,
        *(flag for flag in board.isa_flags if not flag.startswith("--specs")),
        *("-std=c99", "-ffreestanding", optimisation, *WARNINGS, "-pedantic"),
        f"-I{firmware / 'include'}",
        *("-c", str(firmware / "ports" / "template.c"), "-o", str(tmp_path / "template.o")),
    ]
    run = subprocess.run(command, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")


def test_every_port_belongs_to_a_board_or_is_the_template():
    paths = list((resources.tree("firmware") / "ports").glob("*.c*"))
    used = {
        boards.load(board.id, framework).port
        for board in boards.all_boards()
        for framework in board.frameworks or (None,)
    }
    assert {path.stem for path in paths} == used | {"template"}
    assert len({path.stem for path in paths}) == len(paths)
