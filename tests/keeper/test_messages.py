"""Packets between polisd and keepers: whole, whatever their size and bytes."""

from __future__ import annotations

import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cash.keeper import messages
from cash.keeper.messages import Ended, Failed, LinkEnded, Listening, Ready


@given(st.binary(max_size=200))
def test_any_bytes_pass(data: bytes) -> None:
    assert messages.to_bytes(messages.to_text(data)) == data


@pytest.mark.parametrize("size", [10, 60_000, 70_000, 3_000_000])
def test_any_size_passes_with_its_descriptors(size: int) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, open(os.devnull) as null:
        messages.send_packet(ours, {"text": "x" * size}, [null.fileno(), null.fileno()])
        values, descriptors = messages.receive_packet(theirs)
        assert values == {"text": "x" * size}
        assert len(descriptors) == 2
        for descriptor in descriptors:
            assert not os.get_inheritable(descriptor)
            os.close(descriptor)


def test_receiving_without_waiting() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        with pytest.raises(BlockingIOError):
            messages.receive_packet(theirs, flags=socket.MSG_DONTWAIT)
        ours.close()
        with pytest.raises(LinkEnded):
            messages.receive_packet(theirs, flags=socket.MSG_DONTWAIT)


@pytest.mark.parametrize(
    "message",
    [
        Ready(("a", "b"), 10, 11),
        Ended("x", 137, b"\xff\0report", 1.5, 0.1, 0.2, 4096, "lost"),
        Listening(3128, 7),
        Failed("no", "do this", fatal=False),
    ],
)
def test_messages_pass(message: messages.Message) -> None:
    assert messages.unpack_message(*messages.pack_message(message)) == message
