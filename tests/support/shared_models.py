"""Real models, if there are any on this machine: tests that want them are skipped elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).resolve().parents[2]


def folder() -> Path:
    """$EDGEKIT_MODELS, or shared/models beside the checkout."""
    return Path(os.environ.get("EDGEKIT_MODELS") or _CHECKOUT.parent / "shared" / "models")


def path(name: str) -> Path:
    """The model of that name; skips the test if it is not there."""
    found = folder() / f"{name}.tflite"
    if not found.is_file():
        pytest.skip(f"{found.name} is not on this machine: set EDGEKIT_MODELS to its folder")
    return found
