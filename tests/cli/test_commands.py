"""Every command says what it is asked for, and exits with 0."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from support.firmware import ready

from edgekit import boards, report

COMMANDS = [
    "run",
    "sweep",
    "compare",
    "build",
    "flash",
    "merge",
    "verify",
    "bench",
    "profile",
    "inspect",
    "distill",
    "boards",
    "ports",
    "doctor",
]


def test_help_lists_every_command(edgekit):
    done = edgekit("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_where_it_takes_arguments(edgekit, command):
    done = edgekit(command, "--help")
    assert done.returncode == 0
    if command != "ports":
        assert f"edgekit {command} " in done.stdout.replace("\n", " ")


def test_version(edgekit):
    assert edgekit("--version").stdout.startswith("edgekit 0.")


def test_run_on_host_proves_measures_and_writes_a_valid_document(edgekit, model, tmp_path):
    target = tmp_path / "m.json"
    done = edgekit("run", model, "--inputs", 3, "--runs", 5, "--profile", "--json", target)
    assert done.returncode == 0, done.stderr
    document = json.loads(target.read_text())
    jsonschema.validate(document, report.schema())
    assert document["verify"]["mismatched_bytes"] == 0
    assert document["verify"]["inputs"] == 3
    assert document["invoke"]["unit"] == "us"
    assert document["invoke"]["count"] == 5
    assert document["memory"]["arena_bytes"] % 16 == 0
    assert [op["name"] for op in document["operators"]] == ["FULLY_CONNECTED"] * 2
    assert all(op["median"] > 0 for op in document["operators"])
    assert "0 differ" in done.stdout
    assert report.from_json(target.read_text()).board == "host"


def test_run_writes_only_json_to_stdout_when_asked(edgekit, model):
    done = edgekit("run", model, "--json", "-")
    assert json.loads(done.stdout)["schema"] == 1


def test_build_keeps_the_project_where_it_is_told(edgekit, model, tmp_path):
    done = edgekit("build", model, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "model" / "ek_dense.c").is_file()
    assert "bytes for inference" in done.stdout


@pytest.mark.parametrize(
    "board",
    [
        "host",
        pytest.param("qemu-cortex-m4", marks=pytest.mark.emulated),
        pytest.param("qemu-riscv32", marks=pytest.mark.emulated),
    ],
)
def test_run_through_platformio_gives_the_same_answers_and_the_same_count(edgekit, model, board):
    ready(board)
    results = []
    for builder in ("cmake", "platformio"):
        done = edgekit("run", model, "--board", board, "--builder", builder, "--json", "-")
        assert done.returncode == 0, done.stderr
        results.append(json.loads(done.stdout))
    assert results[1]["verify"]["mismatched_bytes"] == 0
    assert results[0]["memory"]["flash_bytes"] == results[1]["memory"]["flash_bytes"]
    assert results[0]["build"]["flags"] == results[1]["build"]["flags"]
    if board != "host":
        assert results[0]["invoke"] == results[1]["invoke"]


def test_project_only_stops_before_the_compiler_and_says_how_to_go_on(
    edgekit, environment, model, tmp_path
):
    for name, builder in (("a", "cmake"), ("b", "platformio")):
        directory = tmp_path / name
        done = edgekit("build", model, "-o", directory, "--builder", builder, "--project-only")
        assert done.returncode == 0, done.stderr
        assert not (directory / "build").exists()
        project, following = done.stdout.splitlines()
        assert project == f"project  {directory}"
        command = following.removeprefix("next     ")
        scripts = Path(sys.executable).parent
        with_scripts = environment | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
        subprocess.run(command, shell=True, check=True, env=with_scripts, capture_output=True)
        assert list(directory.rglob("firmware.elf"))


def test_a_platformio_project_has_the_model_library_in_lib(edgekit, model, tmp_path):
    out = tmp_path / "out"
    done = edgekit("build", model, "-o", out, "--builder", "platformio")
    assert done.returncode == 0, done.stderr
    assert (out / "lib" / "ek_dense" / "library.json").is_file()
    assert (out / "build" / "firmware.elf").is_file()


def test_verify_counts_bytes(edgekit, model):
    done = edgekit("verify", model, "--board", "host", "--inputs", 5)
    assert done.returncode == 0, done.stderr
    assert "40 output bytes over 5 inputs, 0 differ" in done.stdout


def test_bench_and_profile(edgekit, model):
    done = edgekit("bench", model, "--board", "host", "--runs", 4)
    assert done.returncode == 0, done.stderr
    assert "median of 4" in done.stdout or "the same in all 4" in done.stdout
    done = edgekit("profile", model, "--board", "host")
    assert done.returncode == 0, done.stderr
    assert "100.0%" in done.stdout


def test_inspect_shows_operators_memory_and_boards(edgekit, model):
    done = edgekit("inspect", model)
    assert done.returncode == 0, done.stderr
    for shown in ("FULLY_CONNECTED", "memory over time", "█", "qemu-cortex-m4"):
        assert shown in done.stdout


def test_inspect_as_json(edgekit, model):
    document = json.loads(edgekit("inspect", model, "--json").stdout)
    assert document["macs"] == 128
    assert document["arena_bytes"] >= document["arena_lower_bound_bytes"] > 0
    assert {board["id"] for board in document["boards"]} > {"host", "qemu-riscv32"}


def test_boards_lists_all_and_shows_one(edgekit):
    assert "qemu-xtensa" in edgekit("boards").stdout
    one = edgekit("boards", "qemu-cortex-m4").stdout
    assert "mps2-an386" in one
    assert "emulated" in one


def test_ports_and_doctor_run_anywhere(edgekit):
    assert edgekit("ports").returncode == 0
    done = edgekit("doctor")
    assert done.returncode == 0
    for name in ("host", "cmake", "platformio", "esptool"):
        assert name in done.stdout


@pytest.mark.parametrize(
    ("board", "framework"),
    [(board.id, name) for board in boards.all_boards() for name in board.frameworks or (None,)],
)
def test_doctor_says_what_a_board_needs(edgekit, board, framework):
    """With an empty PlatformIO, boards that it builds lack their platform: said with a command."""
    words = [] if framework is None else ["--framework", framework]
    done = edgekit("doctor", "--board", board, *words)
    facts = boards.load(board, framework)
    assert facts.name in " ".join(done.stdout.split())
    if facts.platformio is not None:
        assert done.returncode == 1
        assert "platformio" in done.stdout
        platform = shlex.quote(facts.platformio.platform)
        assert f"pio pkg install --global --platform {platform}" in done.stdout
        assert f"{board} is not ready to be built for" in done.stdout
    else:
        assert "cmake" in done.stdout
    if facts.flash == "esptool":
        assert "esptool" in done.stdout
    if facts.reach.kind == "usb":
        assert "serial port" in done.stdout
