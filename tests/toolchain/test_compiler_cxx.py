"""Which C++ compiler builds TensorFlow Lite Micro."""

import shutil
import sys

import pytest

from edgekit import boards
from edgekit.errors import ToolMissingError
from edgekit.toolchain import find_cxx_compiler

HOST = boards.load("host")


@pytest.fixture
def gxx() -> str:
    found = shutil.which("g++")
    if found is None:
        pytest.skip("g++ is not installed")
    return found


def test_it_is_the_one_beside_the_c_compiler(gxx, monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("CC", shutil.which("gcc") or "gcc")
    compiler = find_cxx_compiler(HOST)
    assert compiler.command == (gxx,)
    assert compiler.name == "g++"
    assert compiler.version[0].isdigit()


def test_it_is_cxx_where_that_is_set(gxx, monkeypatch):
    monkeypatch.setenv("CXX", f"{gxx} -pipe")
    assert find_cxx_compiler(HOST).command == (gxx, "-pipe")


def test_one_that_is_missing_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setenv("CXX", "g++-of-tomorrow")
    with pytest.raises(ToolMissingError, match=r"g\+\+-of-tomorrow") as caught:
        find_cxx_compiler(HOST)
    assert "g++" in (caught.value.hint or "")


def test_one_without_the_headers_of_its_library_is_found_out_before_a_build(gxx, monkeypatch):
    monkeypatch.setenv("CXX", f"{gxx} -nostdinc++")
    with pytest.raises(ToolMissingError, match="the C\\+\\+ library"):
        find_cxx_compiler(HOST)


def test_one_that_is_no_compiler_is_an_error(monkeypatch):
    monkeypatch.setenv("CXX", shutil.which("false") or sys.executable)
    with pytest.raises(ToolMissingError):
        find_cxx_compiler(HOST)
