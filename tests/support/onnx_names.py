"""What `onnx_cases.py` writes, for tests whose Python has no ONNX."""

from __future__ import annotations

import re
from pathlib import Path

_TEXT = Path(__file__).with_name("onnx_cases.py").read_text(encoding="utf-8")
_FUNCTIONS = re.findall(r"^@case\ndef (\w+)", _TEXT, re.MULTILINE)
_CALLS = re.findall(r"^(?:simple|_image|_transposed)\(\s*\"(\w+)\"", _TEXT, re.MULTILINE)

#: Cases that must be converted.
CONVERTED = tuple(_FUNCTIONS + _CALLS)

#: How many TRANSPOSEs cannot be avoided; in all others there is none.
TRANSPOSES = {
    "batch_norm_first": 1,  # flattened, and that is the output
    "concatenated_after_flatten": 2,
    "from_flat": 1,
    "log_softmax": 1,  # flattened, and that is the output
    "matrices": 1,
    "shuffled_channels": 1,
    "softmax_of_columns": 1,
    "to_rows": 1,
}

#: What is said of those that cannot be.
REFUSED = {
    "batch": r"input 'x' is \[4, 8\]: its batch size is 4, not 1",
    "domain": r"custom operators, .*: Own 'mine' \(domain acme\)",
    "dynamic": r"input 'x' has the dynamic dimensions 2 \(height\), 3 \(width\)",
    "external": r"keeps its weights in weights.bin, which is not beside it",
    "integers": r"input 'x' is int64, not float32",
    "operators": r"has 2 operators that no .* can hold: Erf '/Erf_0' .*, Softplus 'Mish_",
    "opset": r"uses ONNX opset 99",
    "quantised": r"the model is quantised already: give the float model",
    "shapes": r"cannot be run by ONNX Runtime .*Gemm_1",
}
