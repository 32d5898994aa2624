"""Where files live: the shipped trees (the wheel, else the checkout), and the cache."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import platformdirs

_PACKAGE = Path(__file__).resolve().parent


def tree(name: Literal["boards", "templates", "firmware"]) -> Path:
    """Return the directory `name` as it was installed, or as it stands in the checkout."""
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


def cache() -> Path:
    """What may be deleted at any time: $EDGEKIT_CACHE, else the user's cache directory."""
    return Path(os.environ.get("EDGEKIT_CACHE") or platformdirs.user_cache_dir("edgekit"))
