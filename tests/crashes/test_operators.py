"""Names of generated functions -> step and operator."""

from __future__ import annotations

import pytest
from support.dense import dense_graph
from support.guru import Guru

from edgekit import crashes
from edgekit.crashes.operators import operator_of


@pytest.mark.parametrize(
    "name",
    [
        "step_1_conv_2d",
        "step_1_conv_2d.constprop.0",
        "step_1_conv_2d.isra.0",
        "step_1_conv_2d.cold",
    ],
)
def test_the_table_of_steps_gives_name_and_number(xtensa: Guru, name: str):
    place = operator_of(["ek_conv_2d_s8", name, "ek_kws_invoke"], crashes.open_image(xtensa.elf))
    assert str(place) == "step 1, operator #5 CONV_2D"
    assert place is not None and place.model == "kws"


def test_the_innermost_step_counts(xtensa: Guru):
    place = operator_of(["step_0_pad", "step_1_conv_2d"], crashes.open_image(xtensa.elf))
    assert str(place) == "step 0, operator #0 PAD"


def test_where_the_table_has_no_such_step_the_graph_names_it(xtensa: Guru):
    image = crashes.open_image(xtensa.elf)
    graph = dense_graph(layers=4)
    place = operator_of(["step_3_fully_connected"], image, graph)
    assert str(place) == "step 3, operator #3 FULLY_CONNECTED"
    assert place is not None and place.model == graph.name


def test_without_a_graph_the_functions_name_must_do(xtensa: Guru):
    image = crashes.open_image(xtensa.elf)
    place = operator_of(["step_7_max_pool_2d", "ek_ic_invoke_hooked"], image)
    assert str(place) == "step 7, operator MAX_POOL_2D"
    assert place is not None and place.model == "ic"


def test_a_step_whose_operator_is_another_in_the_table_is_not_taken_from_it(xtensa: Guru):
    """Two models in one image have both a step 1."""
    place = operator_of(["step_1_softmax"], crashes.open_image(xtensa.elf))
    assert str(place) == "step 1, operator SOFTMAX"


def test_other_functions_are_no_operators(xtensa: Guru):
    image = crashes.open_image(xtensa.elf)
    assert operator_of(["ek_conv_2d_s8", "main", "step_x"], image) is None
