"""Needs a toolchain only once it knows the board, as the real one does."""

from platformio.platform.base import PlatformBase


class Espressif32Platform(PlatformBase):
    def configure_default_packages(self, options, targets):
        if options.get("board"):
            self.packages["toolchain-xtensa-esp-elf"]["optional"] = False
        return super().configure_default_packages(options, targets)
