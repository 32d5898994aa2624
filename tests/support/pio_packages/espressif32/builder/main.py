"""Compiles, links, and calls a copy of the ELF the image."""

from SCons.Script import AlwaysBuild, Copy, Default, DefaultEnvironment

env = DefaultEnvironment()
env.Replace(CC="cc", LINK="cc", PROGNAME="firmware", PROGSUFFIX=".elf", SIZETOOL="size")
env.Replace(
    SIZEPROGREGEXP=r"^(?:\.text|\.rodata|\.data)\s+([0-9]+).*",
    SIZEDATAREGEXP=r"^(?:\.data|\.bss)\s+([0-9]+).*",
    SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
    SIZEPRINTCMD="$SIZETOOL -B -d $SOURCES",
)
env.Append(LINKFLAGS=["-Wl,-Map=$BUILD_DIR/firmware.map", "-Wl,--gc-sections"])
elf = env.BuildProgram()
image = env.Command(
    "$BUILD_DIR/firmware.bin",
    elf,
    env.VerboseAction(Copy("$TARGET", "$SOURCE"), "Building $TARGET"),
)
env.Depends(image, "checkprogsize")
AlwaysBuild(env.Alias("buildprog", image))
Default("buildprog")
