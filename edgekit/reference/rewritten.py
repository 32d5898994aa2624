"""Does a rewritten model give the bytes of the original?"""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.errors import PassError
from edgekit.ir import Array
from edgekit.reference import cache


def check(original: bytes, rewritten: bytes, inputs: Sequence[tuple[Array, ...]]) -> str | None:
    """Run both .tflite on each set of inputs; who ran them, None if there is nothing to compare.

    Both are run as `cache.outputs_for` does, and their outputs kept as there.

    Raises:
        PassError: some output differs, or only the original can be run.
        ModelError: there is no oracle, and the NumPy reference cannot run the model.
    """
    if original == rewritten or not inputs:
        return None
    expected, runner = cache.outputs_for(original, inputs)
    outputs, other = cache.outputs_for(rewritten, inputs)
    if runner != other:
        raise PassError(f"the rewritten model does not run where the original does: {other}")
    for number, (one, two) in enumerate(zip(expected, outputs, strict=True)):
        for index, (a, b) in enumerate(zip(one, two, strict=True)):
            if (a.dtype, a.shape, a.tobytes()) != (b.dtype, b.shape, b.tobytes()):
                raise PassError(
                    f"the rewritten model gives another output {index} for input set {number} "
                    f"({runner})"
                )
    return runner
