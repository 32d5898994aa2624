"""A directory that holds TensorFlow Lite Micro -> the sources of it that one model needs.

Any layout will do: a tree made by the library's own scripts, the ESP-IDF component, an Arduino
library. It is recognised by header files that every layout has, and nothing in it is taken for
granted that moved between versions: beginning with the interpreter and the kernels asked for, each
header that is included brings the source file of its name.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgekit.boards import Board
from edgekit.codegen import TflmNeeds
from edgekit.errors import UserError

_SUFFIXES = (".cc", ".cpp", ".c")
_MICRO = "tensorflow/lite/micro"
_KERNELS = f"{_MICRO}/kernels"
#: What a directory on the include path is recognised by: a file in it.
_THIRD_PARTY = {
    "flatbuffers": "flatbuffers/flatbuffers.h",
    "gemmlowp": "fixedpoint/fixedpoint.h",
    "ruy": "ruy/profiler/instrumentation.h",
}
_OPTIONAL = {
    "kissfft": "kiss_fft.h",  # for signal operators
    "CMSIS-NN": "Include/arm_nnfunctions.h",
    "CMSIS": "cmsis_compiler.h",
}
#: Source files of a host or of a framework; firmware/tflm has what is needed of them.
_NOT_OURS = {"debug_log", "micro_profiler", "micro_time", "system_setup"}
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]([^">\n]+)[">]', re.MULTILINE)
_C_DEFINITION = re.compile(
    r"^[A-Za-z_][\w \t*]*?\b(\w+)[ \t]*(?:\([^;{]*\)\s*\{|(?:\[\w*\])+\s*=)", re.MULTILINE
)
_WORD = re.compile(r"\b[A-Za-z_]\w+\b")
_MOST_DIRECTORIES = 20_000
_HINT = "docs/tflm.md says where to get one, and which are known to work"


@dataclass(frozen=True, slots=True, kw_only=True)
class TflmSources:
    """The part of a library that a model needs. Paths are relative to `directory`, with slashes."""

    directory: Path  # absolute; as the user gave it
    sources: tuple[str, ...]
    include_directories: tuple[str, ...]
    definitions: tuple[tuple[str, str], ...]  # for the library and all that includes its headers
    included: Mapping[str, tuple[str, ...]]  # source -> every file that it includes, and itself
    digests: Mapping[str, str]  # SHA-256 of each of these files

    def digest_of(self, source: str) -> str:
        """One digest of a source file and of all that it includes."""
        parts = [[path, self.digests[path]] for path in self.included[source]]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @property
    def manifest(self) -> str:
        """All files that matter with their digests, as sha256sum writes them."""
        return "".join(f"{digest}  {path}\n" for path, digest in sorted(self.digests.items()))


def choose(library: str | None, needs: TflmNeeds, board: Board) -> TflmSources:
    """The sources of `library` that a model with these needs takes.

    On Arm boards kernels that call CMSIS-NN are preferred, where the library carries both them and
    CMSIS-NN itself; elsewhere the reference kernels.

    Raises:
        UserError: no library was named, the directory holds none, or lacks a part of it.
    """
    if library is None:
        raise UserError(
            f"engine tflm needs TensorFlow Lite Micro, and {board.id} has no framework with it",
            hint=f"--tflm-library DIR names a directory with its sources; {_HINT}",
        )
    directory = Path(library).expanduser()
    if not directory.is_dir():
        raise UserError(
            f"--tflm-library {library}: there is no such directory",
            hint=f"{board.id} is built from the library's sources; {_HINT}",
        )
    return _Tree(directory.resolve(), str(directory)).select(needs, board)


class _Tree:
    """A directory with the library, looked through once."""

    def __init__(self, directory: Path, named: str) -> None:
        self._directory, self._named = directory, named
        found = _landmarks(directory, named)
        if "root" not in found:
            raise UserError(
                f"{named} does not hold TensorFlow Lite Micro: there is no file "
                f"{_MICRO}/micro_interpreter.h in it, at any depth",
                hint=_HINT,
            )
        missing = [name for name in _THIRD_PARTY if name not in found]
        if missing:
            raise UserError(
                f"{named} holds TensorFlow Lite Micro without {', '.join(missing)}, which it needs",
                hint=f"a bare checkout lacks them: `make third_party_downloads` there; {_HINT}",
            )
        self._root = found["root"]
        self._cmsis_nn = found.get("CMSIS-NN")
        self._include_paths = _include_paths(found)
        self._texts: dict[Path, str] = {}
        self._included: dict[Path, tuple[Path, ...]] = {}
        self._signal = False  # whether a signal operator is needed

    def select(self, needs: TflmNeeds, board: Board) -> TflmSources:
        """What `needs` takes of it, for `board`."""
        cmsis_nn = self._takes_cmsis_nn(needs, board)
        self._signal = any(stem.startswith("signal/") for stem in needs.kernels)
        sources = self._with_companions(
            [self._interpreter(), *self._kernels(needs, cmsis_nn)], cmsis_nn
        )
        if cmsis_nn:
            sources = sorted({*sources, *self._cmsis_nn_sources(sources)})
        included = {path: self._closure(path) for path in sources}
        everything = {path for paths in included.values() for path in paths}
        return TflmSources(
            directory=self._directory,
            sources=tuple(self._relative(path) for path in sources),
            include_directories=tuple(self._relative(path) for path in self._include_paths),
            definitions=self._definitions(cmsis_nn),
            included={
                self._relative(path): tuple(self._relative(one) for one in paths)
                for path, paths in included.items()
            },
            digests={
                self._relative(path): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in everything
            },
        )

    def _takes_cmsis_nn(self, needs: TflmNeeds, board: Board) -> bool:
        if self._cmsis_nn is None or not (self._root / _KERNELS / "cmsis_nn").is_dir():
            return False
        is_arm = board.core.startswith("cortex-m")
        return is_arm or any(self._kernel(stem, cmsis_nn=False) is None for stem in needs.kernels)

    def _definitions(self, cmsis_nn: bool) -> tuple[tuple[str, str], ...]:
        names = ["NDEBUG", "TF_LITE_DISABLE_X86_NEON", "TF_LITE_STATIC_MEMORY"]
        if cmsis_nn:
            names.append("CMSIS_NN")
        # libraries for Arduino ask for this where the original asks for CMSIS_NN
        if "ARDUINO" in self._text(self._root / _KERNELS / "conv.h"):
            names.append("ARDUINO")
        return tuple((name, "1") for name in names)

    def _interpreter(self) -> Path:
        found = _source(self._root / _MICRO / "micro_interpreter")
        if found is None:
            raise self._lacks("the source of its interpreter", f"{_MICRO}/micro_interpreter.cc")
        return found

    def _kernels(self, needs: TflmNeeds, cmsis_nn: bool) -> list[Path]:
        kernels = []
        for stem in needs.kernels:
            found = self._kernel(stem, cmsis_nn=cmsis_nn)
            if found is None:
                folder, _, name = stem.rpartition("/")
                where = f"{folder}/micro/kernels" if folder else _KERNELS
                raise self._lacks("a kernel that the model needs", f"{where}/{name}.cc")
            kernels.append(found)
        return kernels

    def _lacks(self, what: str, path: str) -> UserError:
        return UserError(
            f"the TensorFlow Lite Micro in {self._named} lacks {what}: {path}",
            hint=f"take another version of the library; {_HINT}",
        )

    def _kernel(self, stem: str, *, cmsis_nn: bool) -> Path | None:
        folder, _, name = stem.rpartition("/")
        if folder:  # signal
            return _source(self._root / folder / "micro" / "kernels" / name)
        kernels = self._root / _KERNELS
        places = [kernels / "cmsis_nn" / stem] * cmsis_nn + [kernels / stem]
        return next((found for place in places if (found := _source(place)) is not None), None)

    def _with_companions(self, roots: Iterable[Path], cmsis_nn: bool) -> list[Path]:
        """`roots`, and the sources of every header that they, and those, include; sorted."""
        chosen, waiting = set(roots), list(roots)
        seen: set[Path] = set()
        while waiting:
            for header in self._closure(waiting.pop()):
                if header in seen or header.suffix != ".h":
                    continue
                seen.add(header)
                new = set(self._companions(header, cmsis_nn)) - chosen
                chosen |= new
                waiting += new
        return sorted(chosen)

    def _companions(self, header: Path, cmsis_nn: bool) -> Iterable[Path]:
        """The sources that define what `header` declares, as far as names say."""
        stem = header.stem
        if stem in _NOT_OURS or not header.is_relative_to(self._root):
            return
        if not self._signal and header.is_relative_to(self._root / "signal"):
            return  # the list of all operators includes their headers
        if header.parent == self._root / _KERNELS:
            own = self._kernel(stem, cmsis_nn=cmsis_nn)
        else:
            own = _source(header.with_suffix(""))
        if own is not None:
            yield own
        common = _source(header.with_name(f"{stem}_common"))
        if common is not None:
            yield common
        if header.is_relative_to(self._root / "signal"):  # one file for each type
            parts = header.parent.glob(f"{stem}_*")
            yield from (path for path in parts if _is_part(path))

    def _cmsis_nn_sources(self, users: Iterable[Path]) -> set[Path]:
        """The files of CMSIS-NN that define what `users` call, and what those call."""
        assert self._cmsis_nn is not None
        files = sorted((self._cmsis_nn / "Source").rglob("*.c"))
        homes = {name: path for path in files for name in _C_DEFINITION.findall(self._text(path))}
        chosen: set[Path] = set()
        waiting = [path for path in users if path.parent.name == "cmsis_nn"]
        while waiting:
            words = set(_WORD.findall(self._text(waiting.pop())))
            new = {homes[word] for word in words & set(homes)} - chosen
            chosen |= new
            waiting += new
        return chosen

    def _closure(self, source: Path) -> tuple[Path, ...]:
        """`source` and every file of this directory that it includes, sorted."""
        seen, waiting = {source}, [source]
        while waiting:
            new = set(self._includes(waiting.pop())) - seen
            seen |= new
            waiting += new
        return tuple(sorted(seen))

    def _includes(self, path: Path) -> tuple[Path, ...]:
        if path not in self._included:
            places = (path.parent, *self._include_paths)
            found = (
                next((full for place in places if (full := place / name).is_file()), None)
                for name in _INCLUDE.findall(self._text(path))
            )
            self._included[path] = tuple(
                Path(os.path.normpath(full)) for full in found if full is not None
            )
        return self._included[path]

    def _text(self, path: Path) -> str:
        if path not in self._texts:
            try:
                self._texts[path] = path.read_text(encoding="utf-8", errors="replace")
            except OSError as error:
                raise self._lacks(f"a file ({error.strerror})", self._relative(path)) from error
        return self._texts[path]

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._directory).as_posix()


def _landmarks(directory: Path, named: str) -> dict[str, Path]:
    """By name, the directories that the include path needs; "root" is that of tensorflow/."""
    wanted = {"root": f"{_MICRO}/micro_interpreter.h", **_THIRD_PARTY, **_OPTIONAL}
    by_file = {Path(path).name: (name, Path(path)) for name, path in wanted.items()}
    found: dict[str, Path] = {}
    for count, (place, folders, files) in enumerate(os.walk(directory)):
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        if count > _MOST_DIRECTORIES:
            raise UserError(
                f"{named} has more than {_MOST_DIRECTORIES:,} directories",
                hint="name the library's own directory",
            )
        for file in by_file.keys() & set(files):
            name, path = by_file[file]
            folder = Path(place)
            if (folder / file).match(str(Path("*") / path)):
                candidate = folder.joinpath(*[".."] * (len(path.parts) - 1))
                candidate = Path(os.path.normpath(candidate))
                if name not in found or _depth(candidate) < _depth(found[name]):
                    found[name] = candidate
    return found


def _depth(path: Path) -> int:
    return len(path.parts)


def _include_paths(found: Mapping[str, Path]) -> tuple[Path, ...]:
    paths = [found["root"], *(found[name] for name in _THIRD_PARTY)]
    paths += [found[name] for name in _OPTIONAL if name in found]
    if "CMSIS-NN" in found:
        paths.append(found["CMSIS-NN"] / "Include")
    return tuple(dict.fromkeys(paths))


def _source(stem: Path) -> Path | None:
    paths = (stem.with_name(f"{stem.name}{suffix}") for suffix in _SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def _is_part(path: Path) -> bool:
    """True for a source without a header of its own, such as rfft_int16.cc."""
    is_source = path.suffix in _SUFFIXES and "_test" not in path.stem
    return is_source and not path.with_suffix(".h").is_file()
