"""Sweeps as a table and as a document."""

from __future__ import annotations

import io
import json

import jsonschema
import pytest
from rich.console import Console
from support.measurements import measured, sweep_of

from edgekit.errors import InputError
from edgekit.measurement import Failure
from edgekit.report import sweep, sweep_document, to_json
from edgekit.report.sweep import Row

FAILURE = Failure(
    model="vww",
    board="qemu-cortex-m0plus",
    engine="tflm",
    error="the model needs 4,096 bytes of RAM too many",
    hint="it fits on: host",
    exit_code=2,
)


def text(*rows: Row, **options: int) -> str:
    out = Console(file=io.StringIO(), width=80)
    out.print(sweep.table(rows, **options))
    assert isinstance(out.file, io.StringIO)
    return "\n".join(line.rstrip() for line in out.file.getvalue().splitlines()).strip() + "\n"


def row(m, **facts) -> Row:
    return Row(model=m.model.name, board=m.board, engine=m.engine, outcome=m, **facts)


def test_what_is_being_done_stands_where_the_result_will_be():
    assert (
        text(
            row(measured(latency=5_629_568)),
            Row(
                model="kws", board="host", engine="aot", stage="building for host", done=3, total=12
            ),
            Row(model="vww", board="host", engine="aot"),
            Row(model="vww", board="qemu-cortex-m0plus", engine="aot", outcome=FAILURE),
        )
        == """\
engine aot

 model  board                instructions   arena   flash  bytes
 ───────────────────────────────────────────────────────────────
 kws    qemu-cortex-m4          5,629,568  16,000  34,949  exact
 kws    host                building 3/12
 vww    host                      waiting
 vww    qemu-cortex-m0plus         failed
"""
    )


def test_units_that_differ_are_said_in_each_line():
    assert (
        text(
            row(measured()),
            row(measured(board="host", unit="us", latency=12.5)),
            row(measured(board="host", engine="tflm", unit="us", latency=12.5, virtual=True)),
        )
        == """\
model  board           engine             latency   arena   flash  bytes
 ────────────────────────────────────────────────────────────────────────
 kws    qemu-cortex-m4  aot     1,000 instructions  16,000  34,949  exact
 kws    host            aot                12.5 µs  16,000  34,949  exact
 kws    host            tflm     12.5 µs (virtual)  16,000  34,949  exact
"""
    )


def test_of_too_many_rows_those_that_run_are_shown():
    rows = [Row(model=f"m{i}", board="host", engine="aot") for i in range(30)]
    rows[7] = Row(model="m7", board="host", engine="aot", stage="measuring on host")
    rows[3] = row(measured("m3", "host"))
    printed = text(*rows, most=10)
    assert " m7     host      measuring" in printed
    assert "m3 " not in printed
    assert "1 of 30 have ended" in printed
    assert "m29" in text(*rows, most=30)


def test_the_document_obeys_its_schema_and_comes_back():
    found = sweep_of(measured(), measured(engine="tflm", operators=(1, 2)), failures=(FAILURE,))
    jsonschema.Draft202012Validator.check_schema(sweep_document.schema())
    document = json.loads(sweep_document.to_json(found))
    jsonschema.validate(document, sweep_document.schema())
    assert sweep_document.from_json(sweep_document.to_json(found)) == found
    document["runs"][0]["board"] = 5
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, sweep_document.schema())


def test_the_schema_refuses_what_no_sweep_has():
    good = json.loads(sweep_document.to_json(sweep_of(measured(), failures=(FAILURE,))))
    for spoil in (
        lambda d: d.pop("failures"),
        lambda d: d["runs"][0].update(schema=1),
        lambda d: d["failures"][0].update(exit_code=0),
        lambda d: d.update(more=1),
    ):
        bad = json.loads(json.dumps(good))
        spoil(bad)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, sweep_document.schema())


def test_a_measurement_by_itself_is_a_sweep_of_one():
    assert sweep_document.from_json(to_json(measured())).runs == (measured(),)


@pytest.mark.parametrize("text", ["[]", "3", '"runs"', '{"runs": 1}', '{"schema": 1, "runs": 1}'])
def test_other_documents_are_refused(text):
    with pytest.raises(InputError):
        sweep_document.from_json(text)
