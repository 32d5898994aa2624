"""A directory with C++ sources, as TensorFlow Lite Micro is one, becomes PlatformIO's library."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from support.firmware import ready, tiny_files

from edgekit import toolchain
from edgekit.codegen import TflmNeeds
from edgekit.project import Project, ProjectOptions, ProjectParts, firmware, platformio, tree
from edgekit.project.context import compiler_flags
from edgekit.project.tflm_library import TflmSources

#: A header and a source that the warnings of our own code would not let pass.
HEADER = """\
#ifndef TF_LITE_STATIC_MEMORY
#error "TF_LITE_STATIC_MEMORY"
#endif
int add(int a, int b);
inline signed char narrow(int wide) { return wide; }
"""
SOURCE = '#include "tensorflow/adder.h"\nint add(int a, int b) { int unused; return a + b; }\n'
UNUSED = '#error "this file is not needed"\n'
MODEL = """\
#include "tensorflow/adder.h"
extern "C" int five(void);
int five(void) { return add(2, narrow(3)); }
"""
MAIN = '#include "ek_tiny.h"\nextern int five(void);\nint main(void) { return five(); }\n'


@pytest.fixture
def library(tmp_path: Path) -> TflmSources:
    directory = tmp_path / "a library"
    (directory / "tensorflow").mkdir(parents=True)
    texts = {"tensorflow/adder.h": HEADER, "tensorflow/adder.cc": SOURCE}
    for path, text in (texts | {"tensorflow/unused.cc": UNUSED}).items():
        (directory / path).write_text(text)
    return TflmSources(
        directory=directory,
        sources=("tensorflow/adder.cc",),
        include_directories=(".",),
        definitions=(("TF_LITE_STATIC_MEMORY", "1"),),
        included={"tensorflow/adder.cc": tuple(texts)},
        digests={path: hashlib.sha256(text.encode()).hexdigest() for path, text in texts.items()},
    )


def test_only_the_needed_sources_are_compiled_and_their_warnings_are_their_own(
    library: TflmSources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    board, options = ready("host"), ProjectOptions(builder="platformio")
    toolchain.find_cxx_compiler(board)
    parts = ProjectParts(
        model_files=tiny_files() | {"ek_tiny_more.cc": MODEL},
        model_name="tiny",
        firmware_files=firmware.files(board),
        board=board,
        options=options,
        tflm=TflmNeeds(kernels=("adder",)),
        tflm_sources=library,
        build_id="0123456789abcdef",
    )
    files = platformio.files(parts) | {"src/main.c": MAIN}
    tree.write(files, tmp_path / "p")
    project = Project(
        directory=tmp_path / "p",
        board=board,
        model_name="tiny",
        options=options,
        builder="platformio",
        files=tuple(sorted(files)),
        flags=compiler_flags(board, options, library),
        build_id=parts.build_id,
        library=library,
    )
    steps: list[tuple[str, int, int]] = []
    image = toolchain.build_project(project, progress=lambda *step: steps.append(step))
    assert subprocess.run([image.elf]).returncode == 5
    assert "|-- ek_tiny @ " in image.log.read_text()
    assert {total for _, _, total in steps} == {len(steps) - 1}
    assert list((tmp_path / "cache" / "objects").iterdir())  # for the next model
