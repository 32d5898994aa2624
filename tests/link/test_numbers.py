"""Numbers that exist once in C and once in Python are the same; the document has them too."""

from __future__ import annotations

import re
from enum import IntEnum, IntFlag
from pathlib import Path

import pytest

from edgekit import resources
from edgekit.link import ElementType, Feature, Message, ResetCause, Status, frame, messages

INCLUDE = resources.tree("firmware") / "include" / "edgekit"
TESTS = Path(__file__).parents[1]
DOCUMENT = (TESTS.parent / "docs" / "protocol.md").read_text()


def constants(header: str, prefix: str) -> dict[str, int]:
    """Every enumerator and #define of a number in `header` whose name begins with `prefix`."""
    text = re.sub(r"/\*.*?\*/", "", (INCLUDE / header).read_text(), flags=re.DOTALL)
    pattern = rf"\b{prefix}(\w+)(?: = |[ \t]+)\(?(-?\d\w*)\)?(?=[,\s}}])"
    return {name: int(number.rstrip("u"), 0) for name, number in re.findall(pattern, text)}


def numbers(enum: type[IntEnum] | type[IntFlag]) -> dict[str, int]:
    return {member.name: int(member) for member in enum}


def test_messages_have_the_same_numbers():
    assert constants("ek_protocol.h", "EK_MESSAGE_") == {
        **numbers(Message),
        "REPLY": messages.REPLY,
    }


def test_statuses_have_the_same_numbers():
    errors = constants("ek_status.h", "EK_ERR_")
    conversation = constants("ek_protocol.h", "EK_REPLY_")
    assert {**conversation, **{name: -number for name, number in errors.items()}} == numbers(Status)


def test_features_reset_causes_and_types_have_the_same_numbers():
    assert constants("ek_protocol.h", "EK_FEATURE_") == numbers(Feature)
    assert constants("ek_port.h", "EK_RESET_") == numbers(ResetCause)
    types = constants("ek_model.h", "EK_")
    assert {name: types[name] for name in numbers(ElementType)} == numbers(ElementType)
    assert types["MAX_RANK"] == messages.MAX_RANK


def test_limits_are_the_same():
    limits = constants("ek_protocol.h", "EK_LINK_")
    assert limits["VERSION"] == messages.VERSION
    assert limits["HEADER_BYTES"] == frame.HEADER_BYTES
    assert limits["CRC_BYTES"] == frame.CRC_BYTES
    longest = limits["PAYLOAD_MAX_BYTES"] + frame.HEADER_BYTES + frame.CRC_BYTES
    assert longest == frame.MAX_BODY_BYTES


@pytest.mark.parametrize("message", list(Message)[1:], ids=lambda m: m.name)
def test_the_document_describes_every_message_under_its_number(message: Message):
    assert f"\n### {message.name} ({int(message)})\n" in DOCUMENT


@pytest.mark.parametrize("status", list(Status), ids=lambda s: s.name)
def test_the_document_lists_every_status(status: Status):
    number = f"0x{int(status):02x}" if status >= 0x80 else str(int(status))
    assert f"\n| {number} | {status.name} |" in DOCUMENT


def test_the_documents_examples_are_vectors():
    vectors = (TESTS / "vectors" / "frames.txt").read_text().split()
    examples = re.findall(r"^    ((?:[0-9a-f]{2} )+[0-9a-f]{2})(?:  .*)?$", DOCUMENT, re.MULTILINE)
    assert len(examples) >= 4
    for example in examples:
        assert example.replace(" ", "") in vectors
