"""The public API is what `__all__` says, and costs nothing to import."""

import subprocess
import sys

import pytest

import edgekit

NAMES = [
    "Board",
    "BuiltFirmware",
    "CompiledModel",
    "Conversion",
    "Device",
    "EdgekitError",
    "GateResult",
    "Measurement",
    "Samples",
    "Sweep",
    "VirtualEsp32",
    "all_boards",
    "board",
    "build",
    "compile",
    "connect",
    "convert",
    "flash_board",
    "from_json",
    "gate",
    "inspect",
    "measure",
    "read",
    "run",
    "sweep",
    "to_json",
    "verify",
]


def test_the_public_names_are_pinned():
    assert edgekit.__all__ == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_there_and_says_what_it_is(name):
    assert getattr(edgekit, name).__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'deploy'"):
        _ = edgekit.deploy


def test_functions_are_not_hidden_by_packages_of_the_same_name():
    import edgekit.measurement
    import edgekit.toolchain

    assert callable(edgekit.build) and callable(edgekit.measure) and callable(edgekit.verify)


@pytest.mark.parametrize(
    ("imported", "heavy"),
    [
        ("edgekit", ("numpy", "pydantic", "rich", "typer", "serial", "jinja2")),
        ("edgekit.cli", ("numpy", "pydantic", "serial", "jinja2", "flatbuffers", "ortools")),
        ("edgekit.pipeline", ("ortools", "flatbuffers", "tflite_micro", "tensorflow", "elftools")),
    ],
)
def test_an_import_brings_nothing_heavy_that_it_does_not_use(imported, heavy):
    program = f"import sys, {imported}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not set(heavy) & set(done.stdout.split())
