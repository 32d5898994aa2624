"""float32 arithmetic of the board that has none, held against that of this computer."""

from __future__ import annotations

import ctypes

import numpy as np
import numpy.typing as npt
import pytest
from support.compiled import WARNINGS, host_compiler, run

from edgekit import resources

BITS = npt.NDArray[np.uint32]

#: Ends of the exponents' range, neighbours of powers of two, infinities, NaN.
CORNERS = np.array(
    [
        *(0x0000_0000, 0x0000_0001, 0x0000_0002, 0x007F_FFFF, 0x0080_0000, 0x0080_0001),
        *(0x00FF_FFFF, 0x0100_0000, 0x3380_0000, 0x3380_0001, 0x337F_FFFF, 0x3F00_0000),
        *(0x3F7F_FFFF, 0x3F80_0000, 0x3F80_0001, 0x3FFF_FFFF, 0x4000_0000, 0x4B7F_FFFF),
        *(0x4B80_0000, 0x4B80_0001, 0x7F00_0000, 0x7F7F_FFFF, 0x7F80_0000, 0x7FC0_0000),
    ],
    np.uint32,
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    source = resources.tree("firmware") / "startup" / "xtensa_lx60_float.c"
    target = tmp_path_factory.mktemp("float") / "float.so"
    names = ("addsf3", "subsf3", "mulsf3", "floatsisf")
    renamed = [f"-D__{name}=soft_{name}" for name in names]  # this computer's libgcc has its own
    command, _ = host_compiler()
    run([*command, *WARNINGS, *renamed, "-O2", "-shared", "-fPIC", str(source), "-o", str(target)])
    return ctypes.CDLL(str(target))


def pairs() -> tuple[BITS, BITS]:
    """Corners with corners, any bits with any, and pairs whose exponents are near each other."""
    rng = np.random.default_rng(4)
    corners = np.concatenate([CORNERS, CORNERS | np.uint32(1 << 31)])
    first, second = (grid.reshape(-1) for grid in np.meshgrid(corners, corners))
    any_first, any_second = rng.integers(0, 1 << 32, (2, 20_000), np.uint32)
    near = any_first ^ rng.integers(0, 1 << 28, 20_000, np.uint32)
    return np.concatenate([first, any_first, any_first]), np.concatenate([second, any_second, near])


def same(got: list[int], expected: npt.NDArray[np.float32]) -> None:
    bits = np.array(got, np.uint64).astype(np.uint32)
    wrong = (bits != expected.view(np.uint32)) & ~(
        np.isnan(expected) & np.isnan(bits.view(np.float32))
    )
    assert not wrong.any(), [hex(value) for value in bits[wrong][:5]]


@pytest.mark.parametrize(
    ("name", "operation"),
    [("addsf3", np.add), ("subsf3", np.subtract), ("mulsf3", np.multiply)],
)
def test_results_are_those_of_this_computer(
    library: ctypes.CDLL, name: str, operation: np.ufunc
) -> None:
    function = getattr(library, f"soft_{name}")
    function.argtypes, function.restype = [ctypes.c_uint32] * 2, ctypes.c_uint32
    first, second = pairs()
    with np.errstate(all="ignore"):
        expected = operation(first.view(np.float32), second.view(np.float32))
    got = [function(a, b) for a, b in zip(first.tolist(), second.tolist(), strict=True)]
    same(got, expected)


def test_integers_are_rounded_to_even(library: ctypes.CDLL) -> None:
    function = library.soft_floatsisf
    function.argtypes, function.restype = [ctypes.c_int32], ctypes.c_uint32
    small = np.random.default_rng(5).integers(-(1 << 31), 1 << 31, 5_000) >> np.arange(5_000) % 32
    values = [0, 1, -1, 2**24 + 1, 2**24 + 3, 2**31 - 1, -(2**31), -(2**31) + 1, *small.tolist()]
    same([function(value) for value in values], np.array(values, np.int32).astype(np.float32))
