"""A library is found in any layout, and only what a model needs is taken of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from edgekit import boards
from edgekit.codegen import TflmNeeds
from edgekit.errors import UserError
from edgekit.project import ProjectOptions, tflm_library, write_project
from edgekit.project.tflm_library import TflmSources

MICRO = "tensorflow/lite/micro"
KERNELS = f"{MICRO}/kernels"
THIRD_PARTY = {
    "third_party/flatbuffers/include/flatbuffers/flatbuffers.h": "",
    "third_party/gemmlowp/fixedpoint/fixedpoint.h": "",
    "third_party/ruy/ruy/profiler/instrumentation.h": "",
}
#: The bones of the library: an interpreter that needs an allocator, and kernels of two operators.
TREE = {
    f"{MICRO}/micro_interpreter.h": f'#include "{MICRO}/micro_allocator.h"\n',
    f"{MICRO}/micro_interpreter.cc": f'#include "{MICRO}/micro_interpreter.h"\n'
    f'#include "{MICRO}/debug_log.h"\n',
    f"{MICRO}/micro_allocator.h": "",
    f"{MICRO}/micro_allocator.cc": f'#include "{MICRO}/micro_allocator.h"\n'
    '#include "flatbuffers/flatbuffers.h"\n#include <cstdint>\n',
    f"{MICRO}/debug_log.h": "",
    f"{MICRO}/debug_log.cc": "",
    f"{MICRO}/fake_micro_context.cc": "",
    f"{KERNELS}/conv.h": "",
    f"{KERNELS}/conv.cc": '#include "conv.h"\n',
    f"{KERNELS}/conv_common.cc": '#include "conv.h"\n',
    f"{KERNELS}/conv_test.cc": "",
    f"{KERNELS}/add.h": "",
    f"{KERNELS}/add.cc": '#include "add.h"\n',
    **THIRD_PARTY,
}
CMSIS_NN = {
    f"{KERNELS}/cmsis_nn/conv.cc": '#include "Include/arm_nnfunctions.h"\n'
    '#include "tensorflow/lite/micro/kernels/conv.h"\nvoid Eval() { arm_convolve_s8(); }\n',
    "third_party/cmsis_nn/Include/arm_nnfunctions.h": "int arm_convolve_s8(void);\n",
    "third_party/cmsis_nn/Source/Convolution/arm_convolve_s8.c": '#include "arm_nnfunctions.h"\n'
    "int arm_convolve_s8(void)\n{\n    return arm_nn_table[0] + arm_nn_kernel(1);\n}\n",
    "third_party/cmsis_nn/Source/Support/kernel.c": "int arm_nn_kernel(int a) { return a; }\n",
    "third_party/cmsis_nn/Source/Support/tables.c": "const int arm_nn_table[2] = {1, 2};\n",
    "third_party/cmsis_nn/Source/Support/arm_unused.c": "int arm_unused(void)\n{ return 0; }\n",
}
CONV = TflmNeeds(kernels=("conv",))
HOST = boards.load("host")
M4 = boards.load("qemu-cortex-m4")


def plant(directory: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return directory


def chosen(directory: Path, needs: TflmNeeds = CONV, board: boards.Board = HOST) -> TflmSources:
    return tflm_library.choose(str(directory), needs, board)


def test_the_interpreter_and_the_kernels_asked_for_are_taken_and_nothing_else(tmp_path: Path):
    assert chosen(plant(tmp_path, TREE)).sources == (
        f"{KERNELS}/conv.cc",
        f"{KERNELS}/conv_common.cc",
        f"{MICRO}/micro_allocator.cc",
        f"{MICRO}/micro_interpreter.cc",
    )


def test_include_directories_are_recognised_by_what_lies_in_them(tmp_path: Path):
    assert chosen(plant(tmp_path, TREE)).include_directories == (
        ".",
        "third_party/flatbuffers/include",
        "third_party/gemmlowp",
        "third_party/ruy",
    )


@pytest.mark.parametrize("place", ["src", "components/esp-tflite-micro", "a/b/c/d"])
def test_the_library_may_lie_at_any_depth(tmp_path: Path, place: str):
    plant(tmp_path / place, TREE)
    plant(tmp_path / "deeper/than/anything/else/could/be/here", TREE)
    found = chosen(tmp_path)
    assert found.directory == tmp_path
    assert f"{place}/{MICRO}/micro_interpreter.cc" in found.sources
    assert all(source.startswith(f"{place}/") for source in found.sources)


def test_the_suffixes_of_arduinos_libraries_are_known(tmp_path: Path):
    renamed = {path.replace(".cc", ".cpp"): text for path, text in TREE.items()}
    assert f"{KERNELS}/conv.cpp" in chosen(plant(tmp_path, renamed)).sources


def test_a_library_that_asks_for_arduino_gets_the_definition(tmp_path: Path):
    asking = {**TREE, f"{KERNELS}/conv.h": "#if defined(ARDUINO)\n#endif\n"}
    names = dict(chosen(plant(tmp_path, asking)).definitions)
    assert {"TF_LITE_STATIC_MEMORY", "ARDUINO"} <= set(names)
    assert "ARDUINO" not in dict(chosen(plant(tmp_path, TREE)).definitions)


def test_an_arm_board_takes_cmsis_nn_and_of_it_what_is_called(tmp_path: Path):
    found = chosen(plant(tmp_path, {**TREE, **CMSIS_NN}), board=M4)
    assert f"{KERNELS}/cmsis_nn/conv.cc" in found.sources
    assert f"{KERNELS}/conv.cc" not in found.sources
    assert f"{KERNELS}/conv_common.cc" in found.sources
    assert [path for path in found.sources if path.endswith(".c")] == [
        "third_party/cmsis_nn/Source/Convolution/arm_convolve_s8.c",
        "third_party/cmsis_nn/Source/Support/kernel.c",
        "third_party/cmsis_nn/Source/Support/tables.c",
    ]
    assert {"third_party/cmsis_nn", "third_party/cmsis_nn/Include"} <= set(
        found.include_directories
    )
    assert ("CMSIS_NN", "1") in found.definitions


def test_another_board_takes_the_reference_kernels(tmp_path: Path):
    found = chosen(plant(tmp_path, {**TREE, **CMSIS_NN}))
    assert f"{KERNELS}/conv.cc" in found.sources
    assert not any("cmsis_nn" in source for source in found.sources)
    assert ("CMSIS_NN", "1") not in found.definitions


def test_where_there_is_no_reference_kernel_every_board_takes_cmsis_nn(tmp_path: Path):
    files = {**TREE, **CMSIS_NN}
    del files[f"{KERNELS}/conv.cc"]
    assert f"{KERNELS}/cmsis_nn/conv.cc" in chosen(plant(tmp_path, files)).sources


def test_kernels_for_cmsis_nn_without_cmsis_nn_are_left_alone(tmp_path: Path):
    half = {path: text for path, text in CMSIS_NN.items() if not path.startswith("third_party")}
    assert f"{KERNELS}/conv.cc" in chosen(plant(tmp_path, {**TREE, **half}), board=M4).sources


def test_a_header_in_several_parts_brings_all_of_them_for_signal_operators(tmp_path: Path):
    signal = {
        "signal/micro/kernels/rfft.cc": '#include "signal/src/rfft.h"\n',
        "signal/src/rfft.h": "",
        "signal/src/rfft_float.cc": "",
        "signal/src/rfft_int16.cc": "",
        "signal/src/rfft_int16_test.cc": "",
    }
    plant(tmp_path, {**TREE, **signal})
    sources = chosen(tmp_path, TflmNeeds(kernels=("signal/rfft",))).sources
    assert {path for path in sources if path.startswith("signal")} == {
        "signal/micro/kernels/rfft.cc",
        "signal/src/rfft_float.cc",
        "signal/src/rfft_int16.cc",
    }


def test_a_header_that_changed_changes_the_digest_of_those_that_include_it(tmp_path: Path):
    before = chosen(plant(tmp_path, TREE))
    (tmp_path / f"{MICRO}/micro_allocator.h").write_text("// newer\n")
    after = chosen(tmp_path)
    changed = {s for s in before.sources if before.digest_of(s) != after.digest_of(s)}
    assert changed == {f"{MICRO}/micro_allocator.cc", f"{MICRO}/micro_interpreter.cc"}
    assert before.manifest != after.manifest


def test_a_directory_without_the_library_says_what_was_looked_for(tmp_path: Path):
    with pytest.raises(UserError, match=r"does not hold .*micro_interpreter\.h"):
        chosen(tmp_path)


def test_a_directory_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(UserError, match="no such directory"):
        chosen(tmp_path / "nowhere")


def test_without_a_library_the_board_is_named_and_the_option():
    with pytest.raises(UserError, match="host has no framework") as caught:
        tflm_library.choose(None, CONV, HOST)
    assert "--tflm-library" in (caught.value.hint or "")


@pytest.mark.parametrize("lacking", sorted(THIRD_PARTY))
def test_what_the_library_needs_and_does_not_bring_is_named(tmp_path: Path, lacking: str):
    plant(tmp_path, {path: text for path, text in TREE.items() if path != lacking})
    with pytest.raises(UserError, match=lacking.split("/")[1]) as caught:
        chosen(tmp_path)
    assert "third_party_downloads" in (caught.value.hint or "")


def test_a_kernel_that_this_version_lacks_is_named(tmp_path: Path):
    plant(tmp_path, TREE)
    with pytest.raises(UserError, match=f"{KERNELS}/prelu.cc"):
        chosen(tmp_path, TflmNeeds(kernels=("conv", "prelu")))


def test_a_directory_that_is_far_too_large_is_refused(tmp_path: Path):
    for i in range(150):
        for j in range(150):
            (tmp_path / str(i) / str(j)).mkdir(parents=True)
    with pytest.raises(UserError, match="more than 20,000 directories"):
        chosen(tmp_path)


def project_of(directory: Path, library: Path | None, board: boards.Board = HOST):
    return write_project(
        {"ek_m.h": "", "ek_m.cc": "", "ek_m_tflite.c": ""},
        model_name="m",
        board=board,
        options=ProjectOptions(tflm_library=None if library is None else str(library)),
        directory=directory,
        tflm=None if library is None else CONV,
    )


def test_cmake_gets_the_sources_one_by_one_and_the_librarys_own_place(tmp_path: Path):
    library = plant(tmp_path / "library", TREE)
    project = project_of(tmp_path / "project", library)
    text = (tmp_path / "project" / "CMakeLists.txt").read_text()
    assert "LANGUAGES C CXX)" in text
    assert f'set(TFLM "{library}" CACHE PATH' in text
    assert f"    ${{TFLM}}/{KERNELS}/conv.cc\n" in text
    assert "GLOB" not in text.upper().replace("GLOBAL", "")
    assert "$<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>" in text
    assert "target_link_libraries(firmware PRIVATE tflm m)" in text
    assert {"firmware/tflm/ek_tflm_log.c", "tflm.sha256"} <= set(project.files)
    assert "-fno-rtti" in project.flags


def test_a_board_without_a_system_also_gets_its_own_abort(tmp_path: Path):
    library = plant(tmp_path / "library", TREE)
    bare = project_of(tmp_path / "bare", library, board=M4)
    hosted = project_of(tmp_path / "hosted", library)
    assert "firmware/tflm/bare/ek_tflm_abort.c" in bare.files
    assert "firmware/tflm/bare/ek_tflm_abort.c" not in hosted.files
    assert "LINKER_LANGUAGE C)" in (tmp_path / "bare" / "CMakeLists.txt").read_text()
    assert "LINKER_LANGUAGE" not in (tmp_path / "hosted" / "CMakeLists.txt").read_text()
    assert "arm-none-eabi-g++" in (tmp_path / "bare" / "toolchain.cmake").read_text()


def test_a_library_that_changed_makes_another_build(tmp_path: Path):
    library = plant(tmp_path / "library", TREE)
    first = project_of(tmp_path / "project", library).build_id
    assert project_of(tmp_path / "project", library).build_id == first
    (library / f"{KERNELS}/conv.cc").write_text('#include "conv.h"\n// faster\n')
    assert project_of(tmp_path / "project", library).build_id != first


def test_a_model_that_needs_no_library_is_built_without_cxx(tmp_path: Path):
    project = project_of(tmp_path / "project", None)
    assert "CXX)" not in (tmp_path / "project" / "CMakeLists.txt").read_text()
    assert not any(path.startswith("firmware/tflm") for path in project.files)


def test_a_board_with_a_framework_leaves_the_library_to_it(tmp_path: Path):
    component = {**TREE, "CMakeLists.txt": "idf_component_register(SRCS x.cc)\n"}
    library = plant(tmp_path / "library", component)
    project = project_of(tmp_path / "project", library, board=boards.load("esp32", "espidf"))
    assert project.library is None
    assert not any("ek_tflm_log" in path for path in project.files)
