"""Which runs of several documents belong together, and what they may cost more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.measurements import measured, series, sweep_of

from edgekit.errors import InputError, UserError
from edgekit.measurement import Failure
from edgekit.measurement.allowances import check, parse_allowance
from edgekit.measurement.pairing import Document, compare

keys = st.lists(
    st.tuples(
        st.sampled_from(["ad", "kws"]),
        st.sampled_from(["host", "qemu-cortex-m4", "qemu-riscv32"]),
        st.sampled_from(["aot", "tflm"]),
    ),
    unique=True,
)


def document(name: str, *runs, **facts) -> Document:
    return Document(name=name, sweep=sweep_of(*runs, **facts))


@given(st.lists(keys, min_size=1, max_size=3))
def test_every_run_is_paired_or_stands_by_itself_or_is_missing(several):
    documents = [
        document(f"{i}.json", *(measured(*key) for key in found)) for i, found in enumerate(several)
    ]
    result = compare(documents)
    base, others = set(several[0]), several[1:]
    paired = {(pair.after.document, pair.after.key) for pair in result.pairs}
    assert paired == {
        (f"{i}.json", key) for i, found in enumerate(others, 1) for key in base & set(found)
    }
    assert all(pair.before.document == "0.json" for pair in result.pairs)
    assert all(pair.before.key == pair.after.key for pair in result.pairs)
    once = [key for found in several for key in found]
    alone = sorted(run.key for run, _ in result.side_by_side)
    assert alone == sorted(key for key in once if once.count(key) == 1)
    assert {(gone.document, gone.key) for gone in result.missing} == {
        (f"{i}.json", key)
        for i, found in enumerate(others, 1)
        if base & set(found)
        for key in base - set(found)
    }
    for run, pair in result.side_by_side:
        if pair is not None:
            assert pair.after is run
            assert pair.before.key[0] == run.key[0]
            assert pair.before.measurement.invoke.unit == run.measurement.invoke.unit


def test_a_run_stands_beside_one_on_its_own_board_if_there_is_one():
    one = document(
        "one.json",
        measured("kws", "qemu-cortex-m3", "aot"),
        measured("kws", "qemu-cortex-m4", "aot"),
        measured("kws", "qemu-cortex-m4", "tflm"),
        measured("kws", "host", "aot", unit="us"),
    )
    against = [
        None if pair is None else pair.before.key[1:] for _, pair in compare([one]).side_by_side
    ]
    assert against == [
        None,
        ("qemu-cortex-m3", "aot"),
        ("qemu-cortex-m4", "aot"),
        None,  # no other counts microseconds
    ]


def test_two_runs_of_one_key_in_a_document_are_refused():
    with pytest.raises(InputError, match=r"a\.json holds two runs of kws qemu-cortex-m4 aot"):
        compare([document("a.json", measured(), measured())])


@pytest.mark.parametrize(
    ("text", "limit", "unit"),
    [
        ("latency=2%", 2.0, "%"),
        ("latency = 0", 0.0, "%"),
        ("latency=1.5ms", 1500.0, "us"),
        ("arena=0", 0.0, "bytes"),
        ("flash=1k", 1024.0, "bytes"),
        ("static_ram=3%", 3.0, "%"),
        ("accuracy=0.5", 0.5, "points"),
    ],
)
def test_allowances_are_read(text, limit, unit):
    allowance = parse_allowance(text)
    assert (allowance.limit, allowance.unit) == (limit, unit)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "latency",
            "latency=",
            "=2%",
            "speed=2%",
            "latency=-2%",
            "latency=x%",
            "latency=nan%",
        ),
        *("arena=1.5", "accuracy=2%", "accuracy=inf", "stack=2us"),
    ],
)
def test_what_is_no_allowance_is_refused(text):
    with pytest.raises(UserError):
        parse_allowance(text)


def checked(before, after, *texts):
    pair = compare([document("a", before), document("b", after)])
    return check(pair, [parse_allowance(text) for text in texts])


@pytest.mark.parametrize(
    ("before", "after", "text", "kept"),
    [
        ({"latency": 1000}, {"latency": 1020}, "latency=2%", True),
        ({"latency": 1000}, {"latency": 1021}, "latency=2%", False),
        ({"latency": 1000}, {"latency": 1001}, "latency=0", False),
        ({"latency": 1000}, {"latency": 1}, "latency=0", True),
        ({"latency": 1000}, {"latency": 1100}, "latency=100instructions", True),
        ({"latency": 1000}, {"latency": 1101}, "latency=100instructions", False),
        ({"latency": 1000}, {"latency": 1001}, "latency=100us", False),  # not its unit
        ({"unit": "us"}, {"unit": "instructions"}, "latency=2%", False),
        ({}, {"memory": {"arena_bytes": 16_016}}, "arena=16", True),
        ({}, {"memory": {"arena_bytes": 16_017}}, "arena=16", False),
        ({}, {}, "stack=0", False),  # nobody measured it
        ({"accuracy": 0.57}, {"accuracy": 0.56}, "accuracy=1", True),
        ({"accuracy": 0.9}, {"accuracy": 0.88}, "accuracy=1", False),
        ({"accuracy": 0.9}, {"accuracy": 0.99}, "accuracy=0", True),
        ({"sha256": "01" * 32}, {"sha256": "02" * 32}, "arena=0", False),
        (
            {"latency": series(90, 100, 130, 140)},
            {"latency": series(95, 125, 135, 140)},
            "latency=2%",
            True,  # within noise
        ),
    ],
)
def test_an_allowance_is_kept_or_not(before, after, text, kept):
    (found,) = checked(measured(**before), measured(**after), text)
    assert found.kept is kept
    assert found.growth is not None or found.why


def test_a_run_that_is_gone_keeps_no_allowance():
    failure = Failure(
        model="kws",
        board="host",
        engine="aot",
        error="the compiler is gone",
        hint=None,
        exit_code=1,
    )
    old = document("old", measured(), measured(board="host"), measured("ad"))
    result = compare([old, document("new", measured(), failures=(failure,))])
    found = check(result, [parse_allowance("latency=2%")])
    assert [(one.key[:2], one.kept, one.why) for one in found] == [
        (("kws", "qemu-cortex-m4"), True, ""),
        (("kws", "host"), False, "failed: the compiler is gone"),
        (("ad", "qemu-cortex-m4"), False, "there is no such run"),
    ]


def test_allowances_without_a_pair_are_refused():
    result = compare([document("a", measured()), document("b", measured(engine="tflm"))])
    assert check(result, []) == ()
    with pytest.raises(UserError, match="no model, board and engine"):
        check(result, [parse_allowance("latency=2%")])
