"""A recipe as a Python file: `data()`, `teacher()`, `student()` and `recipe`."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from edgekit.errors import EdgekitError, RecipeError
from edgekit.training.recipe import Data, Recipe

_FUNCTIONS = {
    "data": "the samples: Data(train=(x, y), validation=(x, y), test=(x, y))",
    "teacher": "a keras.Model, or the path of a trained .keras file",
    "student": "a keras.Model",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeFile:
    """What a recipe file defines. The functions raise RecipeError with file and line."""

    path: Path
    data: Callable[[], Data]
    teacher: Callable[[], Any]
    student: Callable[[], Any]
    recipe: Recipe


def load_recipe(path: Path) -> RecipeFile:
    """Run the Python file `path`, which may import modules from its own directory.

    Raises:
        RecipeError: there is no such file, it is no Python, fails, or lacks a definition.
    """
    try:
        source = path.read_bytes()
    except OSError as error:
        raise RecipeError(f"cannot read {path}: {error.strerror}") from error
    try:
        code = compile(source, str(path.resolve()), "exec")
    except SyntaxError as error:
        raise RecipeError(f"{path.name}, line {error.lineno}: {error.msg}") from error
    except ValueError as error:  # bytes of 0
        raise RecipeError(f"{path} is no Python file: {error}") from error
    module = ModuleType("edgekit_recipe")
    module.__file__ = str(path.resolve())
    sys.modules[module.__name__] = module  # dataclasses and pickling look there
    with _located(path), _importable(path.resolve().parent):
        exec(code, module.__dict__)
    return RecipeFile(path=path, recipe=_recipe(module, path), **_functions(module, path))


def _recipe(module: ModuleType, path: Path) -> Recipe:
    found = getattr(module, "recipe", None)
    if found is None:
        raise RecipeError(
            f"{path.name} defines no recipe",
            hint="end it with recipe = Recipe(stages=(…), …), from edgekit.training",
        )
    if not isinstance(found, Recipe):
        raise RecipeError(f"{path.name}: recipe must be a Recipe(…), not {type(found).__name__}")
    return found


def _functions(module: ModuleType, path: Path) -> dict[str, Any]:
    for name, meaning in _FUNCTIONS.items():
        found = getattr(module, name, None)
        if found is None:
            raise RecipeError(
                f"{path.name} defines no function {name}()", hint=f"it returns {meaning}"
            )
        if not callable(found):
            raise RecipeError(
                f"{path.name}: {name} must be a function, not {type(found).__name__}",
                hint=f"it returns {meaning}",
            )
    return {name: _guarded(getattr(module, name), path) for name in _FUNCTIONS}


def _guarded(function: Callable[[], Any], path: Path) -> Callable[[], Any]:
    """`function`, run beside its file, whose failures name file and line."""

    @wraps(function)
    def call() -> Any:
        with _located(path), _importable(path.resolve().parent):
            made = function()
        if isinstance(made, (str, os.PathLike)):  # of a trained teacher, beside the recipe
            return path.resolve().parent / made
        return made

    return call


@contextlib.contextmanager
def _importable(directory: Path) -> Iterator[None]:
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(directory))


@contextlib.contextmanager
def _located(path: Path) -> Iterator[None]:
    """Turn whatever the recipe raises into one sentence with the line of the file."""
    try:
        yield
    except RecipeError as error:
        raise RecipeError(f"{_place(path, error)}: {error}", hint=error.hint) from error
    except EdgekitError:
        raise
    except SystemExit as error:  # how a script gives up
        said = str(error.code).removeprefix("error: ")
        raise RecipeError(f"{_place(path, error)}: {said}") from error
    except SyntaxError as error:  # of a module beside it
        file = Path(error.filename or path).name
        raise RecipeError(f"{file}, line {error.lineno}: {error.msg}") from error
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise RecipeError(f"{_place(path, error)}: {type(error).__name__}: {said}") from error


def _place(path: Path, error: BaseException) -> str:
    """The deepest line of the recipe on the way to `error`."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(path.resolve())
    ]
    return f"{path.name}, line {lines[-1]}" if lines else path.name
