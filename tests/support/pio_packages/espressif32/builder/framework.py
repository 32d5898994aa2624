"""A framework's part of the flash memory, put where platform espressif32 puts it."""

from pathlib import Path

from SCons.Script import DefaultEnvironment

env = DefaultEnvironment()
build = Path(env.subst("$BUILD_DIR"))
images = [("0x1000", build / "bootloader.bin"), ("0x8000", build / "partitions.bin")]
if "arduino" in env["PIOFRAMEWORK"]:
    images.append(("0xe000", build / "boot_app0.bin"))
for _, path in images:
    path.write_bytes(path.stem.encode())
env.Append(FLASH_EXTRA_IMAGES=[(offset, str(path)) for offset, path in images])
env["INTEGRATION_EXTRA_DATA"].update({"application_offset": "0x10000"})
