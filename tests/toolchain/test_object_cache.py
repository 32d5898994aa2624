"""Objects of a library are compiled once, and again when anything that decides them changed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.toolchain import object_cache

COMPILER = shutil.which("gcc") or shutil.which("cc")
BROKEN = shutil.which("false")


class Bench:
    """A source, its digest as edgekit would give it, and a cache."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.digest = folder, "1"
        self.source = folder / "f.c"
        self.source.write_text("int f(int a) { return a + 1; }\n")

    def compile(self, compiler: str, *flags: str, into: str = "f.o", spoken_of: str = "f.c") -> int:
        """Run the launcher as CMake does; its exit code."""
        digests = self.folder / "digests.json"
        digests.write_text(json.dumps({str(self.folder / spoken_of): self.digest}))
        place = f"-ffile-prefix-map={self.folder}={into}"
        where = ["-MD", "-MT", into, "-MF", str(self.folder / f"{into}.d")]
        command = [compiler, *flags, place, *where, "-o", str(self.folder / into), "-c"]
        return subprocess.call(
            [sys.executable, "-I", object_cache.__file__, *command, str(self.source)],
            env={
                object_cache.DIGESTS: str(digests),
                object_cache.CACHE: str(self.folder / "cache"),
                "PATH": "/usr/bin:/bin",
            },
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    if COMPILER is None or BROKEN is None:
        pytest.skip("there is no C compiler on the PATH")
    return Bench(tmp_path)


def test_the_second_time_no_compiler_runs_and_the_object_is_the_same(bench: Bench):
    assert COMPILER is not None and BROKEN is not None
    assert bench.compile(COMPILER, "-O2") == 0
    assert bench.compile(BROKEN, "-O2", into="again.o") == 0
    assert (bench.folder / "again.o").read_bytes() == (bench.folder / "f.o").read_bytes()
    assert (bench.folder / "again.o.d").read_text().startswith(str(bench.folder / "again.o"))


def test_other_flags_are_compiled_anew(bench: Bench):
    assert COMPILER is not None and BROKEN is not None
    bench.compile(COMPILER, "-O2")
    assert bench.compile(BROKEN, "-Os") != 0


def test_another_digest_of_what_is_included_is_compiled_anew(bench: Bench):
    assert COMPILER is not None and BROKEN is not None
    bench.compile(COMPILER, "-O2")
    bench.digest = "2"
    assert bench.compile(BROKEN, "-O2") != 0


def test_a_damaged_object_is_not_used(bench: Bench):
    assert COMPILER is not None and BROKEN is not None
    bench.compile(COMPILER, "-O2")
    (kept,) = (bench.folder / "cache").iterdir()
    content = bytearray(kept.read_bytes())
    content[40] ^= 1
    kept.write_bytes(content)
    assert bench.compile(BROKEN, "-O2") != 0
    assert bench.compile(COMPILER, "-O2") == 0
    assert bench.compile(BROKEN, "-O2") == 0


def test_what_does_not_compile_leaves_nothing_and_says_so(bench: Bench, capfd):
    assert COMPILER is not None
    bench.source.write_text("int f(int a) { return b; }\n")
    assert bench.compile(COMPILER, "-O2") != 0
    assert "'b' undeclared" in capfd.readouterr().err.replace("‘", "'").replace("’", "'")
    assert not (bench.folder / "cache").exists()


def test_a_source_that_nobody_spoke_of_is_just_compiled(bench: Bench):
    assert COMPILER is not None
    assert bench.compile(COMPILER, "-O2", spoken_of="another.c") == 0
    assert (bench.folder / "f.o").is_file()
    assert not (bench.folder / "cache").exists()


def test_a_cache_that_cannot_be_written_does_no_harm(bench: Bench):
    assert COMPILER is not None
    (bench.folder / "cache").write_text("in the way")
    assert bench.compile(COMPILER, "-O2") == 0
    assert (bench.folder / "f.o").is_file()
