"""Run generated C: on the host with the address and undefined-behaviour sanitizers on, or on a CPU
that QEMU's user mode plays.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit import boards, codegen, memory, schemes
from edgekit.codegen import aot
from edgekit.ir import Array, Graph

WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")

#: Where the host finds what stands for its lacking <arm_neon.h>.
NEON_IN_C = Path(__file__).with_name("neon")


@dataclass(frozen=True, slots=True)
class Target:
    """What the C is made of, compiled for and run by."""

    isa: tuple[str, ...] = ()  # kernels are taken from these folders, if they are there
    compiler: tuple[str, ...] = ()  # with its flags; empty: the host's, with sanitizers
    runner: tuple[str, ...] = ()  # in front of the program

    def compile_command(self) -> list[str]:
        """The C compiler with its flags."""
        if self.compiler:
            return [*self.compiler, *WARNINGS, "-O2", "-static"]
        compiler, sanitizers = host_compiler()
        flags = SANITIZERS if sanitizers else ()
        return [*compiler, *WARNINGS, "-O1", "-g", *flags, "-I", str(NEON_IN_C)]


HOST = Target()

#: One graph with the input sets that it is to be run on.
Case = tuple[Graph, Sequence[tuple[Array, ...]]]

MAIN = """
#include <stdio.h>
#include <stdlib.h>
{includes}
static const ek_model *const models[] = {{ {models} }};
static const int runs[] = {{ {runs} }};

int main(void)
{{
    for (size_t m = 0; m < sizeof models / sizeof models[0]; m++) {{
        const ek_model *model = models[m];
        void *arena = NULL; /* its own block: the sanitizer guards both ends */
        if (posix_memalign(&arena, EK_ARENA_ALIGNMENT, model->arena_bytes) != 0 ||
            model->init(arena, model->arena_bytes) != EK_OK) {{
            return 2;
        }}
        for (int run = 0; run < runs[m]; run++) {{
            for (size_t i = 0; i < model->input_count; i++) {{
                if (fread(model->input(i), model->inputs[i].size_bytes, 1, stdin) != 1) {{
                    return 3;
                }}
            }}
            if (model->invoke() != EK_OK) {{
                return 4;
            }}
            for (size_t i = 0; i < model->output_count; i++) {{
                fwrite(model->output(i), model->outputs[i].size_bytes, 1, stdout);
            }}
        }}
        free(arena);
    }}
    return 0;
}}
"""


def host_compiler() -> tuple[list[str], bool]:
    """A C compiler's command, and whether it has the sanitizers."""
    for name in ("gcc", "cc", "clang"):
        if found := shutil.which(name):
            return [found], True
    return [sys.executable, "-m", "ziglang", "cc"], False


def generate(graph: Graph, isa: Sequence[str] = ()) -> codegen.GeneratedSources:
    """The model library of `graph` as it stands (no passes)."""
    selection = schemes.select(graph, boards.load("host"))
    return aot.generate(graph, selection, memory.plan(graph, selection.scratch_bytes), isa=isa)


@functools.cache
def _object(source: str, text: str, include: Path, command: tuple[str, ...]) -> Path:
    """Compile one kernel once for the whole test session."""
    digest = hashlib.sha256(f"{source}{text}{command}".encode()).hexdigest()[:16]
    target = include.parent / f"{digest}.o"
    path = include.parent / f"{digest}.c"
    path.write_text(text)
    run([*command, "-I", str(include), "-c", str(path), "-o", str(target)])
    return target


def run(command: Sequence[str], **options: object) -> subprocess.CompletedProcess[bytes]:
    """Run `command`; its output is the assertion's message when it fails."""
    done = subprocess.run(command, capture_output=True, timeout=300, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{command}\nexit {done.returncode}\n{done.stderr.decode()}"
    return done  # type: ignore[no-any-return]


def run_compiled(
    cases: Sequence[Case], folder: Path, target: Target = HOST
) -> list[list[tuple[Array, ...]]]:
    """Build every case's model into one program and run it.

    Graphs must have names that differ. Returns, per case and per input set, the outputs.
    """
    command = target.compile_command()
    work, include = folder / "work", folder / "include"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    (include / "edgekit").mkdir(parents=True, exist_ok=True)
    objects, sources = [], []
    for graph, _ in cases:
        for name, text in generate(graph, target.isa).files.items():
            if name.startswith("edgekit/"):
                (include / name).write_text(text)
            elif name.startswith(f"ek_{graph.name}."):
                (work / name).write_text(text)
                sources += [str(work / name)] if name.endswith(".c") else []
            else:
                objects.append((name, text))
    built = [
        str(_object(name, text, include, tuple(command))) for name, text in dict.fromkeys(objects)
    ]
    names = [graph.name for graph, _ in cases]
    main = MAIN.format(
        includes="\n".join(f'#include "ek_{name}.h"' for name in names),
        models=", ".join(f"&ek_{name}" for name in names),
        runs=", ".join(str(len(inputs)) for _, inputs in cases),
    )
    (work / "main.c").write_text(main)
    # the harness itself needs POSIX; the model libraries are compiled as strict C99
    run([*command, "-D_POSIX_C_SOURCE=200809L", "-I", str(include), "-I", str(work),
         *sources, str(work / "main.c"), *built, "-o", str(work / "program")])  # fmt: skip
    stdin = b"".join(x.tobytes() for _, inputs in cases for xs in inputs for x in xs)
    stdout = run([*target.runner, str(work / "program")], input=stdin).stdout
    results, at = [], 0
    for graph, inputs in cases:
        per_case = []
        for _ in inputs:
            outputs = []
            for tensor in graph.outputs:
                raw = stdout[at : at + tensor.size_bytes]
                at += tensor.size_bytes
                outputs.append(np.frombuffer(raw, tensor.dtype.numpy).reshape(tensor.shape))
            per_case.append(tuple(outputs))
        results.append(per_case)
    assert at == len(stdout), f"the program wrote {len(stdout)} bytes, not {at}"
    return results
