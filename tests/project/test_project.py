from __future__ import annotations

from pathlib import Path

import pytest
from support.firmware import tiny_files, tiny_project

from edgekit import boards
from edgekit.errors import BoardError, UserError
from edgekit.project import ProjectOptions, write_project


def test_a_project_is_a_whole_tree_with_only_its_boards_port(tmp_path: Path):
    project = tiny_project(boards.load("qemu-cortex-m4"), tmp_path)
    on_disk = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert set(project.files) == on_disk - {".edgekit-files"}
    assert {"CMakeLists.txt", "toolchain.cmake", "app/main.c", "model/ek_tiny.c"} <= on_disk
    assert [p for p in project.files if p.startswith("firmware/ports/")] == [
        "firmware/ports/cmsdk.c"
    ]
    assert [p for p in project.files if p.startswith("firmware/startup/")] == [
        "firmware/startup/cortex_m.c",
        "firmware/startup/cortex_m.ld",
        "firmware/startup/cortex_m_faults.h",
        "firmware/startup/fault_text.h",
    ]


def test_the_model_folder_is_what_codegen_gave(tmp_path: Path):
    tiny_project(boards.load("host"), tmp_path)
    for path, text in tiny_files().items():
        assert (tmp_path / "model" / path).read_text() == text


def test_the_same_project_is_the_same_bytes_wherever_it_lies(tmp_path: Path):
    board = boards.load("qemu-riscv32")
    projects = [tiny_project(board, tmp_path / name) for name in ("a", "b")]
    contents = [{p: (q.directory / p).read_bytes() for p in q.files} for q in projects]
    assert contents[0] == contents[1]
    assert str(tmp_path).encode() not in b"".join(contents[0].values())


def test_every_build_has_an_id_that_its_firmware_says(tmp_path: Path):
    m4 = boards.load("qemu-cortex-m4")
    size = ProjectOptions(optimisation="-Os")
    edited = tiny_files() | {"more.c": ""}
    ids = [
        tiny_project(m4, tmp_path / "a").build_id,
        tiny_project(boards.load("qemu-cortex-m3"), tmp_path / "b").build_id,
        tiny_project(m4, tmp_path / "c", options=size).build_id,
        tiny_project(m4, tmp_path / "d", files=edited).build_id,
    ]
    assert len(set(ids)) == len(ids)
    assert f"+{ids[0]}" in (tmp_path / "a" / "app" / "main.c").read_text()
    assert tiny_project(m4, tmp_path / "e").build_id == ids[0]


def test_flags_carry_isa_options_and_defines(tmp_path: Path):
    options = ProjectOptions(optimisation="-Os", defines=(("EK_LOG_BYTES", "128"),))
    project = tiny_project(boards.load("qemu-cortex-m4"), tmp_path, options=options)
    assert {"-mcpu=cortex-m4", "-Os", "-std=c99", "-Werror"} <= set(project.flags)
    assert {"-DEK_PROFILE=1", "-DEK_CLOCK_HZ=25000000u", "-DEK_LOG_BYTES=128"} <= set(project.flags)
    cmake = (tmp_path / "CMakeLists.txt").read_text()
    assert "EK_LOG_BYTES=128" in cmake
    assert "-Os" in cmake


def test_the_linker_learns_the_boards_memories(tmp_path: Path):
    tiny_project(boards.load("qemu-cortex-m55"), tmp_path)
    cmake = (tmp_path / "CMakeLists.txt").read_text()
    assert "-Wl,--defsym=ek_flash_start=0x10000000" in cmake
    assert "-Wl,--defsym=ek_flash_bytes=0x80000" in cmake


def test_a_second_project_in_the_same_place_leaves_nothing_of_the_first(tmp_path: Path):
    tiny_project(boards.load("qemu-cortex-m4"), tmp_path, files=tiny_files() | {"old.c": ""})
    (tmp_path / "notes.txt").write_text("a person's own")
    tiny_project(boards.load("host"), tmp_path)
    assert not (tmp_path / "model" / "old.c").exists()
    assert not (tmp_path / "toolchain.cmake").exists()
    assert (tmp_path / "notes.txt").exists()


def test_a_folder_that_holds_something_else_is_not_touched(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UserError, match="not empty"):
        tiny_project(boards.load("host"), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_sanitizers_are_for_the_host_only(tmp_path: Path):
    with pytest.raises(BoardError, match="sanitizers"):
        tiny_project(boards.load("qemu-xtensa"), tmp_path, options=ProjectOptions(sanitize=True))


def test_a_board_without_its_port_is_refused_by_name(tmp_path: Path):
    board = boards.load("host").model_copy(update={"port": "abacus"})
    with pytest.raises(BoardError, match=r"firmware/ports/abacus\.c"):
        tiny_project(board, tmp_path)


def test_a_board_of_another_build_system_is_refused(tmp_path: Path):
    board = boards.load("host").model_copy(update={"build": "platformio"})
    with pytest.raises(BoardError, match="PlatformIO"):
        tiny_project(board, tmp_path, options=ProjectOptions(builder="cmake"))


@pytest.mark.parametrize(
    ("files", "name"), [({"../evil.c": ""}, "tiny"), ({}, "Tiny"), ({}, "a b"), ({}, "1st")]
)
def test_names_that_would_not_compile_or_lead_elsewhere_are_refused(
    tmp_path: Path, files: dict[str, str], name: str
):
    with pytest.raises(ValueError, match=r"out of the project|identifier"):
        write_project(
            files,
            model_name=name,
            board=boards.load("host"),
            options=ProjectOptions(),
            directory=tmp_path / "project",
        )
