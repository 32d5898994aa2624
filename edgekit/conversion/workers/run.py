"""Run one worker: `python run.py NAME REPLY ARGUMENTS...`; REPLY becomes its JSON reply.

The reply is {"facts": {...}}, or {"refused" | "missing" | "failed": sentence, "hint": or null}.
"""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
if sys.path and Path(sys.path[0]).resolve() == _HERE:
    del sys.path[0]  # a worker must never be taken for the package that it converts from

import errno  # noqa: E402
import importlib  # noqa: E402
import importlib.util  # noqa: E402
import json  # noqa: E402
import traceback  # noqa: E402
from typing import Any  # noqa: E402

_PACKAGE = "edgekit_workers"  # workers import each other relatively, under whatever name


def main(name: str, reply: str, *arguments: str) -> int:
    """Write the reply whole; 0 if the worker returned facts."""
    answer = _answer(name, arguments)
    unfinished = Path(f"{reply}.unfinished")
    unfinished.write_text(json.dumps(answer), encoding="utf-8")
    unfinished.replace(reply)
    return 0 if "facts" in answer else 1


def _answer(name: str, arguments: tuple[str, ...]) -> dict[str, Any]:
    _import_package()
    refusal = importlib.import_module(f"{_PACKAGE}.refusal")
    try:
        worker = importlib.import_module(f"{_PACKAGE}.{name}")
        return {"facts": worker.convert(*arguments)}
    except refusal.Refused as refused:
        return {"refused": str(refused), "hint": refused.hint}
    except refusal.Missing as missing:
        return {"missing": str(missing), "hint": missing.hint}
    except OSError as error:
        traceback.print_exc()
        where = f"{error.filename}: " if error.filename else ""
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        return {
            "failed": f"{where}{error.strerror or error}",
            "hint": "free some space and try again" if full else None,
        }
    except Exception as error:  # the parent names the log, which has the traceback
        traceback.print_exc()
        lines = str(error).strip().splitlines() or ["no message"]
        return {"failed": f"{type(error).__name__}: {lines[0].strip()}", "hint": None}


def _import_package() -> None:
    spec = importlib.util.spec_from_file_location(
        _PACKAGE, _HERE / "__init__.py", submodule_search_locations=[str(_HERE)]
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
