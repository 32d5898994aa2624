from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support import models

from edgekit.ir import DType, Graph
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.shape import ShapeAttributes


def shape_of(shape: list[int], dtype: DType = DType.INT32) -> Graph:
    source, output = models.tensor(shape), models.tensor([len(shape)], dtype)
    return models.single_operator_graph("shape", [source], output, ShapeAttributes())


@pytest.mark.parametrize(("dtype", "with_oracle"), [(DType.INT32, True), (DType.INT64, False)])
def test_the_kernel_copies_the_shape(
    check_kernels: Callable[..., None], dtype: DType, with_oracle: bool
) -> None:
    graph = shape_of([1, 3, 2], dtype)
    check_kernels([(graph, [(np.zeros((1, 3, 2), np.int8),)])], with_oracle=with_oracle)


def test_it_needs_no_value_of_its_input() -> None:
    (operator,) = shape_of([4, 5]).operators
    definition = definition_of(operator)
    definition.check(operator)
    assert definition.evaluate(operator, [None])[0].tolist() == [4, 5]
    assert definition.output_shapes(operator) == ((2,),)


def test_sizes_are_integers() -> None:
    (operator,) = shape_of([4, 5], DType.INT8).operators
    with pytest.raises(UnsupportedError, match="sizes as int8"):
        definition_of(operator).check(operator)
