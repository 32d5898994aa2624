"""Every command says what it is asked for, and exits with 0."""

import json

import jsonschema
import pytest

from edgekit import report

COMMANDS = [
    "run",
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
    if command not in ("ports", "doctor"):
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
    assert "host" in done.stdout
