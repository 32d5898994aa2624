"""What the plan, the image and the device say of memory and build."""

from __future__ import annotations

from edgekit.link import Device
from edgekit.measurement.records import Build, Memory
from edgekit.toolchain import FirmwareImage


def memory_facts(
    device: Device, *, lower_bound_bytes: int, proof: str, image: FirmwareImage | None
) -> Memory:
    """Arena as the device reports it, bound as the host proved it, sizes as the ELF has them."""
    reported = device.memory()
    return Memory(
        arena_bytes=reported.arena_bytes,
        arena_lower_bound_bytes=lower_bound_bytes,
        arena_proof=proof,
        stack_bytes=reported.stack_bytes,
        static_ram_bytes=None if image is None else image.static_ram_bytes,
        flash_bytes=None if image is None else image.flash_bytes,
        inference_flash_bytes=None if image is None else image.inference_flash_bytes,
    )


def build_facts(image: FirmwareImage) -> Build:
    """What the image was built with."""
    return Build(
        toolchain=image.toolchain,
        flags=image.flags,
        sources_sha256=image.sources_sha256,
        weights_in=image.weights_in,
        kernels_in=image.kernels_in,
    )
