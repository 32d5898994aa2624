"""Every operator has all its files, under the names that its module gives."""

import re

import pytest

from edgekit import resources
from edgekit.ops import OPERATORS

CHECKOUT = resources.tree("firmware").parent
STEMS = sorted(definition.stem for definition in OPERATORS)


@pytest.mark.parametrize("stem", STEMS)
def test_an_operator_has_a_module_and_a_test_of_its_stem(stem):
    assert (CHECKOUT / "edgekit" / "ops" / f"{stem}.py").is_file()
    assert (CHECKOUT / "tests" / "ops" / f"test_{stem}.py").is_file()


def test_stems_and_codes_are_unique():
    codes = [definition.builtin_code for definition in OPERATORS]
    assert len(set(STEMS)) == len(STEMS)
    assert len(set(codes)) == len(codes)


def test_the_operators_are_listed_in_alphabetical_order():
    assert [definition.stem for definition in OPERATORS] == STEMS


def test_every_kernel_has_a_header_and_every_kernel_header_a_kernel():
    kernels = {path.stem for path in (CHECKOUT / "firmware" / "kernels").glob("*.c")}
    headers = {
        path.stem.removeprefix("ek_")
        for path in (CHECKOUT / "firmware" / "include" / "edgekit").glob("ek_*_s8.h")
    }
    inline = {"dot_s8"}  # headers of static inline functions
    assert kernels <= headers
    assert headers - kernels <= inline | {h for h in headers if h.endswith("_inline_s8")}


def test_every_kernel_and_template_is_named_by_an_operator():
    code = "".join(p.read_text() for p in (CHECKOUT / "edgekit" / "ops").glob("*.py"))
    named = set(re.findall(r'"([a-z0-9_]+)"', code))
    for path in (CHECKOUT / "firmware" / "kernels").glob("*.c"):
        assert path.stem in named, f"no operator needs {path.name}"
    for path in (CHECKOUT / "templates" / "ops").glob("*.c.j2"):
        assert path.name.removesuffix(".c.j2") in named, f"no operator needs {path.name}"


def test_the_first_line_of_a_template_names_its_context():
    for path in (CHECKOUT / "templates").rglob("*.j2"):
        first = path.read_text().splitlines()[0]
        assert first.startswith("{# "), f"{path}: {first}"
        assert "edgekit." in first, f"{path}: {first}"
