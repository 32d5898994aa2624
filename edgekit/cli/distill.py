"""`edgekit distill`."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.cli import console
from edgekit.errors import TrainingError, UserError

if TYPE_CHECKING:
    from edgekit.progress import Progress
    from edgekit.training import DistillationResult, RecipeFile

_LOG = "training.log"


def distill(
    recipe: Annotated[
        Path,
        typer.Argument(
            metavar="RECIPE.py",
            help="Defines data(), teacher(), student() and recipe.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="For models and states; else RECIPE-distilled."
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option("--seeds", metavar="0,1,2", help="Instead of the recipe's own."),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write all figures as JSON; - is stdout."),
    ] = None,
) -> None:
    """Train a student by a teacher in stages, and the same student alone, for several seeds.

    Goes on where it was when it was broken off. Needs the extra keras.

    [bold]Examples[/bold]

        edgekit distill recipe.py

        edgekit distill recipe.py -o distilled --seeds 0,1,2,3,4 --json result.json
    """
    from edgekit.report import distillation as tables
    from edgekit.training import load_recipe

    console.refuse_unwritable(json)
    if not recipe.is_file():
        raise UserError(f"there is no recipe {recipe}", hint="give a Python file")
    chosen = None if seeds is None else parse_seeds(seeds)
    directory = output or Path(f"{recipe.stem}-distilled")
    with undisturbed(directory) as progress:
        loaded = load_recipe(recipe)
        if chosen is not None:
            changed = dataclasses.replace(loaded.recipe, seeds=chosen)
            loaded = dataclasses.replace(loaded, recipe=changed)
        result = _distil(loaded, directory, progress)
    if json is not None:
        console.write_file(json, result.to_json())
    if str(json) != "-":
        out = console.stdout()
        out.print(tables.heading(result))
        out.print(tables.accuracy_table(result))
        out.print(tables.verdict(result))
        out.print(tables.cost_table(result))
        out.print(f"* kept as student.keras and alone.keras in {directory}, by validation data")


def _distil(loaded: RecipeFile, directory: Path, progress: Progress) -> DistillationResult:
    from edgekit.training import distil

    return distil(
        loaded.recipe,
        directory,
        data=loaded.data,
        teacher=loaded.teacher,
        student=loaded.student,
        progress=progress,
    )


def parse_seeds(text: str) -> tuple[int, ...]:
    """The --seeds option.

    Raises:
        UserError: it is no list of integers.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdecimal() for part in parts):
        raise UserError(
            f"--seeds {text}: integers from 0 on are wanted, with commas between them",
            hint="as in --seeds 0,1,2",
        )
    return tuple(int(part) for part in parts)


@contextlib.contextmanager
def undisturbed(directory: Path) -> Iterator[Progress]:
    """A progress bar, while what TensorFlow and the recipe print goes to a log in `directory`.

    Raises:
        UserError: the directory cannot be written.
    """
    from edgekit.quiet import quiet

    log = directory / _LOG
    try:
        directory.mkdir(parents=True, exist_ok=True)
        log.touch()
    except OSError as error:
        raise UserError(
            f"cannot write into {directory}: {error.strerror}", hint="choose another directory: -o"
        ) from error
    try:
        with (
            os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8") as terminal,
            console.progress(terminal) as progress,
            quiet(log),
        ):
            yield progress
    except TrainingError as error:
        raise TrainingError(f"{error}; TensorFlow's log is {log}", hint=error.hint) from error
    except Exception:
        raise
    except BaseException:  # a signal
        _say_what_is_kept(directory)
        raise


def _say_what_is_kept(directory: Path) -> None:
    unfinished = sorted((directory / "checkpoints").glob("*.keras"))
    with contextlib.suppress(OSError):
        for path in unfinished:
            sys.stderr.write(f"\nthe best model so far of {path.stem} is kept: {path}")
        sys.stderr.write(
            f"\nwhat was trained is in {directory}: the same command goes on from there"
        )
