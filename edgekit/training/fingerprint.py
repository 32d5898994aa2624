"""Tells one training from another, so that none goes on with the state of a different one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from types import CodeType
from typing import Any

import numpy as np

from edgekit.ir import Array


def fingerprint(model: Any, terms: Iterable[object], arrays: Iterable[Array]) -> str:
    """A digest of a model's layers, of values with a telling repr or code, and of arrays."""
    digest = hashlib.sha256()
    for layer in model.layers:
        digest.update(f"{type(layer).__name__} {layer.name} {_config(layer)}\n".encode())
    for term in terms:
        digest.update(f"{_told(term)}\n".encode())
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _config(layer: Any) -> object:
    try:
        return layer.get_config()
    except (NotImplementedError, TypeError):  # a custom layer that cannot be saved
        return None


def _told(term: object) -> str:
    """A function is told by its code, anything else by its repr."""
    code = getattr(term, "__code__", None)
    return repr(term) if code is None else _code(code)


def _code(code: CodeType) -> str:
    constants = [_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return f"{code.co_name} {code.co_code.hex()} {code.co_names} {constants}"
