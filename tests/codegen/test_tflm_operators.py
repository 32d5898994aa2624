"""The table of operators says what TensorFlow Lite Micro itself has."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from edgekit import ops
from edgekit.codegen.tflm_operators import OPERATORS
from edgekit.frontends import schema
from edgekit.reference.oracle import Oracle

#: What the pinned package was built without: signal operators other than its own build of them.
OF_SIGNAL = re.compile(r"custom:Signal")


@pytest.fixture(scope="module")
def registered() -> set[str]:
    """Names of all Register_<name>() in the oracle's own library."""
    if not Oracle.available():
        pytest.skip("the pinned tflite-micro is not installed: pip install edgekit[oracle]")
    spec = find_spec("tflite_micro")
    assert spec is not None and spec.submodule_search_locations is not None
    (library,) = Path(spec.submodule_search_locations[0]).rglob("_runtime.so")
    with library.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert table is not None, "the package was stripped: no symbols to compare with"
        symbols = [symbol.name for symbol in table.iter_symbols()]
    return {name for symbol in symbols for name in re.findall(r"\d+Register_(\w+?)Ev", symbol)}


def test_every_operator_of_the_table_is_registered_by_the_oracles_library(registered):
    missing = {one.registration for one in OPERATORS} - registered
    assert missing == set()


def test_every_operator_that_the_oracles_library_registers_is_in_the_table(registered):
    known = {one.registration for one in OPERATORS}
    others = {name for name in registered if not re.search(r"_(INT8|INT16|INT32|FLOAT)$", name)}
    # no operators of a model: an Ethos-U's driver, variants of one kernel, a demonstration
    assert others - known == {"ETHOSU", "L2NORM_REF", "BASIC_CLASSIFIER"}


def test_names_are_those_of_the_schema_and_stand_in_order():
    names = [one.name for one in OPERATORS]
    assert names == sorted(set(names))
    builtin = [name for name in names if not name.startswith("custom:")]
    assert set(builtin) <= set(schema.BUILTIN_OPERATORS)


def test_methods_are_named_after_operators():
    for one in OPERATORS:
        plain = one.name.removeprefix("custom:").removeprefix("Signal").removeprefix("TFL")
        letters = re.sub(r"[^a-z0-9]", "", plain.lower())
        method = one.method.removeprefix("Add").lower()
        assert letters.endswith(method), one


def test_all_that_aot_compiles_tflm_runs_too_but_what_only_folds():
    lacking = {definition.name for definition in ops.OPERATORS} - {one.name for one in OPERATORS}
    assert lacking == {"RANGE", "REDUCE_PROD"}, "folded on the host, or not in TFLite Micro"
