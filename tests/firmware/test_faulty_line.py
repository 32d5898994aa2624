"""Whatever happens to the bytes between host and board: the right answer or a named error."""

from __future__ import annotations

import contextlib
import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgekit.errors import FrameError, LinkTimeoutError
from edgekit.link import Device, Fault, FaultRates, FaultyTransport, SerialTransport
from edgekit.link.frame import encode
from edgekit.link.messages import Header, Message

A = bytes(range(100, 116))
B = random.Random(8).randbytes(3000)
SUM = bytes((a + 1 + b) & 0xFF for a, b in zip(A, B[:16], strict=True))
PATIENCE = {"timeout_s": 0.05, "run_timeout_s": 0.3, "min_bytes_per_s": 1e6}

EXAMPLES = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15
)

faults = st.dictionaries(st.integers(0, 4000), st.sampled_from(Fault), max_size=5)


def talk(device: Device) -> None:
    """Use every kind of request and assert every answer."""
    assert device.hello.model_name == "tiny"
    device.write_input(0, A)
    device.write_input(1, B)
    assert device.invoke(3) == (607,) * 3
    assert device.read_output(0) == SUM
    assert device.read_output(1) == B
    assert device.profile() == (100, 200, 300)
    assert device.echo(B[:300]) == B[:300]


@EXAMPLES
@given(seed=st.integers(0, 10**6), sent_at=faults, received_at=faults)
def test_a_few_faults_anywhere_do_not_change_a_single_answer(
    line: SerialTransport, seed: int, sent_at: dict[int, Fault], received_at: dict[int, Fault]
):
    faulty = FaultyTransport(line, seed=seed, sent_at=sent_at, received_at=received_at)
    talk(Device(faulty, attempts=100, **PATIENCE))


@pytest.mark.parametrize("way", ["sent_at", "received_at"])
def test_what_was_damaged_is_asked_for_again_at_once_not_after_the_timeout(
    line: SerialTransport, way: str
):
    faulty = FaultyTransport(line, **{way: {5: Fault.FLIP}})
    device = Device(faulty, timeout_s=20, attempts=3)
    started = time.monotonic()
    assert device.hello.model_name == "tiny"
    assert time.monotonic() - started < 10
    assert faulty.fault_count == 1


@settings(EXAMPLES, max_examples=10)
@given(
    seed=st.integers(0, 10**6),
    fault=st.sampled_from(["drop", "flip", "double", "insert", "cut"]),
    rate=st.sampled_from([0.0005, 0.002, 0.02]),
)
def test_a_bad_line_gives_right_answers_or_named_errors_and_never_hangs(
    line: SerialTransport, seed: int, fault: str, rate: float
):
    rates = FaultRates(**{fault: rate})
    faulty = FaultyTransport(line, seed=seed, sent=rates, received=rates)
    with contextlib.suppress(LinkTimeoutError, FrameError):
        talk(Device(faulty, attempts=6, **PATIENCE))


@EXAMPLES
@given(garbage=st.binary(max_size=200))
def test_after_any_garbage_the_board_answers(line: SerialTransport, garbage: bytes):
    line.write(garbage)
    device = Device(line, attempts=100, **PATIENCE)
    assert device.hello.board_id == "stdio"


@settings(EXAMPLES, max_examples=60)
@given(data=st.data())
def test_every_prefix_flip_and_double_of_a_request_is_survived(line: SerialTransport, data):
    session = data.draw(st.integers(1, 2**32 - 1))
    sent = encode(Header(Message.HELLO, 0, 7, session).pack() + b"\1")
    at = data.draw(st.integers(0, len(sent) - 1))
    change = data.draw(st.sampled_from(["prefix", "flip", "double", "drop"]))
    changed = {
        "prefix": sent[:at],
        "flip": sent[:at] + bytes([sent[at] ^ data.draw(st.integers(1, 255))]) + sent[at + 1 :],
        "double": sent[: at + 1] + sent[at:],
        "drop": sent[:at] + sent[at + 1 :],
    }[change]
    line.write(changed)
    device = Device(line, attempts=100, **PATIENCE)
    device.write_input(0, A)
    assert device.invoke() == (607,)
    assert device.read_output(0) == bytes((a + 1) & 0xFF for a in A)
