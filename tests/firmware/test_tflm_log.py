"""What TensorFlow Lite Micro says reaches the log as it would reach a terminal."""

import subprocess
from pathlib import Path

HERE = Path(__file__).parent


def test_messages_are_lines_of_the_log_formatted_as_stdio_would(compile_c):
    source = HERE.parents[1] / "firmware" / "tflm" / "ek_tflm_log.c"
    program = compile_c("tflm_log", source, HERE / "tflm_log.c")
    done = subprocess.run([program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == [
        "log: Failed to resize buffer. Requested: 100, available 60, missing: 40",
        "log: in two parts: CONV_2D",
        "log: a fraction (a fraction), then 3",
        "log: (null)",
        f"log: {'0123456789' * 12}0123456",
        f"log: {'0123456789' * 7}",
    ]
