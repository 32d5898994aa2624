"""Operators on constants: what the tests of shape arithmetic share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from edgekit.ir import Array, DType, Graph, Operator, Tensor
from edgekit.ops import UnsupportedError, definition_of
from support import models


def static_operator(
    kind: str, inputs: Sequence[Tensor], output: Tensor, attributes: Any
) -> Operator:
    """An operator whose inputs are (mostly) constant."""
    return models.operator(kind, inputs, [output], attributes)


def graph_around(operator: Operator, name: str = "static") -> Graph:
    """A model that returns what the operator makes; its input is not used."""
    unused = models.tensor([1], DType.INT8)
    return models.graph_of([operator], [unused], operator.outputs, name)


def value_of(operator: Operator) -> Array:
    """What the operator makes; it and its shape rule must agree."""
    definition = definition_of(operator)
    definition.check(operator)
    constants = [None if t is None else t.constant for t in operator.inputs]
    (value,) = definition.evaluate(operator, constants)
    assert definition.output_shapes(operator) == (value.shape,) == (operator.output.shape,)
    return value


def assert_refused(operator: Operator, why: str) -> None:
    """`check` says so."""
    with pytest.raises(UnsupportedError, match=why):
        definition_of(operator).check(operator)


#: One set of inputs of `graph_around`.
UNUSED = (np.zeros(1, np.int8),)
