"""Where the shipped trees (boards, templates, firmware) live: the wheel, else the checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

_PACKAGE = Path(__file__).resolve().parent


def tree(name: Literal["boards", "templates", "firmware"]) -> Path:
    """Return the directory `name` as it was installed, or as it stands in the checkout."""
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name
