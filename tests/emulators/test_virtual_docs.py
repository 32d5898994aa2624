"""The example of docs/virtual.md runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from edgekit import emulators

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "virtual.md").read_text(encoding="utf-8")


def test_the_example_passes(tmp_path: Path):
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    file = tmp_path / "test_example.py"
    file.write_text(example, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, file],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_every_fault_is_documented_by_its_name():
    named = re.findall(r"^\| `(\w+)\(", TEXT, re.MULTILINE)
    faults = {fault.__name__ for fault in emulators.Fault.__args__}
    assert set(named) == faults
