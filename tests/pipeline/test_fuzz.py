"""However a model is damaged: it compiles, or is refused; and what compiles computes right."""

from __future__ import annotations

import contextlib
import dataclasses
import resource
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.agreement import assert_same
from support.compiled import Case, run_compiled
from support.dense import dense_graph
from support.small_models import image_graph

import edgekit
from edgekit.errors import EdgekitError, OracleError
from edgekit.frontends import tflite_writer
from edgekit.measurement import random_samples
from edgekit.pipeline import CompiledModel
from edgekit.reference import interpreter
from edgekit.reference.oracle import Oracle

DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "digits_int8.tflite"
CONTENTS = {
    "digits": DIGITS.read_bytes(),
    "image": tflite_writer.write(image_graph()),
    "dense": tflite_writer.write(dense_graph(layers=3, size=6)),
}
WORDS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x3F800000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
SECONDS_EACH = 10
MOST_BYTES = 1 << 30


def damaged(rng: np.random.Generator, content: bytes) -> bytes:
    """`content`, cut, with turned bits, or with words overwritten or swapped."""
    spoiled = bytearray(content)

    def word() -> slice:
        at = 4 * int(rng.integers(len(content) // 4))
        return slice(at, at + 4)

    for _ in range(rng.integers(1, 4)):
        kind = rng.integers(8)
        if kind == 0:
            return bytes(spoiled[: rng.integers(len(spoiled))])
        if kind <= 3:
            spoiled[rng.integers(len(spoiled))] ^= 1 << rng.integers(8)
        elif kind == 4:
            spoiled[rng.integers(len(spoiled))] = rng.integers(256)
        elif kind == 5:
            spoiled[word()] = int(rng.choice(WORDS)).to_bytes(4, "little")
        else:
            one, other = word(), word()
            spoiled[one], spoiled[other] = spoiled[other], spoiled[one]
    return bytes(spoiled)


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Fail what takes too long or too much memory, instead of letting it take the computer."""

    def too_long(number: int, frame: object) -> None:
        raise AssertionError(f"no end after {SECONDS_EACH} s")

    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGALRM, too_long)
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_BYTES, limits[1]))
    signal.alarm(SECONDS_EACH)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.signal(signal.SIGALRM, before)


def survivors(name: str, seed: int, count: int, path: Path) -> list[tuple[bytes, CompiledModel]]:
    """Those of `count` damaged models that compile, with what was made of them."""
    rng = np.random.default_rng(seed)
    outcomes: Counter[str] = Counter()
    compiled = []
    for i in range(count):
        content = damaged(rng, CONTENTS[name])
        path.write_bytes(content)
        try:
            with bounded():
                compiled.append((content, edgekit.compile(path)))
        except EdgekitError as error:
            outcomes[type(error).__name__] += 1
        except BaseException as error:
            raise AssertionError(f"{name}, seed {seed}, mutant {i}") from error
    assert not {"PassError", "MemoryPlanError"} & set(outcomes), outcomes
    assert compiled
    assert len(outcomes) >= 2
    return compiled


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(s, marks=pytest.mark.slow) for s in range(1, 20))]
)
@pytest.mark.parametrize(("name", "count"), [("digits", 250), ("image", 550), ("dense", 700)])
def test_a_damaged_model_compiles_or_is_refused(
    name: str, count: int, seed: int, tmp_path: Path
) -> None:
    survivors(name, seed, count, tmp_path / "m.tflite")


@pytest.mark.parametrize("name", CONTENTS)
def test_a_truncated_model_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "cut.tflite"
    content = CONTENTS[name]
    cuts = np.random.default_rng(0).integers(len(content) * 9 // 10, size=100).tolist()
    for cut in [*range(64), *cuts]:
        path.write_bytes(content[:cut])
        with pytest.raises(EdgekitError, match=r"cut\.tflite"):
            edgekit.compile(path)


@pytest.mark.parametrize(
    "examples", [8, *(pytest.param(n, marks=pytest.mark.slow) for n in (40, 41, 42, 43))]
)
@pytest.mark.parametrize("name", ["image", "dense"])
def test_what_still_compiles_computes_what_the_reference_does(
    name: str, examples: int, tmp_path: Path
) -> None:
    """In C with sanitizers; and as TFLite Micro does, where it takes the model."""
    found = survivors(name, 1000 + examples, 12 * examples, tmp_path / "m.tflite")
    rng = np.random.default_rng(examples)
    chosen = [found[i] for i in rng.permutation(len(found))[:examples]]
    cases: list[Case] = []
    for i, (_, compiled) in enumerate(chosen):
        graph = dataclasses.replace(compiled.graph, name=f"m{i}")
        cases.append((graph, random_samples(graph, 2, seed=i).inputs))
    results = run_compiled(cases, tmp_path)
    with Oracle() as oracle:
        for (content, compiled), (graph, inputs), outputs in zip(
            chosen, cases, results, strict=True
        ):
            for one, computed in zip(inputs, outputs, strict=True):
                with np.errstate(all="ignore"):
                    assert_same(graph, interpreter.evaluate(compiled.source_graph, one), computed)
            if Oracle.available():
                try:
                    expected = oracle.run(content, inputs)
                except OracleError:
                    continue
                for wanted, computed in zip(expected, outputs, strict=True):
                    assert_same(graph, wanted, computed)
