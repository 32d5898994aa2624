"""Rows of a table about the computer that a model ran on."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from edgekit.measurement import System

_STEADY = "performance"
_HOLD = f"echo {_STEADY} | sudo tee /sys/devices/system/cpu/cpufreq/policy*/scaling_governor"


def rows(system: System) -> Iterator[tuple[str, str | Text]]:
    """What it is, how fast it ran, and loudly what held it back."""
    yield "machine", f"{system.machine}, {system.os}, Linux {system.kernel}"
    if system.launcher is not None:
        yield "launcher", f"{system.launcher}: what it costs is in the latency"
    if cpu := _cpu(system):
        yield "CPU", cpu
    if system.throttled:
        what = ", ".join(system.throttled)
        yield (
            "THROTTLED",
            Text(f"during the run: {what}: the latency is not the machine's best", "bold red"),
        )
    elif system.throttled_earlier:
        what = ", ".join(system.throttled_earlier)
        yield (
            "throttled",
            f"not when the run began and ended, but since the machine started: {what}",
        )
    if system.governor not in (None, _STEADY):
        yield "note", f"the clock may change; to hold it: {_HOLD}"


def _cpu(system: System) -> str:
    parts = []
    if system.governor is not None:
        parts.append(f"governor {system.governor}")
    if system.frequency_hz is not None:
        parts.append(f"{system.frequency_hz / 1e6:,.0f} MHz after the run")
    if system.temperature_c is not None:
        before, after = system.temperature_c
        parts.append(f"{before:.1f} °C before, {after:.1f} °C after")
    return ", ".join(parts)
