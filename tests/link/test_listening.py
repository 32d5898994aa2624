"""Text and frames told apart by one who only listens."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from edgekit.link import Device, FakeBoard, HeardFrame, Listener, MemoryTransport
from edgekit.link.frame import encode


def heard_of(*parts: bytes) -> list[bytes | HeardFrame]:
    """What a listener makes of the parts, its texts put together."""
    listener = Listener()
    heard = [event for part in parts for event in listener.feed(part)] + listener.flush()
    joined: list[bytes | HeardFrame] = []
    for event in heard:
        if joined and isinstance(event, bytes) and isinstance(joined[-1], bytes):
            joined[-1] += event
        else:
            joined.append(event)
    return joined


def conversation(board: FakeBoard) -> bytes:
    """All bytes of a conversation with a board, of both sides."""
    passed = bytearray()

    def tapped(sent: bytes) -> bytes:
        answer = board(sent)
        passed.extend(sent + answer)
        return answer

    with Device(MemoryTransport(tapped)) as device:
        device.write_input(0, bytes(range(250)) * 12)
        device.invoke(2)
        device.read_output(0)
        device.profile()
        device.memory()
    return bytes(passed)


def test_every_frame_of_a_conversation_has_its_name(fake_board: FakeBoard):
    heard = heard_of(conversation(fake_board))
    assert all(isinstance(event, HeardFrame) and not event.damaged for event in heard)
    names = [str(event).rpartition(", ")[0] for event in heard]
    assert names[:2] == ["HELLO request", "HELLO reply"]
    for name in ("TENSOR", "WRITE_INPUT", "INVOKE", "READ_OUTPUT", "PROFILE", "MEMORY"):
        assert names.count(f"{name} request") == names.count(f"{name} reply") > 0


def test_a_hello_is_understood_and_nothing_else_is_one(fake_board: FakeBoard):
    hellos = [e.hello for e in heard_of(conversation(fake_board)) if isinstance(e, HeardFrame)]
    assert [hello.board_id for hello in hellos if hello is not None] == ["fake"]


def test_text_around_and_between_frames_stays_text(fake_board: FakeBoard):
    frames = conversation(fake_board)
    heard = heard_of(b"ets Jun  8 2016\r\n" + frames + b"Guru Meditation\r\n" + frames + b"end")
    texts = [event for event in heard if isinstance(event, bytes)]
    assert texts == [b"ets Jun  8 2016\r\n", b"Guru Meditation\r\n", b"end"]


@given(data=st.data())
def test_it_does_not_matter_where_the_bytes_are_cut(data: st.DataObject):
    wire = b"boot\n" + encode(bytes(20)) + b"then\n" + encode(b"\x81\0" + bytes(range(100)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    parts = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    assert heard_of(*parts) == heard_of(wire)
    assert len(heard_of(wire)) == 4


def test_a_stray_zero_does_not_hide_the_text_behind_it():
    listener = Listener()
    assert listener.feed(b"a\0") == [b"a"]
    assert listener.feed(b"panic: at 0x1234\n") == [b"panic: at 0x1234\n"]


def test_what_is_neither_is_shown_by_its_size():
    noise = bytes(random.Random(1).choices(range(0x80, 0x100), k=40))
    assert [str(event) for event in heard_of(b"\0" + noise + b"\0")] == ["damaged, 40 bytes"]
    (rest,) = heard_of(b"\0" + noise)
    assert isinstance(rest, HeardFrame) and rest.damaged and rest.hello is None


@given(wire=st.binary(max_size=300))
def test_no_bytes_are_an_error_and_none_are_lost(wire: bytes):
    size = 0
    for event in heard_of(wire):
        if isinstance(event, bytes):
            size += len(event)
        elif event.damaged:
            size += len(event.content)
        assert str(event)
    assert size <= len(wire)


def test_an_unknown_message_has_its_number():
    (frame,) = heard_of(encode(b"\xee\x05" + bytes(6)))
    assert str(frame) == "message 110 reply, FRAME, 8 bytes"
