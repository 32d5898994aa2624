"""Asks PlatformIO which of the packages that a board needs are installed; never downloads one.

A program of its own, because PlatformIO keeps its configuration in globals and platforms bring
code. It reads questions from its only argument, as JSON:

    [{"platform": spec, "board": id, "framework": name, "project": directory or null}, …]

and writes as many answers to standard output: {"packages": [{"name", "wanted", "version"}, …]}, the
platform first, then what it needs for the board. `version` is null for what is missing. A platform
that is missing cannot say what else it needs. With a project, the libraries that its platformio.ini
names in lib_deps are last, their `name` beginning with "library ".
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import sys
from typing import Any, NoReturn


def _refuse(*_: object, **__: object) -> NoReturn:
    raise OSError("this query does without the network")


def main() -> None:
    """Answer the questions."""
    questions = json.loads(sys.argv[1])
    socket.socket.connect = socket.create_connection = socket.getaddrinfo = _refuse  # type: ignore
    said = io.StringIO()
    with contextlib.redirect_stdout(said):  # platforms print
        answers = [{"packages": _packages(question)} for question in questions]
    json.dump(answers, sys.stdout)


def _packages(question: dict[str, Any]) -> list[dict[str, str | None]]:
    from platformio.package.manager.platform import PlatformPackageManager
    from platformio.platform.factory import PlatformFactory

    project = question["project"]
    if project:
        os.chdir(project)
    package = PlatformPackageManager().get_package(question["platform"])
    found = [_entry("platform", question["platform"], package)]
    if package is None:
        return found + _libraries(question)
    platform = PlatformFactory.new(package)
    frameworks = [question["framework"]]
    options = {"board": question["board"], "framework": frameworks, "pioframework": frameworks}
    try:
        platform.configure_default_packages(options, [])
    except (Exception, SystemExit) as error:  # a platform that cannot do without the network
        sys.stderr.write(f"{question['platform']}: {error}\n")
    for name, how in sorted(platform.packages.items()):
        if not how.get("optional"):
            spec = platform.get_package_spec(name)
            found.append(_entry(name, _as_typed(spec), platform.get_package(name)))
    return found + _libraries(question)


def _libraries(question: dict[str, Any]) -> list[dict[str, str | None]]:
    """Those of lib_deps; a path in the project is no package."""
    from platformio.package.manager.library import LibraryPackageManager
    from platformio.project.config import ProjectConfig

    if not question["project"]:
        return []
    config = ProjectConfig.get_instance()
    found = []
    for environment in config.default_envs() or config.envs():
        storages = [
            os.path.join(config.get("platformio", "libdeps_dir"), environment),  # noqa: PTH118
            config.get("platformio", "globallib_dir"),
        ]
        for spec in config.get(f"env:{environment}", "lib_deps", []):
            packages = (LibraryPackageManager(storage).get_package(spec) for storage in storages)
            found.append(_entry(f"library {spec}", spec, next(filter(None, packages), None)))
    return found


def _as_typed(spec: Any) -> str:
    """A package as one writes it for `pio pkg install`."""
    owner = f"{spec.owner}/" if spec.owner else ""
    return f"{owner}{spec.name}@{spec.requirements}" if spec.requirements else f"{owner}{spec.name}"


def _entry(name: str, wanted: str, package: Any) -> dict[str, str | None]:
    version = None if package is None else str(package.metadata.version)
    return {"name": name, "wanted": wanted, "version": version}


if __name__ == "__main__":
    del sys.path[0]  # this folder, whose platformio.py is not PlatformIO
    main()
