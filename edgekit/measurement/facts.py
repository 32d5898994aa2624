"""What the plan, the image and the device say of memory and build."""

from __future__ import annotations

from edgekit.link import Device
from edgekit.measurement.records import Build, Memory
from edgekit.memory import MemoryPlan
from edgekit.toolchain import FirmwareImage


def memory_facts(device: Device, plan: MemoryPlan, image: FirmwareImage | None) -> Memory:
    """Arena as the device reports it, bound as the plan proves it, sizes as the ELF has them."""
    reported = device.memory()
    return Memory(
        arena_bytes=reported.arena_bytes,
        arena_lower_bound_bytes=plan.lower_bound_bytes,
        arena_proof=plan.proof,
        stack_bytes=reported.stack_bytes,
        static_ram_bytes=None if image is None else image.static_ram_bytes,
        flash_bytes=None if image is None else image.flash_bytes,
        inference_flash_bytes=None if image is None else image.inference_flash_bytes,
    )


def build_facts(image: FirmwareImage) -> Build:
    """What the image was built with."""
    return Build(toolchain=image.toolchain, flags=image.flags, sources_sha256=image.sources_sha256)
