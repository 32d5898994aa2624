"""Every operator has all its files, under the names that its module gives."""

import re
from pathlib import Path

import pytest

from edgekit.ops import OPERATORS

CHECKOUT = Path(__file__).parents[2]
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


KERNELS = sorted(path.stem for path in (CHECKOUT / "firmware" / "kernels").glob("*.c"))
TEMPLATES = sorted(
    path.name.removesuffix(".c.j2") for path in (CHECKOUT / "templates" / "ops").glob("*.c.j2")
)
#: Kernels and templates that serve several operators; all others are named after one.
SHARED = {
    *("add_s8", "constant", "copy", "extremum", "lookup", "lookup_s8", "pad", "strided_copy"),
    "view",
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_has_a_header_and_is_named_after_its_operator_or_shared(kernel):
    assert (CHECKOUT / "firmware" / "include" / "edgekit" / f"ek_{kernel}.h").is_file()
    assert kernel in SHARED or any(kernel.startswith(stem) for stem in STEMS)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_is_named_after_its_operator_or_shared(template):
    assert template in SHARED or any(template.startswith(stem) for stem in STEMS)


def test_every_kernel_and_template_is_named_in_an_operators_module():
    code = "".join(p.read_text() for p in (CHECKOUT / "edgekit" / "ops").glob("*.py"))
    named = set(re.findall(r"[a-z0-9_]+", code))
    for name in [*KERNELS, *TEMPLATES]:
        base = re.sub("_s(8|16)$", "", name)
        assert {name, base} & named, f"no operator needs {name}"


def test_the_first_line_of_a_template_names_its_context():
    for path in (CHECKOUT / "templates").rglob("*.j2"):
        first = path.read_text().splitlines()[0]
        assert first.startswith("{# "), f"{path}: {first}"
        assert "edgekit." in first, f"{path}: {first}"
