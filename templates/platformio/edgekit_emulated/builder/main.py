"""Builds a project for the board that its manifest, boards/<id>.json, describes.

The manifest says compiler, flags of the core and linker script; platformio.ini says the rest.
"""

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from SCons.Script import AlwaysBuild, Default, DefaultEnvironment

env = DefaultEnvironment()
board = env.BoardConfig()
build = board.get("build")
cxx_flags = build.get("cxx_flags", "").split()  # none: the project is all C
# Written out: SCons would break variables at the spaces in them.
project, made = env.subst("$PROJECT_DIR"), env.subst("$BUILD_DIR")
elf = f"{made}/firmware.elf"


def compiler(name, variable):
    """The command of a compiler; for this computer what the environment's variable names."""
    if build["toolchain"] == "host":
        return os.environ.get(variable) or {"gcc": "cc", "g++": "c++"}[name]
    return f"{build['toolchain']}-{name}"


def in_order_of_names(target, source, env):
    """The linker places what it is given in that order: libraries first, then the program."""

    def place(node):
        path = os.path.relpath(node.sources[0].srcnode().get_abspath(), env["PROJECT_DIR"])
        return (path.startswith("src" + os.sep), path)

    return target, sorted(source, key=place)


def object_beside_its_twin(env, node):
    """start.S and start.c may lie in one folder: their objects need two names."""
    return env.Object(f"{node.get_path()}.o", node)


def plug_in(target, source, env):
    """Start the board in the background; it stays until its serial port was used and closed."""
    if importlib.util.find_spec("edgekit") is None:
        print(f"Error: to play {env['BOARD']}, PlatformIO and edgekit must share a Python")
        return 1
    link, said = Path(made) / "serial", Path(made) / "emulator.log"
    link.unlink(missing_ok=True)  # unplugs the one before
    command = [sys.executable, "-m", "edgekit.emulators", env["BOARD"], str(source[0]), str(link)]
    with said.open("w") as log:
        board = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    while not link.is_symlink():
        if board.poll() is not None:
            print(said.read_text() or f"Error: {env['BOARD']} did not start")
            return 1
        time.sleep(0.05)
    print(f"{env['BOARD']} runs; its serial port is {link}")
    return 0


command = compiler("gcc", "CC")
if shutil.which(shlex.split(command)[0]) is None:
    print(f"Error: {env['BOARD']} needs {command}, which is not on the PATH")
    env.Exit(1)

env.Replace(
    AS=command,
    CC=command,
    CXX=compiler("g++", "CXX"),
    AR="ar" if build["toolchain"] == "host" else f"{build['toolchain']}-ar",
    RANLIB="ranlib" if build["toolchain"] == "host" else f"{build['toolchain']}-ranlib",
    # The source stands behind -c, as a launcher that keeps objects wants it.
    CCCOM="$LAUNCHER $CC -o $TARGET $CFLAGS $CCFLAGS $_CCCOMCOM -c $SOURCES",
    CXXCOM="$LAUNCHER $CXX -o $TARGET $CXXFLAGS $CCFLAGS $_CCCOMCOM -c $SOURCES",
    LAUNCHER=os.environ.get("EDGEKIT_LAUNCHER", ""),  # edgekit/toolchain/object_cache.py
    PROGNAME="firmware",
    PROGSUFFIX=".elf",
)
env.Append(
    ASPPFLAGS=["-x", "assembler-with-cpp", *build["isa_flags"]],
    CXXFLAGS=cxx_flags,
    LIBS=["m"] if cxx_flags else [],
    CCFLAGS=[*build["isa_flags"], f"-ffile-prefix-map={project}=."],
    LINKFLAGS=[*build["isa_flags"]],
    PROGEMITTER=[in_order_of_names],
)
if build["linker_script"]:
    script = f"{project}/{build['linker_script']}"
    env.Replace(LINK="$CC")  # of the C++ library only headers are used: it may lack the rest
    env.Append(
        LINKFLAGS=[
            "-nostartfiles",
            f"-T{script}",
            *(f"-Wl,--defsym={symbol}" for symbol in build["linker_symbols"]),
        ]
    )
    env.Depends(elf, script)
env.AddBuildMiddleware(object_beside_its_twin, "*.S")
said = subprocess.run([*shlex.split(command), "--version"], capture_output=True, text=True)
if "clang" not in said.stdout:
    env.Append(LINKFLAGS=[f"-Wl,-Map={made}/firmware.map"])

program = env.BuildProgram()
AlwaysBuild(env.Alias("buildprog", program))
AlwaysBuild(env.Alias("nobuild", elf))
env.AddPlatformTarget(
    "upload",
    program,
    env.VerboseAction(plug_in, "Starting $SOURCE"),
    "Upload",
    "Run in the emulator, behind a serial port",
)
Default("buildprog")
