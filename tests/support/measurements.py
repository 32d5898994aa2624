"""Measurements that nobody made, for what reads documents."""

from __future__ import annotations

import dataclasses
from typing import Any

from edgekit.measurement import (
    Accuracy,
    Build,
    Latency,
    Measurement,
    Memory,
    Model,
    OperatorLatency,
    Sweep,
    System,
    Verification,
)

SYSTEM = System(
    machine="Raspberry Pi 4 Model B Rev 1.5",
    os="Debian GNU/Linux 12 (bookworm)",
    kernel="6.6.51+rpt-rpi-v8 aarch64",
    governor="ondemand",
    frequency_hz=1_800_000_000,
    temperature_c=(50.0, 61.5),
    throttled=(),
)


def measured(
    model: str = "kws",
    board: str = "qemu-cortex-m4",
    engine: str = "aot",
    *,
    latency: Latency | float = 1000,
    unit: str = "instructions",
    sha256: str = "ab" * 32,
    operators: tuple[float, ...] = (),
    accuracy: float | None = None,
    memory: dict[str, Any] | None = None,
    **facts: Any,
) -> Measurement:
    """One run; what is not given is the same in all."""
    if not isinstance(latency, Latency):
        latency = series(latency, unit=unit)
    sizes = Memory(
        arena_bytes=16_000,
        arena_lower_bound_bytes=16_000,
        arena_proof="lower bound",
        stack_bytes=None,
        static_ram_bytes=16_004,
        flash_bytes=60_000,
        inference_flash_bytes=34_949,
    )
    m = Measurement(
        edgekit="0.1.0",
        board=board,
        emulated=board.startswith("qemu-"),
        engine=engine,
        model=Model(name=model, sha256=sha256, macs=2_656_768),
        build=Build(toolchain="gcc 12.2.1", flags=("-O2",), sources_sha256="cd" * 32),
        invoke=latency,
        operators=tuple(
            OperatorLatency(index=i, name=f"OP_{i}", kernel="ek_op", macs=10, median=median)
            for i, median in enumerate(operators)
        ),
        memory=dataclasses.replace(sizes, **(memory or {})),
        verify=Verification(inputs=4, compared_bytes=48, mismatched_bytes=0, oracle="o"),
        accuracy=None
        if accuracy is None
        else Accuracy(metric="top-1", value=accuracy, samples=100),
    )
    return dataclasses.replace(m, **facts)


def series(*values: float, unit: str = "us", count: int | None = None) -> Latency:
    """(median), or (least, median, 95th percentile, greatest) of `count` invokes."""
    least, median, p95, most = values * 4 if len(values) == 1 else values
    return Latency(
        unit=unit,  # type: ignore[arg-type]
        count=count or (50 if unit == "us" else 3),
        warmup=1,
        min=least,
        median=median,
        p95=p95,
        max=most,
    )


def sweep_of(*runs: Measurement, **facts: Any) -> Sweep:
    return Sweep(**{"edgekit": "0.1.0", "runs": runs, "failures": (), **facts})
