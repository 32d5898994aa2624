"""The JSON document obeys its schema and survives the round trip."""

import dataclasses
import io
import json

import jsonschema
import pytest

from edgekit.errors import InputError
from edgekit.measurement import (
    Accuracy,
    Build,
    Latency,
    Measurement,
    Memory,
    Model,
    OperatorLatency,
    System,
    Verification,
)
from edgekit.report import from_json, schema, tables, to_json


@pytest.fixture
def measurement():
    return Measurement(
        edgekit="0.1.0",
        board="qemu-cortex-m4",
        emulated=True,
        engine="aot",
        model=Model(name="tiny", sha256="ab" * 32, macs=100),
        build=Build(toolchain="gcc 12", flags=("-O2",), sources_sha256="cd" * 32),
        invoke=Latency(
            unit="instructions", count=3, warmup=1, min=900, median=901, p95=950, max=950
        ),
        operators=(
            OperatorLatency(index=0, name="CONV_2D", kernel="ek_c", macs=100, median=850),
            OperatorLatency(index=2, name="SOFTMAX", kernel="ek_s", macs=0, median=50),
        ),
        memory=Memory(
            arena_bytes=64,
            arena_lower_bound_bytes=48,
            arena_proof="none",
            stack_bytes=None,
            static_ram_bytes=80,
            flash_bytes=9000,
            inference_flash_bytes=3000,
        ),
        verify=Verification(inputs=2, compared_bytes=20, mismatched_bytes=0, oracle="o"),
        accuracy=Accuracy(metric="top-1", value=0.9, samples=10),
    )


def test_a_document_obeys_the_schema(measurement):
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(json.loads(to_json(measurement)), schema())


def test_a_document_without_build_labels_and_profile_obeys_the_schema(measurement):
    bare = dataclasses.replace(
        measurement,
        build=None,
        accuracy=None,
        operators=tuple(dataclasses.replace(o, median=None) for o in measurement.operators),
    )
    jsonschema.validate(json.loads(to_json(bare)), schema())
    assert from_json(to_json(bare)) == bare


def test_a_document_survives_the_round_trip(measurement):
    assert from_json(to_json(measurement)) == measurement


PI = System(
    machine="Raspberry Pi 4 Model B Rev 1.5",
    os="Debian GNU/Linux 12 (bookworm)",
    kernel="6.6.51+rpt-rpi-v8 aarch64",
    governor="ondemand",
    frequency_hz=1_500_000_000,
    temperature_c=(45.3, 61.0),
    throttled=("under-voltage", "throttled"),
    throttled_earlier=("under-voltage",),
    launcher="taskset -c 3",
)
MUTE = dataclasses.replace(
    PI,
    governor=None,
    frequency_hz=None,
    temperature_c=None,
    throttled=None,
    throttled_earlier=None,
    launcher=None,
)


@pytest.mark.parametrize("system", [PI, MUTE])
def test_a_document_of_a_linux_board_obeys_the_schema_and_survives(measurement, system):
    of_linux = dataclasses.replace(measurement, system=system)
    jsonschema.validate(json.loads(to_json(of_linux)), schema())
    assert from_json(to_json(of_linux)) == of_linux


def shown(measurement, system):
    from rich.console import Console

    console = Console(width=200, record=True, file=io.StringIO(), force_terminal=True)
    console.print(tables.summary(dataclasses.replace(measurement, system=system)))
    return console.export_text(styles=True)


def test_a_throttled_run_is_marked_loudly(measurement):
    text = shown(measurement, PI)
    for words in (
        "Raspberry Pi 4 Model B Rev 1.5, Debian GNU/Linux 12 (bookworm), Linux 6.6.51",
        "governor ondemand, 1,500 MHz after the run, 45.3 °C before, 61.0 °C after",
        "taskset -c 3",
        "THROTTLED",
        "\x1b[1;31mduring the run: under-voltage, throttled",
        "echo performance | sudo tee",
    ):
        assert words in text


def test_what_happened_before_a_run_is_no_alarm(measurement):
    text = shown(measurement, dataclasses.replace(PI, throttled=(), governor="performance"))
    assert "THROTTLED" not in text
    assert "since the machine started: under-voltage" in text
    assert "sudo tee" not in text


def test_a_machine_that_tells_nothing_is_shown_in_one_line(measurement):
    text = shown(measurement, MUTE)
    assert "Raspberry Pi 4" in text
    assert "CPU" not in text and "throttled" not in text.lower()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 2}', '{"schema": 1}', "{"])
def test_what_is_no_measurement_is_refused(text):
    with pytest.raises(InputError, match="not a"):
        from_json(text)


@pytest.mark.parametrize(
    ("part", "figures", "said"),
    [
        ("invoke", {"median": -5.0}, "invoke"),
        ("invoke", {"median": 0.0, "min": 3.0}, "invoke"),
        ("invoke", {"p95": float("nan")}, "invoke"),
        ("memory", {"flash_bytes": -1}, "memory.flash_bytes"),
    ],
)
def test_what_nothing_can_have_measured_is_refused(measurement, part, figures, said):
    document = json.loads(to_json(measurement))
    document[part] |= figures
    with pytest.raises(InputError, match=f"not a measurement: {said}"):
        from_json(json.dumps(document))


def test_the_schema_refuses_a_key_that_it_does_not_know(measurement):
    document = json.loads(to_json(measurement)) | {"latency_ms": 1}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema())


def test_tables_show_the_numbers_exactly(measurement):
    from rich.console import Console

    console = Console(width=200, record=True, file=io.StringIO())
    console.print(tables.summary(measurement), tables.operators(measurement))
    text = console.export_text()
    for shown in ("901 instructions median of 3", "64 bytes", "90.0%", "94.4%", "8.50", "9,000"):
        assert shown in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (3, "3"), (1234567, "1,234,567"), (12.34, "12.3"), (1.234, "1.23")],
)
def test_numbers_are_written_for_people(value, text):
    assert tables.number(value) == text
