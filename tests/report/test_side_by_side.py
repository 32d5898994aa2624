"""Comparisons as they are printed: golden text."""

from __future__ import annotations

import dataclasses
import io
import json

from rich.console import Console
from support.measurements import SYSTEM, measured, series, sweep_of

from edgekit.measurement import Failure, Measurement
from edgekit.measurement.allowances import check, parse_allowance
from edgekit.measurement.pairing import Comparison, Document, compare
from edgekit.report import grid as shown
from edgekit.report import side_by_side


def compared(*runs: tuple[Measurement, ...], **facts: object) -> Comparison:
    names = ("old.json", "new.json", "third.json")
    documents = [
        Document(name=name, sweep=sweep_of(*some)) for name, some in zip(names, runs, strict=False)
    ]
    if facts:
        last = documents[-1]
        documents[-1] = dataclasses.replace(last, sweep=sweep_of(*last.sweep.runs, **facts))
    return compare(documents)


def text(comparison: Comparison, *budgets: str, operators: bool = False) -> str:
    """What `edgekit compare` prints, without spaces at the ends of lines."""
    checks = check(comparison, [parse_allowance(budget) for budget in budgets])
    out = Console(file=io.StringIO(), width=80)
    for grid in side_by_side.grids(comparison, checks, operators=operators):
        out.print(shown.table(grid) if grid.rows else f"{grid.title}\n")
        if grid.notes:
            out.print(*grid.notes, "", sep="\n")
    assert isinstance(out.file, io.StringIO)
    lines = [line.rstrip() for line in out.file.getvalue().splitlines()]
    return "\n".join(lines).strip() + "\n"


def test_one_pair_shows_all_that_was_measured():
    old = measured(latency=5_629_568, accuracy=0.9)
    new = measured(
        latency=5_629_570, accuracy=0.89, memory={"arena_bytes": 15_984}, edgekit="0.2.0"
    )
    assert (
        text(compared((old,), (new,)), "latency=0", "arena=0")
        == """\
kws, engine aot: old.json -> new.json

 board                            before      after  change
 ─────────────────────────────────────────────────────────────────────────
 qemu-cortex-m4  instructions  5,629,568  5,629,570  +0.0 %  slower
                 arena            16,000     15,984  -0.1 %  smaller
                 flash            34,949     34,949       =  same
                 static RAM       16,004     16,004       =  same
                 accuracy, %          90         89   -1.00  less accurate

edgekit: 0.1.0, then 0.2.0

budgets of change: 1 of 2 kept

 run                              worse by  budget
 ──────────────────────────────────────────────────────────────
 kws qemu-cortex-m4 aot  latency    0.00 %     0 %  passed over
"""
    )


def test_several_pairs_show_what_changed_and_why_some_cannot_be_compared():
    old = (
        measured(board="rpi-4", latency=series(90, 100, 110, 300), system=SYSTEM),
        measured(board="esp32", unit="us", latency=10.0),
        measured(latency=1000),
        measured(board="host", unit="us", latency=7.0),
    )
    hot = dataclasses.replace(SYSTEM, throttled=("under-voltage",))
    new = (
        measured(board="rpi-4", latency=series(95, 108, 150, 160), system=hot),
        measured(board="esp32", unit="cycles", latency=2400),
        measured(sha256="12" * 32),
    )
    failure = Failure(
        model="kws", board="host", engine="aot", error="no compiler", hint=None, exit_code=1
    )
    assert (
        text(compared(old, new, failures=(failure,)))
        == """\
kws, engine aot: old.json -> new.json

 board                       before   after  change
 ──────────────────────────────────────────────────────────────────
 rpi-4           µs             100     108  +8.0 %  within noise
 esp32           latency         10   2,400          not comparable
 qemu-cortex-m4  latency      1,000   1,000          not comparable
                 arena       16,000  16,000          not comparable
                 flash       34,949  34,949          not comparable
                 static RAM  16,004  16,004          not comparable

kws on rpi-4 in new.json: throttled (under-voltage)
esp32 aot: latency not comparable: us and cycles
qemu-cortex-m4 aot: latency, arena, flash, static RAM not comparable: other
models of one name: abababab…, 12121212…
kws host aot: failed in new.json: no compiler
what is not listed of memory and accuracy is the same

kws, side by side

 document  board  engine  µs   arena   flash  change
 ──────────────────────────────────────────────────────
 old.json  host   aot      7  16,000  34,949
"""
    )


def test_engines_and_boards_stand_side_by_side():
    runs = (
        measured(board="qemu-cortex-m3", latency=2000),
        measured(latency=1000),
        measured(engine="tflm", latency=1500),
        measured(board="host", unit="us", latency=7.5),
    )
    assert (
        text(compared(runs))
        == """\
kws, side by side

 board           engine  instructions   arena   flash   change
 ─────────────────────────────────────────────────────────────────────
 qemu-cortex-m3  aot            2,000  16,000  34,949
 qemu-cortex-m4  aot            1,000  16,000  34,949  -50.0 %  faster
 qemu-cortex-m4  tflm           1,500  16,000  34,949  +50.0 %  slower

each change is against the first line of the same board, or else the first of
all
not comparable: instructions and µs, which have a table each

kws, side by side

 board  engine    µs   arena   flash  change
 ──────────────────────────────────────────────
 host   aot     7.50  16,000  34,949

not comparable: µs and instructions, which have a table each
"""
    )


def test_operators_show_where_a_change_comes_from():
    old = measured(operators=(600, 400))
    new = measured(latency=1060, operators=(660, 400))
    printed = text(compared((old,), (new,)), operators=True)
    assert (
        printed[printed.index("instructions by operator") :]
        == """\
instructions by operator of kws,
qemu-cortex-m4 aot: old.json -> new.json

 #  operator  before  after   change
 ───────────────────────────────────────────
 0  OP_0         600    660  +10.0 %  slower
 1  OP_1         400    400        =  same
"""
    )


def test_of_operators_without_a_spread_it_is_said_once():
    old = measured(unit="us", operators=(6.0, 4.0, 1.0))
    new = measured(unit="us", operators=(6.5, 3.5, 1.0))
    printed = text(compared((old,), (new,)), operators=True)
    assert printed.count("not known") == 2
    assert printed.count("how much a single operator's time spreads is not in a document") == 1


def test_markdown_is_a_table_that_a_pull_request_shows():
    names = compared((measured("a|b"),), (measured("a|b", latency=900, edgekit="0.2.0"),))
    assert (
        shown.markdown(side_by_side.grids(names))
        == """\
**a\\|b, engine aot: old.json -> new.json**

| board |  | before | after | change |  |
| --- | --- | ---: | ---: | ---: | --- |
| qemu-cortex-m4 | instructions | 1,000 | 900 | -10.0 % | faster |
|  | arena | 16,000 | 16,000 | = | same |
|  | flash | 34,949 | 34,949 | = | same |
|  | static RAM | 16,004 | 16,004 | = | same |

- edgekit: 0.1.0, then 0.2.0
"""
    )


def test_the_json_says_the_same():
    comparison = compared((measured(), measured("ad")), (measured(latency=1100),))
    checks = check(comparison, [parse_allowance("latency=2%")])
    document = json.loads(side_by_side.to_json(comparison, checks))
    assert document["passed"] is False
    assert document["documents"] == ["old.json", "new.json"]
    (pair,) = document["pairs"]
    assert (pair["before"]["document"], pair["after"]["document"]) == ("old.json", "new.json")
    assert pair["changes"][0]["share"] == 0.1
    assert [one["why"] for one in document["checks"]] == ["", "there is no such run"]
    assert document["missing"][0]["key"] == ["ad", "qemu-cortex-m4", "aot"]
    assert document["side_by_side"][0]["against"] is None
    assert side_by_side.violations(checks).splitlines() == [
        "kws qemu-cortex-m4 aot: latency grew by 10 %, the budget is 2 %",
        "ad qemu-cortex-m4 aot: latency cannot be held to the budget: there is no such run",
    ]
