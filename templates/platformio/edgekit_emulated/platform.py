"""PlatformIO's platform for boards that an emulator plays, and for this computer itself."""

from platformio.platform.base import PlatformBase


class Edgekit_emulatedPlatform(PlatformBase):  # noqa: N801 - PlatformIO makes this name
    """It has no packages: compilers and emulators are found on the PATH."""

    def is_embedded(self):
        """True, so that `pio test` and the monitor talk to a serial port."""
        return True
