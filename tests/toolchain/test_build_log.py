"""What builders print, in the forms they print it, and what is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit import boards
from edgekit.errors import BuildError, DoesNotFitError
from edgekit.toolchain import build_log

LOG = Path("/cache/failed/x.log")
ESP32 = boards.load("esp32")

COMPILER = """\
Compiling .pio/build/esp32/src/main.c.o
In file included from include/edgekit/ek_model.h:7,
                 from src/main.c:3:
src/runtime/ek_run.c: In function 'ek_run':
src/runtime/ek_run.c:41:12: error: 'nothing' undeclared (first use in this function)
   41 |     return nothing;
      |            ^~~~~~~
src/runtime/ek_run.c:41:12: note: each undeclared identifier is reported only once
cc1: all warnings being treated as errors
*** [.pio/build/esp32/src/runtime/ek_run.c.o] Error 1
========================= [FAILED] Took 12.34 seconds =========================
"""
HEADER = """\
src/ek_tflm.cpp:12:10: fatal error: tensorflow/lite/micro/micro_log.h: No such file or directory

*******************************************************************
* Looking for micro_log.h dependency? Check our library registry!
*
*******************************************************************

 #include "tensorflow/lite/micro/micro_log.h"
compilation terminated.
*** [.pio/build/esp32/src/ek_tflm.cpp.o] Error 1
"""
LINKER = """\
Linking .pio/build/esp32/firmware.elf
/root/.platformio/packages/toolchain-xtensa-esp-elf/bin/../lib/gcc/xtensa-esp-elf/14.2.0/../../../../\
xtensa-esp-elf/bin/ld: .pio/build/esp32/src/main.c.o: in function `app_main':
/home/me/p/src/main.c:31: undefined reference to `ek_kws_init'
collect2: error: ld returned 1 exit status
*** [.pio/build/esp32/firmware.elf] Error 1
"""
TWICE = """\
/usr/bin/arm-none-eabi-ld: build/lib1/ek_a/ek_a.o: in function `ek_a_init':
/home/me/p/lib/ek_a/ek_a.c:9: multiple definition of `ek_a_init'; b.o:b.c:3: first defined
collect2: error: ld returned 1 exit status
"""
CMAKE = """\
Reading CMake configuration...
CMake Error at /home/me/.platformio/packages/framework-espidf/tools/cmake/build.cmake:266 (message):
  Failed to resolve component 'esp-tflite-micro' required by component 'ek_kws': unknown name.
Call Stack (most recent call first):
-- Configuring incomplete, errors occurred!
"""
PLATFORM = """\
Processing esp32 (platform: espressif32@6.13.0; board: nothing; framework: espidf)
Error: Unknown board ID 'nothing'
"""
SCRIPT = """\
*** Multiple ways to build the same target were specified for: build/a.o  (from ['a.S'] and ['a.c'])
File "/lib/piobuild.py", line 377, in <listcomp>
"""


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (COMPILER, "src/runtime/ek_run.c:41:12: error: 'nothing' undeclared"),
        (HEADER, "src/ek_tflm.cpp:12:10: fatal error: tensorflow/lite/micro/micro_log.h: No such"),
        (LINKER, "/home/me/p/src/main.c:31: undefined reference to `ek_kws_init'"),
        (TWICE, "/home/me/p/lib/ek_a/ek_a.c:9: multiple definition of `ek_a_init'"),
        (CMAKE, "CMake Error at /home/me/.platformio/packages/framework-espidf/tools/cmake/"),
        (PLATFORM, "Error: Unknown board ID 'nothing'"),
        (SCRIPT, "*** Multiple ways to build the same target were specified for: build/a.o"),
        ("it says\nnothing useful\n===== [FAILED] Took 1 s =====\n", "===== [FAILED]"),
    ],
)
def test_the_first_line_is_the_error_that_a_person_has_to_mend(text: str, first: str):
    error = build_log.explain(text, ESP32, LOG)
    assert isinstance(error, BuildError)
    assert str(error).splitlines()[1].strip().startswith(first)
    assert str(error).startswith("the toolchain rejected the project for esp32:")
    assert error.hint == f"the whole output is in {LOG}"


def test_what_only_follows_from_an_error_is_not_shown():
    assert len(build_log.errors(COMPILER)) == 1
    assert not any("collect2" in line or "***" in line for line in build_log.errors(LINKER))


def test_cmakes_reason_is_shown_with_its_place():
    said = str(build_log.explain(CMAKE, ESP32, LOG))
    assert "Failed to resolve component 'esp-tflite-micro'" in said


@pytest.mark.parametrize(
    ("text", "memory", "needed"),
    [
        ("ld: region `dram0_0_seg' overflowed by 1234 bytes", "RAM", 1234),
        ("ld: region `RAM' overflowed by 1 byte", "RAM", 1),
        ("ld: region 'FLASH' overflowed by 16 bytes", "flash memory", 16),
        ("ld: region `default_rodata_seg' overflowed by 99 bytes", "flash memory", 99),
    ],
)
def test_a_memory_that_overflows_is_a_model_that_does_not_fit(text: str, memory: str, needed: int):
    error = build_log.explain(f"{text}\ncollect2: error: ld returned 1 exit status\n", ESP32, LOG)
    assert isinstance(error, DoesNotFitError)
    assert error.memory == memory
    assert error.needed_bytes - error.free_bytes == needed


def test_a_program_larger_than_its_partition_is_told_by_platformio():
    text = (
        "Flash: [==========]  112.4% (used 1472816 bytes from 1310720 bytes)\n"
        "Error: The program size (1472816 bytes) is greater than maximum allowed (1310720 bytes)\n"
        "*** [checkprogsize] Explicit exit, status 1\n"
    )
    error = build_log.explain(text, ESP32, LOG)
    assert isinstance(error, DoesNotFitError)
    assert (error.needed_bytes, error.free_bytes) == (1472816, 1310720)


def test_instruction_ram_is_no_memory_of_the_model_and_its_error_is_shown_as_it_is():
    error = build_log.explain("ld: region `iram0_0_seg' overflowed by 8 bytes\n", ESP32, LOG)
    assert isinstance(error, BuildError)
    assert "iram0_0_seg" in str(error)


def test_steps_and_warnings_are_told_from_other_lines():
    lines = [
        "Compiling .pio/build/esp32/src/main.c.o",
        "Archiving .pio/build/esp32/libFreeRTOS.a",
        "Linking .pio/build/esp32/firmware.elf",
        "Building .pio/build/esp32/firmware.bin",
        "Building in release mode",
        "src/a.c:3:9: warning: unused variable 'x' [-Wunused-variable]",
        "Warning! Ignore unknown configuration option `board_x`",
        "RAM:   [=         ]   5.1% (used 16720 bytes from 327680 bytes)",
    ]
    assert [build_log.is_step(line) for line in lines] == [True] * 4 + [False] * 4
    assert [build_log.is_warning(line) for line in lines] == [False] * 5 + [True, False, False]
