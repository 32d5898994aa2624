"""The generated folder is a library of its own: it builds alone, everywhere, without a warning."""

import dataclasses
import re
import shutil
import subprocess

import numpy as np
import pytest
from support.compiled import WARNINGS, generate, host_compiler
from support.dense import dense_graph
from support.firmware import EVERY_BOARD

from edgekit import boards
from edgekit.codegen import free_name
from edgekit.codegen.render import c_string
from edgekit.codegen.sources import library_files
from edgekit.ops.fully_connected import FullyConnected

FIVE_LINES = """\
#include <stdio.h>
#include "ek_dense.h"
static unsigned char arena[EK_DENSE_ARENA_BYTES] EK_ALIGNED(EK_ARENA_ALIGNMENT);
int main(void) { return ek_dense_init(arena, sizeof arena) || fread(ek_dense_input(0), EK_DENSE_INPUT_BYTES, 1, stdin) != 1
    || ek_dense_invoke() || fwrite(ek_dense_output(0), ek_dense.outputs[0].size_bytes, 1, stdout) != 1; }
"""  # noqa: E501


@pytest.fixture
def graph():
    return dataclasses.replace(dense_graph(), name="dense", sha256="5a" * 32)


@pytest.fixture
def folder(graph, tmp_path):
    for name, text in generate(graph).files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_the_folder_builds_with_a_five_line_main_and_nothing_else_of_ours(folder, graph):
    from edgekit.reference import interpreter

    (folder / "main.c").write_text(FIVE_LINES)
    assert len(FIVE_LINES.splitlines()) == 5
    compiler, _ = host_compiler()
    sources = [str(path) for path in folder.glob("*.c")]
    program = str(folder / "program")
    done = subprocess.run(
        [*compiler, *WARNINGS, "-O2", "-I", str(folder), *sources, "-o", program],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    x = np.random.default_rng(1).integers(-128, 128, graph.inputs[0].shape).astype(np.int8)
    got = subprocess.run([program], input=x.tobytes(), capture_output=True, check=True).stdout
    assert got == interpreter.evaluate(graph, (x,))[0].tobytes()


@pytest.mark.parametrize("profile", [0, 1])
@pytest.mark.parametrize("board_id", EVERY_BOARD)
def test_the_folder_compiles_for_every_board_without_a_warning(folder, board_id, profile):
    board = boards.load(board_id)
    compiler = host_compiler()[0] if board_id == "host" else [f"{board.toolchain}-gcc"]
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"{compiler[0]} is not installed")
    for source in folder.glob("*.c"):
        command = [*compiler, *board.isa_flags, *WARNINGS, "-O2", f"-DEK_PROFILE={profile}"]
        command += ["-I", str(folder), "-c", str(source), "-o", str(folder / "out.o")]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_the_same_model_gives_the_same_sources(graph):
    assert generate(graph).files == generate(graph).files


def test_equal_arrays_are_kept_once(graph):
    twice = dataclasses.replace(graph, name="twice")
    text = generate(twice).files["ek_twice.c"]
    arrays = [line for line in text.splitlines() if line.startswith("static const int")]
    bodies = re.split(r"EK_ALIGNED\(\d\) = {", text)[1:]
    assert len(arrays) == len(bodies) == len({body.split("};")[0] for body in bodies})


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("plain_1", '"plain_1"'),
        ('a"b\\c', '"a\\042b\\134c"'),
        ("??/", '"\\077\\077/"'),
        ("ä\n", '"\\303\\244\\012"'),
        ("", '""'),
    ],
)
def test_a_tensors_name_is_a_c_literal_whatever_it_holds(text, literal):
    assert c_string(text) == literal


@pytest.mark.parametrize("name", ["model", "tensor", "server", "port", "add_s8", "status", "step"])
def test_a_model_whose_name_is_ours_gets_another(name):
    assert free_name(name) == f"{name}_model"


def test_other_names_stay():
    assert free_name("kws01_int8") == "kws01_int8"


def test_a_faster_twin_of_a_kernel_is_one_more_file(tmp_path):
    kernels, include = tmp_path / "kernels", tmp_path / "include" / "edgekit"
    for path, text in (
        (kernels / "add_s8.c", '#include "edgekit/ek_add_s8.h"\nportable'),
        (kernels / "mul_s8.c", "portable"),
        (kernels / "armv7em" / "add_s8.c", '#include "edgekit/ek_dsp.h"\ntwin'),
        (include / "ek_add_s8.h", ""),
        (include / "ek_dsp.h", ""),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    fast = library_files(["add_s8", "mul_s8"], [], isa=("mve", "armv7em"), firmware=tmp_path)
    assert fast["add_s8.c"].endswith("twin")
    assert fast["mul_s8.c"] == "portable"
    assert "edgekit/ek_dsp.h" in fast
    plain = library_files(["add_s8"], [], firmware=tmp_path)
    assert set(plain) == {"add_s8.c", "edgekit/ek_add_s8.h"}


def test_more_macs_than_an_int_holds_are_said_to_be_as_many_as_it_holds(graph, monkeypatch):
    monkeypatch.setattr(FullyConnected, "macs", lambda self, operator: 2**33)
    source = generate(graph).files["ek_dense.c"]
    assert ".macs = 4294967295," in source
    assert str(2**33) not in source
