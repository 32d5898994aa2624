"""TFLite Micro's own planner; tests/codegen/test_embedded.py holds it against the oracle."""

from edgekit.memory.tflm_greedy import Request, greedy_offsets, head_of


def request(size: int, first: int, last: int, offset: int | None = None) -> Request:
    return Request(size_bytes=size, first_step=first, last_step=last, offset_bytes=offset)


def test_the_largest_comes_first_and_of_equal_ones_the_last() -> None:
    assert greedy_offsets([request(16, 0, 1), request(64, 0, 1), request(16, 0, 1)]) == (80, 0, 64)


def test_a_buffer_goes_into_the_lowest_gap_between_those_of_its_time() -> None:
    asked = [request(64, 0, 0), request(48, 0, 3), request(32, 3, 4), request(16, 3, 3)]
    assert greedy_offsets(asked) == (0, 64, 0, 32)


def test_an_offset_that_is_given_stays_and_the_others_go_around_it() -> None:
    asked = [request(64, 0, 2), request(16, 1, 1, offset=32), request(16, 0, 2)]
    assert greedy_offsets(asked) == (48, 32, 0)


def test_given_offsets_may_share_bytes_and_end_where_the_highest_does() -> None:
    asked = [request(64, 0, 1, offset=0), request(16, 0, 1, offset=0), request(16, 1, 1)]
    offsets = greedy_offsets(asked)
    assert offsets == (0, 0, 64)
    assert head_of(asked, offsets) == 80


def test_nothing_needs_no_head() -> None:
    assert head_of([], greedy_offsets([])) == 0
