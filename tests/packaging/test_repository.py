"""What holds of the repository as a whole."""

from __future__ import annotations

import re
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
LARGEST_BYTES = 1 << 20


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    if not (CHECKOUT / ".git").exists():
        pytest.skip("not a git checkout: what is tracked is not known")
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    paths = (CHECKOUT / name for name in listing.stdout.split("\0") if name)
    return [path for path in paths if path.exists()]


def test_no_tracked_file_is_larger_than_a_mebibyte(tracked: list[Path]):
    large = {str(path): path.stat().st_size for path in tracked}
    assert {name: size for name, size in large.items() if size > LARGEST_BYTES} == {}


def test_no_tracked_file_is_made_by_a_build(tracked: list[Path]):
    made = {".o", ".a", ".elf", ".pyc", ".so", ".whl"}
    assert [path for path in tracked if path.suffix in made] == []


def test_the_version_stands_in_the_changelog():
    assert f"## [{metadata.version('edgekit')}]" in (CHECKOUT / "CHANGELOG.md").read_text()


def test_every_public_target_of_the_makefile_says_what_it_does():
    makefile = (CHECKOUT / "Makefile").read_text()
    public = {"help", "setup", "demo", "test", "test-all", "check", "bench", "clean"}
    described = set(re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE))
    assert public <= described


@pytest.mark.parametrize("page", sorted(CHECKOUT.glob("docs/*.md")), ids=lambda path: path.name)
def test_every_link_of_the_documentation_leads_to_a_file(page: Path):
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
    assert [name for name in targets if not (page.parent / name).exists()] == []
