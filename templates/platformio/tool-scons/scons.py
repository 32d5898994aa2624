"""What PlatformIO runs as its package tool-scons: the SCons of this Python environment."""

from SCons.Script.Main import main

main()
