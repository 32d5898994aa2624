"""What a Linux computer says of itself, before and after it was timed -> System."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edgekit.measurement.records import System

_SCRIPT = (Path(__file__).parent / "system.sh").read_text(encoding="ascii")

#: Bits of the number that a Raspberry Pi's firmware tells: true now. The same 16 bits higher: true
#: at some time since it started.
#: Source: Raspberry Pi documentation, "vcgencmd", get_throttled.
_THROTTLED = {
    0x1: "under-voltage",
    0x2: "frequency capped",
    0x4: "throttled",
    0x8: "soft temperature limit",
}
_ONCE = 16

#: Runs a program, its name first, and returns what it says.
Run = Callable[[Sequence[str]], str]


class SystemWatch:
    """Watches a computer from its making to end().

    Args:
        run: runs programs on that computer; what it raises is passed on.
        root: the folder there that stands for /.
        launcher: what the model's program is started by, if anything.
    """

    def __init__(self, run: Run, *, root: str = "", launcher: Sequence[str] = ()) -> None:
        self._run, self._root, self._launcher = run, root, tuple(launcher)
        self._before = self._told()

    def end(self) -> System:
        """What it is, and what held it back meanwhile."""
        before, after = self._before, self._told()
        frequency_khz = _number(after.get("frequency_khz"))
        first_mc, last_mc = (_number(told.get("temperature_mc")) for told in (before, after))
        first, last = (_bits(told.get("throttled")) for told in (before, after))
        known = first is not None and last is not None
        first, last = first or 0, last or 0
        return System(
            machine=after["machine"],
            os=after["os"],
            kernel=after["kernel"],
            governor=after.get("governor"),
            frequency_hz=None if frequency_khz is None else frequency_khz * 1000,
            temperature_c=None
            if first_mc is None or last_mc is None
            else (first_mc / 1000, last_mc / 1000),
            throttled=_names(first | last | (last & ~first) >> _ONCE) if known else None,
            throttled_earlier=_names(first >> _ONCE) if known else None,
            launcher=" ".join(self._launcher) or None,
        )

    def _told(self) -> Mapping[str, str]:
        lines = self._run(["sh", "-c", _SCRIPT, "sh", self._root]).splitlines()
        told: dict[str, str] = {}
        for name, _, value in (line.partition(" ") for line in lines):
            told.setdefault(name, value.strip())
        return told


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"-?\d+", text) else None


def _bits(text: str | None) -> int | None:
    """Of "throttled=0x50005" as vcgencmd says it, or "50005" as the kernel does."""
    found = re.fullmatch(r"(?:throttled=)?(?:0x)?([0-9a-f]+)", text or "")
    return None if found is None else int(found[1], 16)


def _names(bits: int) -> tuple[str, ...]:
    return tuple(name for bit, name in _THROTTLED.items() if bits & bit)
